"""Every page that is not the admin, for everybody whom it is not for: read from the URL configuration."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.custom_roles import create_custom_role
from accounts.services.organizations import change_member_role
from kernel.permissions import Permission
from tests import cast
from tests.certificates.asking import with_capability
from tests.security.doors import DOCUMENTS, OPEN, OWN, PAGES, addresses, with_holes
from tests.security.whole import Whole, snapshot, speaks_of_acme, unchanged, whole_organization
from tests.web.people import browser_of, give_app

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NO_ID = "00000000-0000-4000-8000-000000000000"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What somebody would send who wants to change something; each page takes what it knows.
FORM = {
    "email": "mallory@umbrella.example",
    "role": "owner",
    "capabilities": ["audit:read"],
    "name": "Others",
    "permissions": ["audit:read"],
    "default_role": "owner",
    "makes_members": "on",
    "second_factor": "nobody",
    "delete": "1",
    "cancel": "1",
    "yes": "1",
}
IN_ORGANIZATION = {address: need for address, need in PAGES.items() if need not in (OPEN, OWN)}


@pytest.fixture
def whole(db: None) -> Whole:
    return whole_organization()


@pytest.fixture
def second_factor(whole: Whole) -> str:
    """The number of one of the owner."""
    give_app(whole.office.person.user)
    return str(Authenticator.objects.get(user=whole.office.person.user).pk)


def browser(person: cast.Person | None) -> Client:
    """A browser; of somebody who has just shown who they are."""
    client = Client() if person is None else browser_of(person.user)
    client.raise_request_exception = False
    return client


def shows_nothing_of(whole: Whole, answer: Any, path: str) -> bool:
    """But for the address that was asked for, and the examples in what is written for developers."""
    told = b"".join(answer)
    if path != "/":
        told = told.replace(path.encode(), b"")
    is_written = path.startswith("/developers/") or path in DOCUMENTS
    return (is_written or not speaks_of_acme(told)) and not any(word in told for word in whole.words)


def almighty() -> cast.Person:
    """Somebody with every permission, in another organization."""
    person = cast.stranger()
    with_capability(person, *ORGANIZATION_PERMISSIONS)
    return person


def path_of(whole: Whole, address: str, **more: str) -> str:
    return address.format(**{"second_factor": "1", **whole.names, **more})


def asked(client: Client, method: str, path: str) -> Any:
    if method == "POST":
        return client.post(path, FORM)
    return client.generic(method, path)


def leads_to_a_list(answer: Any) -> bool:
    return answer.status_code == 302 and answer.headers["Location"] in IN_ORGANIZATION


def test_every_page_is_in_the_table():
    found = {each.template for each in addresses() if not each.is_admin and each.actions is None}
    assert found ^ {with_holes(address) for address in PAGES | DOCUMENTS} == set(), "tests/security/doors.py lists them"


def test_a_stranger_is_told_that_it_does_not_exist_and_changes_nothing(whole: Whole, subtests: Any):
    client = browser(almighty())
    for address in (each for each in IN_ORGANIZATION if "{" in each):
        for method in METHODS:
            with subtests.test(f"{method} {address}"):
                with unchanged(log=whole.log):
                    answer = asked(client, method, path_of(whole, address))
                absent = asked(client, method, address.format(**dict.fromkeys(whole.names, NO_ID)))
                assert answer.status_code == absent.status_code
                # What only a form is sent to leads back to its list, whatever the address names.
                assert answer.status_code in (404, 405) or (method == "GET" and leads_to_a_list(answer))


def test_the_table_names_objects_that_are_reached_by_who_may(whole: Whole):
    # An owner decides on no requests as such.
    with_capability(whole.office.person, *ORGANIZATION_PERMISSIONS)
    client = browser(whole.office.person)
    for address in (each for each in IN_ORGANIZATION if "{" in each):
        answer = client.get(path_of(whole, address))
        # 409: it is there, and not in a state for this.
        assert answer.status_code in (200, 405, 409) or leads_to_a_list(answer), address


def test_no_page_shows_a_stranger_anything_of_others(whole: Whole, second_factor: str, subtests: Any):
    client = browser(almighty())
    for address in PAGES:
        path = path_of(whole, address, second_factor=second_factor, provider=NO_ID)
        with subtests.test(address):
            assert shows_nothing_of(whole, client.get(path), path)


def test_nobody_takes_away_the_second_factor_of_another(whole: Whole, second_factor: str):
    client = browser(almighty())
    before = snapshot(log=whole.log)
    assert client.post(f"/account/security/{second_factor}/remove/", FORM).status_code in (302, 404)
    assert snapshot(log=whole.log) == before


def test_nobody_chooses_an_organization_of_others(whole: Whole):
    client = browser(almighty())
    client.post("/account/organization/", {"organization": whole.office.organization.slug})
    assert client.get(path_of(whole, "/organization/members/{member}/")).status_code == 404
    assert not speaks_of_acme(client.get("/organization/members/").content)


@pytest.mark.parametrize("method", METHODS)
def test_who_is_not_signed_in_is_asked_to(whole: Whole, method: str, subtests: Any):
    before = snapshot(log=whole.log)
    for address in (each for each, need in PAGES.items() if need != OPEN):
        with subtests.test(address):
            answer = asked(browser(None), method, path_of(whole, address))
            assert answer.status_code in (302, 405)
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/sign-in/")
    assert snapshot(log=whole.log) == before


@pytest.mark.parametrize("method", METHODS)
def test_an_open_page_shows_nobody_anything(whole: Whole, method: str, subtests: Any):
    for address in (each for each, need in (PAGES | DOCUMENTS).items() if need == OPEN):
        path = path_of(whole, address, provider=NO_ID)
        with subtests.test(address):
            answer = asked(browser(None), method, path)
            assert answer.status_code < 500
            assert shows_nothing_of(whole, answer, path)


@pytest.mark.parametrize("method", METHODS)
def test_a_member_without_the_permission_is_refused(whole: Whole, method: str, subtests: Any):
    office = whole.office
    teammate = cast.member(office.organization, "member", "teammate@acme.example")
    row = office.organization.memberships.get(user=teammate.user)
    client = browser(teammate)
    for permission in sorted(set(IN_ORGANIZATION.values())):
        others = sorted(ORGANIZATION_PERMISSIONS - {Permission(each) for each in permission.split()})
        slug = "all-but-" + permission.replace(":", "-").replace(" ", "-")
        create_custom_role(
            actor=office.owner, organization=office.organization, name=slug, slug=slug, permissions=others
        )
        change_member_role(actor=cast.SUPERUSER, membership=row, role=slug)
        before = snapshot()
        for address in (each for each, need in IN_ORGANIZATION.items() if need == permission):
            with subtests.test(address):
                assert asked(client, method, path_of(whole, address)).status_code in (403, 405)
        assert snapshot() == before


def disabled(person: cast.Person) -> None:
    person.user.is_active = False
    person.user.save()


def with_another_password(person: cast.Person) -> None:
    person.user.set_password("another battery of staples")
    person.user.save()


@pytest.mark.parametrize("end", [disabled, with_another_password], ids=lambda end: end.__name__)
def test_a_session_that_has_ended_opens_nothing(whole: Whole, end: Any):
    person = whole.office.person
    client = browser(person)
    assert client.get("/account/").status_code == 200
    end(person)
    for address in (each for each, need in PAGES.items() if need != OPEN):
        answer = client.get(path_of(whole, address))
        assert answer.status_code in (302, 405), address
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith("/sign-in/"), address
    assert client.get("/api/v2/certificates").status_code == 401


def test_who_has_left_works_nowhere(whole: Whole):
    person = whole.office.person
    client = browser(person)
    person.user.memberships.all().delete()
    for address in IN_ORGANIZATION:
        assert client.get(path_of(whole, address)).status_code in (302, 405), address
    assert client.get("/api/v2/certificates").status_code == 403

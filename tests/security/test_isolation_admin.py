"""The administration, for everybody who is no superuser: every address of it, read from the URL configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from accounts.models import User
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.organizations import add_member
from tests import cast
from tests.certificates.asking import with_capability
from tests.security.doors import addresses
from tests.security.whole import Whole, snapshot, speaks_of_acme, whole_organization
from tests.web.people import browser_of, give_app

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# What the holes of an address are filled with which are not the key of a row.
SPECIAL = {
    "/admin/r/{}/{}/": lambda: ("/admin/r/", str(ContentType.objects.get(model="user").pk), "/1/"),
    "/admin/certificates/certificate/{}/file/{}/": lambda: ("/admin/certificates/certificate/1/file/", "pem", "/"),
}
FORM = {"yes": "on", "post": "yes", "action": "revoke_selected", "_selected_action": "1", "reason": "superseded"}


@pytest.fixture
def whole(db: None) -> Whole:
    return whole_organization()


def paths() -> Iterator[str]:
    """Every address, with the newest row of its kind."""
    for address in addresses():
        template = address.template
        if not address.is_admin or "(?P" in template:
            continue
        if template in SPECIAL:
            yield "".join(SPECIAL[template]())
            continue
        yield template.format(_newest(template)) if "{" in template else template
    for app in {model._meta.app_label for model in admin.site._registry}:
        yield f"/admin/{app}/"
    yield from ("/admin/nothing/", "/admin/certificates/certificate/1")


def _newest(template: str) -> object:
    label, name = template.split("/")[2:4]
    model = next(each for each in admin.site._registry if each._meta.label_lower == f"{label}.{name}")
    row = model._default_manager.order_by("-pk").first()
    return row.pk if row else 1


def questions() -> Iterator[str]:
    """The lists with their filters, search, order and pages; and what completes what is typed."""
    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield f"{base}?q=acme"
        yield f"{base}?o=1&p=1&all=1"
        for entry in model_admin.list_filter:
            named = entry[0] if isinstance(entry, tuple) else entry
            name = named if isinstance(named, str) else named.parameter_name
            yield f"{base}?{name}__exact=1"
            yield f"{base}?{name}__isnull=0"
        for field in model._meta.fields:
            if field.remote_field:
                yield (
                    f"/admin/autocomplete/?term=acme&app_label={model._meta.app_label}"
                    f"&model_name={model._meta.model_name}&field_name={field.name}"
                )


def owner(whole: Whole) -> User:
    """Of the organization itself, with every permission in it."""
    with_capability(whole.office.person, *ORGANIZATION_PERMISSIONS)
    return whole.office.person.user


def stranger(whole: Whole) -> User:
    return cast.stranger().user


def refuses(client: Client, method: str, path: str) -> bool:
    answer = client.post(path, FORM) if method == "POST" else client.generic(method, path)
    if answer.status_code == 302:
        # To where the administration has no page of its own.
        return path in ("/admin/logout/", "/admin/password_change/", "/admin/password_change/done/")
    return answer.status_code in (403, 404)


@pytest.mark.parametrize(
    ("visitor", "method"),
    [(owner, "GET"), (owner, "POST"), (owner, "DELETE"), (stranger, "GET"), (stranger, "POST")],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_nobody_but_a_superuser_is_let_in_and_nothing_changes(whole: Whole, visitor: Any, method: str):
    client = browser_of(visitor(whole))
    client.raise_request_exception = False
    before = snapshot(log=whole.log)
    asked = [*paths(), *(questions() if visitor is owner and method == "GET" else ())]
    assert len(asked) > 200
    assert [path for path in asked if not refuses(client, method, path)] == []
    assert snapshot(log=whole.log) == before


def test_a_refusal_shows_a_stranger_nothing(whole: Whole):
    client = browser_of(stranger(whole))
    for path in {f"/admin/{path.split('/')[2]}/{path.split('/')[3]}/" for path in paths() if path.count("/") > 3}:
        told = client.get(path).content
        assert not speaks_of_acme(told), path
        assert not any(word in told for word in whole.words), path


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_not_signed_in_is_asked_to(whole: Whole, method: str):
    before = snapshot(log=whole.log)
    client = Client()
    for path in (*paths(), *questions()):
        answer = client.get(path) if method == "GET" else client.post(path, FORM)
        assert answer.status_code == 302, path
    assert snapshot(log=whole.log) == before


def test_a_key_is_no_way_into_the_administration(whole: Whole):
    _row, token = cast.api_key(whole.office.person)
    for path in paths():
        assert Client(headers={"Authorization": f"Bearer {token}"}).get(path).status_code == 302, path


def disabled(user: User) -> None:
    user.is_active = False
    user.save()


def no_superuser_any_more(user: User) -> None:
    user.is_superuser = False
    user.save()


def with_a_password_to_change(user: User) -> None:
    user.must_change_password = True
    user.save()


ENDS = (disabled, no_superuser_any_more, with_a_password_to_change)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_superuser_who_is_none_any_more_sees_nothing_from_then_on(whole: Whole, end: Any):
    root = cast.superuser()
    client = browser_of(root)
    assert client.get("/admin/certificates/certificate/").status_code == 200
    end(root)
    before = snapshot(log=whole.log)
    for path in paths():
        assert client.post(path, FORM).status_code in (302, 403, 404), path
    assert snapshot(log=whole.log) == before


def test_a_superuser_without_the_second_factor_that_is_asked_for_sees_nothing(whole: Whole, settings: Any):
    settings.SUPERUSERS_NEED_SECOND_FACTOR = True
    root = cast.superuser()
    client = browser_of(root)
    for path in paths():
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/security/"), path


def test_with_a_second_factor_a_password_alone_opens_nothing(whole: Whole):
    root = cast.superuser()
    give_app(root)
    client = browser_of(root)
    for path in paths():
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/sign-in/"), path


def test_who_came_through_the_provider_of_an_organization_is_no_superuser_here(whole: Whole):
    """Whatever somebody is elsewhere: an organization's provider says who they are there, and there alone."""
    root = cast.superuser()
    add_member(actor=cast.SUPERUSER, organization=whole.office.organization, user=root, role="member")
    client = browser_of(root)
    session = client.session
    session["home"] = whole.office.organization.pk
    session.save()
    for path in paths():
        assert client.get(path).status_code in (302, 403, 404), path

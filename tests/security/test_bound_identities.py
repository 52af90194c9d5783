"""Who says by which subject a provider knows somebody could be behind that subject: it is no way around four eyes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, ExternalIdentity, Membership
from accounts.services.external_identities import bind_identity
from accounts.services.organizations import change_member_role
from accounts.services.person_accounts import PersonOrder, create_person
from accounts.services.private_ranges import allow_private_range
from accounts.services.sign_in_providers import ProviderOrder, create_sign_in_provider
from certificates.models import Request
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.api.wire import Wire
from tests.certificates.asking import Desk, open_desk
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.refusals import refused
from tests.token_issuer import TokenIssuer, token_issuer
from tests.web.people import sign_in
from tests.web.test_sign_in_elsewhere import walk

pytestmark = pytest.mark.django_db

SUBJECT = "whoever the owner says"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[TokenIssuer]:
    with token_issuer() as issuer:
        yield issuer


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def bound(desk: Desk, elsewhere: TokenIssuer, by: cast.Person) -> ExternalIdentity:
    """The approver is from now on whoever the provider calls so."""
    row = Membership.objects.get(user=desk.approver.user)
    return bind_identity(actor=by.actor, membership=row, issuer=elsewhere.address, subject=SUBJECT)


def by_token(desk: Desk, elsewhere: TokenIssuer) -> Wire:
    elsewhere.configured(desk.office.organization, desk.office.owner)
    return Wire(elsewhere.token(sub=SUBJECT))


def by_browser(desk: Desk, elsewhere: TokenIssuer) -> Wire:
    people = desk.office.organization
    allow_private_range(actor=cast.SUPERUSER, organization=people, network="127.0.0.1")
    elsewhere.provider.claims = {"sub": SUBJECT, "email": "x@elsewhere.example"}
    row = create_sign_in_provider(
        actor=desk.office.owner,
        organization=people,
        issuer=elsewhere.address,
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_SECRET),
        order=ProviderOrder(name="Example ID"),
    )
    client = Client()
    assert walk(client, row).status_code == 302
    return Wire(client=client)


def approval_of(wire: Wire, request: Any) -> Any:
    return wire.post(f"/api/v2/requests/{request.public_id}/approve", {"digest": request.digest})


@pytest.mark.parametrize("come_in", [by_token, by_browser])
def test_nobody_approves_their_own_request_as_somebody_whom_they_have_bound(
    desk: Desk, elsewhere: TokenIssuer, come_in: Any
):
    bound(desk, elsewhere, by=desk.office.person)
    own, another = desk.ask(actor=desk.office.owner), desk.ask()
    approver = come_in(desk, elsewhere)
    refusal = approval_of(approver, own)
    assert (refusal.status_code, refusal.json()["type"].rpartition("/")[2]) == (403, "own-request")
    assert approval_of(approver, another).status_code == 200


@pytest.mark.parametrize("come_in", [by_token, by_browser])
def test_what_somebody_bound_asks_for_is_approved_neither_by_them_nor_by_the_binder(
    desk: Desk, elsewhere: TokenIssuer, come_in: Any
):
    row = Membership.objects.get(user=desk.approver.user)
    row.capabilities = [Permission.CERTIFICATES_ISSUE]
    row.save()
    bound(desk, elsewhere, by=desk.office.person)
    answer = come_in(desk, elsewhere).post(
        "/api/v2/certificates", {"template_code": desk.office.template.code, "common_name": "www.acme.test"}
    )
    assert answer.status_code == 202, answer.content
    asked_by = Request.objects.latest("id").asked_by
    assert asked_by == {desk.approver.user.pk, desk.office.person.user.pk}


def test_a_key_that_is_made_so_is_one_that_two_have_seen(desk: Desk, elsewhere: TokenIssuer):
    row = Membership.objects.get(user=desk.approver.user)
    row.capabilities = [Permission.API_KEYS_WRITE]
    row.save()
    bound(desk, elsewhere, by=desk.office.person)
    wire = by_token(desk, elsewhere)
    assert wire.post("/api/v2/api-keys", {"name": "x", "permissions": ["requests:decide"]}).status_code == 422
    assert wire.post("/api/v2/api-keys", {"name": "x", "permissions": ["requests:read"]}).status_code == 201
    assert ApiKey.objects.latest("id").maker == desk.office.person.user


def test_who_binds_themselves_is_one_person(desk: Desk, elsewhere: TokenIssuer):
    row = Membership.objects.get(user=desk.office.person.user)
    identity = bind_identity(actor=desk.office.owner, membership=row, issuer=elsewhere.address, subject="me")
    assert identity.maker is None


def test_no_program_binds_a_person(desk: Desk, elsewhere: TokenIssuer):
    robot = cast.robot(desk.office.person)
    row = Membership.objects.get(user=desk.asker.user)
    with refused(Denied, "not-with-this-credential"):
        bind_identity(actor=robot, membership=row, issuer=elsewhere.address, subject=SUBJECT)
    assert not ExternalIdentity.objects.exists()


def test_somebody_whose_password_an_owner_has_chosen_decides_on_nothing(desk: Desk):
    order = PersonOrder(
        username="puppet",
        email="puppet@acme.example",
        password=Secret(cast.PASSWORD),
        organization=desk.office.organization,
    )
    user = create_person(actor=desk.office.owner, order=order)
    row = Membership.objects.get(user=user)
    change_member_role(actor=desk.office.owner, membership=row, role="approver")
    request = desk.ask(actor=desk.office.owner)
    browser = Client(raise_request_exception=False)
    assert sign_in(browser, "puppet@acme.example").status_code == 302
    assert approval_of(Wire(client=browser), request).status_code in (403, 404)
    request.refresh_from_db()
    assert request.status == "pending"
    user.sponsored_by = None
    user.save()
    assert approval_of(Wire(client=browser), request).status_code == 200


def test_a_session_that_the_api_does_not_take_is_told_so_and_sent_nowhere(desk: Desk):
    browser = Client(raise_request_exception=False)
    sign_in(browser, desk.asker.user.email)
    desk.asker.user.must_change_password = True
    desk.asker.user.save()
    assert [browser.get(path).status_code for path in ("/api/v2/whoami", "/v1/whoami")] == [403, 403]
    assert browser.get("/account/").status_code == 302

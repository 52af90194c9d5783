"""OAuth clients and consents in the native API: made, shown once, rotated, revoked; and one's own consents."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import OAuthClient
from audit.models import AuditEvent
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.oauth.desk import REDIRECT, Desk, open_desk

pytestmark = pytest.mark.django_db

CLIENTS, CONSENTS = "/api/v2/oauth-clients", "/api/v2/oauth-consents"
BODY = {"name": "Build server", "redirect_uris": [REDIRECT]}


@pytest.fixture
def desk() -> Desk:
    return open_desk()


@pytest.fixture
def api(desk: Desk) -> Wire:
    return wire_of(desk.office.person)


def of_browser(client: Client) -> Wire:
    return Wire(client=client)


def test_a_client_is_made_and_its_secret_shown_once(api: Wire, desk: Desk):
    answer = api.post(CLIENTS, BODY)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    secret = made.pop("client_secret")
    assert made["owner"] == desk.office.person.user.email
    assert answer["Location"] == f"{CLIENTS}/{made['id']}"
    assert api.get(answer["Location"]).json() == made
    assert secret not in api.get(CLIENTS).content.decode()
    desk.client_id = made["client_id"]
    assert desk.exchange(desk.code(), client_secret="wrong").status_code == 401
    assert desk.exchange(desk.code(), client_secret=secret).status_code == 200


def test_the_old_secret_is_good_no_more_and_what_people_agreed_to_stands(api: Wire, desk: Desk):
    made = api.post(CLIENTS, BODY).json()
    desk.client_id = made["client_id"]
    tokens = desk.exchange(desk.code(), client_secret=made["client_secret"]).json()
    rotated = api.post(f"{CLIENTS}/{made['id']}/rotate")
    assert rotated.status_code == 200
    new = rotated.json()["client_secret"]
    assert new != made["client_secret"]
    refused = desk.refresh(tokens["refresh_token"], client_secret=made["client_secret"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert desk.refresh(tokens["refresh_token"], client_secret=new).status_code == 200
    event = AuditEvent.objects.get(name="oauth_client.rotated")
    assert new not in str(vars(event))


def test_a_revoked_one_is_revoked_for_good(api: Wire, desk: Desk):
    made = api.post(CLIENTS, BODY).json()
    assert api.delete(f"{CLIENTS}/{made['id']}").status_code == 204
    assert api.delete(f"{CLIENTS}/{made['id']}").status_code == 409
    assert api.post(f"{CLIENTS}/{made['id']}/rotate").status_code == 409
    assert api.get(f"{CLIENTS}/{made['id']}").json()["revoked_at"] is not None


BAD = {
    "no address": ({"redirect_uris": []}, "redirect_uris"),
    "no https": ({"redirect_uris": ["http://app.example/callback"]}, "redirect_uris[0]"),
    "a script": ({"redirect_uris": [REDIRECT, "javascript:alert(1)"]}, "redirect_uris[1]"),
    "no name": ({"name": " "}, "name"),
    "a secret of one's own": ({"client_secret": "x"}, "client_secret"),
}


@pytest.mark.parametrize(("change", "field"), BAD.values(), ids=BAD)
def test_a_bad_one_is_refused_by_its_field(api: Wire, change: dict[str, object], field: str):
    assert field in wrong_fields(api.post(CLIENTS, BODY | change))
    assert not OAuthClient.objects.exclude(organization=None).exists()


def test_one_that_registered_itself_is_nobodys(api: Wire, desk: Desk):
    row = OAuthClient.objects.get(client_id=desk.client_id)
    assert api.get(CLIENTS).json()["data"] == []
    for answer in (api.get(f"{CLIENTS}/{row.public_id}"), api.post(f"{CLIENTS}/{row.public_id}/rotate")):
        assert answer.status_code == 404


def test_no_application_makes_applications(desk: Desk):
    token = desk.tokens()["access_token"]
    assert Wire(token).post(CLIENTS, BODY).status_code == 403


def test_who_may_read_keys_makes_none(desk: Desk):
    reader = wire_of(desk.office.person, Permission.API_KEYS_READ)
    assert reader.get(CLIENTS).status_code == 200
    assert reader.post(CLIENTS, BODY).status_code == 403


def test_a_person_sees_and_withdraws_their_own_consents(desk: Desk):
    token = desk.tokens()["access_token"]
    own = of_browser(desk.browser)
    (shown,) = own.get(CONSENTS).json()["data"]
    assert (shown["client_id"], shown["person"]) == (desk.client_id, desk.office.person.user.email)
    assert shown["grants"] == [
        {"pki_id": str(desk.office.issuing.public_id), "can_read": True, "can_issue": False, "can_revoke": False}
    ]
    assert Wire(token).get("/api/v2/certificates").status_code == 200
    answer = desk.browser.delete(f"{CONSENTS}/{shown['id']}")
    assert answer.status_code == 204, answer.content
    assert Wire(token).get("/api/v2/certificates").status_code == 401
    assert own.get(CONSENTS).json()["data"] == []


def test_a_member_sees_no_consent_of_another_and_withdraws_none(desk: Desk):
    desk.tokens()
    (shown,) = wire_of(desk.office.person).get(CONSENTS).json()["data"]
    browser = Client()
    member = cast.member(desk.office.organization, "member")
    browser.force_login(member.user, backend="accounts.sessions.PasswordBackend")
    assert browser.get(CONSENTS).json()["data"] == []
    assert browser.delete(f"{CONSENTS}/{shown['id']}").status_code == 404


def test_who_may_only_read_keys_withdraws_no_consent(desk: Desk):
    desk.tokens()
    reader = wire_of(desk.office.person, Permission.API_KEYS_READ, Permission.ORGANIZATIONS_READ)
    (shown,) = reader.get(CONSENTS).json()["data"]
    assert reader.delete(f"{CONSENTS}/{shown['id']}").status_code == 403


def test_an_application_sees_no_consents(desk: Desk):
    """Not even those of its person."""
    token = desk.tokens()["access_token"]
    assert Wire(token).get(CONSENTS).status_code == 403

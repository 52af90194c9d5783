"""Pages: what I let act for me, and the applications of an organization."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import OAuthClient, OAuthConsent, OAuthDevice, OAuthToken
from accounts.services.oauth_clients import forget_unused_clients
from accounts.services.oauth_tokens import forget_ended
from audit.models import AuditEvent
from tests import cast
from tests.oauth.desk import REDIRECT, Desk, answered, browser_of, register

pytestmark = pytest.mark.django_db


def make_client(desk: Desk) -> tuple[str, str]:
    """In the dashboard: its id, and the secret that the page shows."""
    answer = desk.browser.post("/organization/applications/add/", {"name": "CI", "redirect_uris": REDIRECT})
    assert answer.status_code == 200, answer.content
    assert "no-store" in answer["Cache-Control"]
    page = html.unescape(answer.content.decode())
    return re.findall(r"cm_client_[0-9a-f]{32}", page)[0], re.findall(r"cm_secret_[A-Za-z0-9]{32}", page)[0]


@pytest.mark.row("C4", "C14")
def test_a_confidential_client_shows_its_secret_in_the_body(desk: Desk):
    client_id, secret = make_client(desk)
    code = desk.code(client_id=client_id)
    assert desk.exchange(code, client_id=client_id).json()["error"] == "invalid_client"
    assert desk.exchange(code, client_id=client_id, client_secret=secret[:-1] + "!").status_code == 401
    tokens = desk.exchange(code, client_id=client_id, client_secret=secret).json()
    assert desk.works(tokens["access_token"])
    assert desk.refresh(tokens["refresh_token"], client_id=client_id).status_code == 401
    assert desk.refresh(tokens["refresh_token"], client_id=client_id, client_secret=secret).status_code == 200


@pytest.mark.row("C4")
def test_the_secret_is_shown_once_and_stored_nowhere(desk: Desk):
    _client_id, secret = make_client(desk)
    assert secret not in desk.browser.get("/organization/applications/").content.decode()
    row = OAuthClient.objects.get(organization__isnull=False)
    assert secret.encode() not in bytes(row.secret_digest)
    assert secret not in "".join(bytes(each.canonical).decode() for each in AuditEvent.objects.all())


def test_an_organizations_client_acts_for_its_own_people_alone(desk: Desk):
    client_id, _secret = make_client(desk)
    stranger = browser_of(cast.stranger().user)
    answer = desk.allow(browser=stranger, client_id=client_id)
    assert answer.status_code == 422
    assert not OAuthConsent.objects.exists()


def test_a_verified_clients_mistake_is_told_at_its_own_address(desk: Desk):
    client_id, _secret = make_client(desk)
    answer = desk.browser.get(desk.asked(client_id=client_id, scope="pki:root"))
    assert answer.status_code == 303
    assert answered(answer)["error"] == "invalid_scope"


def test_an_application_that_registered_itself_is_shown_as_unverified(desk: Desk):
    page = desk.browser.get(desk.asked()).content.decode()
    assert "Nobody here knows this application" in page
    assert "app.example" in page
    client_id, _secret = make_client(desk)
    assert "Nobody here knows" not in desk.browser.get(desk.asked(client_id=client_id)).content.decode()


def test_revoking_a_client_ends_what_it_was_given(desk: Desk):
    client_id, secret = make_client(desk)
    tokens = desk.exchange(desk.code(client_id=client_id), client_id=client_id, client_secret=secret).json()
    row = OAuthClient.objects.get(client_id=client_id)
    assert desk.browser.post(f"/organization/applications/{row.public_id}/revoke/").status_code == 302
    assert desk.get(tokens["access_token"]).status_code == 401


def test_what_was_granted_is_listed_and_withdrawn(desk: Desk):
    token = desk.tokens("read", "issue")["access_token"]
    desk.works(token)
    page = desk.browser.get("/account/applications/").content.decode()
    assert f"{desk.office.issuing.name}: Read, Issue" in page
    consent = OAuthConsent.objects.get()
    desk.browser.post("/account/applications/", {"consent": str(consent.public_id)})
    assert desk.get(token).status_code == 401
    assert "Deploy tool" not in desk.browser.get("/account/applications/").content.decode()


def test_nobody_withdraws_or_revokes_anothers(desk: Desk):
    token = desk.tokens()["access_token"]
    client_id, _secret = make_client(desk)
    row, consent = OAuthClient.objects.get(client_id=client_id), OAuthConsent.objects.get()
    stranger = browser_of(cast.stranger().user)
    posts: dict[str, dict[str, Any]] = {
        "/account/applications/": {"consent": str(consent.public_id)},
        "/organization/applications/withdraw/": {"consent": str(consent.public_id)},
        f"/organization/applications/{row.public_id}/revoke/": {},
    }
    assert {path: stranger.post(path, data).status_code for path, data in posts.items()} == dict.fromkeys(posts, 404)
    assert desk.works(token)
    assert "Deploy tool" not in stranger.get("/organization/applications/").content.decode()


def test_an_owner_withdraws_what_a_member_let(desk: Desk):
    operator = cast.member(desk.office.organization, "operator")
    answer = desk.allow(browser=browser_of(operator.user))
    token = desk.exchange(answered(answer)["code"]).json()["access_token"]
    assert desk.works(token)
    consent = OAuthConsent.objects.get()
    desk.browser.post("/organization/applications/withdraw/", {"consent": str(consent.public_id)})
    assert desk.get(token).status_code == 401


@pytest.mark.parametrize("role", ["member", "auditor", "operator"])
def test_only_who_may_write_keys_makes_clients(desk: Desk, role):
    browser = browser_of(cast.member(desk.office.organization, role).user)
    answer = browser.post("/organization/applications/add/", {"name": "CI", "redirect_uris": REDIRECT})
    assert answer.status_code == 403
    assert OAuthClient.objects.count() == 1


@pytest.mark.parametrize("path", ["/account/applications/", "/organization/applications/", "/device/"])
def test_pages_are_for_those_who_are_signed_in(desk: Desk, path):
    assert Client().get(path)["Location"].startswith("/sign-in/")


def test_a_client_with_a_bad_address_is_not_made(desk: Desk):
    answer = desk.browser.post(
        "/organization/applications/add/", {"name": "CI", "redirect_uris": "javascript:alert(1)"}
    )
    assert answer.status_code == 422
    assert "begins with https://" in answer.content.decode()


def test_what_is_over_is_forgotten(desk: Desk):
    desk.tokens()
    desk.post("/oauth/device", client_id=desk.client_id)
    unused = register(desk.machine, redirect_uris=[REDIRECT]).json()["client_id"]
    assert (forget_ended(), forget_unused_clients()) == (0, 0)
    OAuthToken.objects.update(expires_at="2020-01-01T00:00Z")
    OAuthDevice.objects.update(expires_at="2020-01-01T00:00Z")
    OAuthClient.objects.update(created_at="2020-01-01T00:00Z")
    assert forget_ended() == 4
    assert forget_unused_clients() == 1
    assert [row.client_id for row in OAuthClient.objects.all()] == [desk.client_id]
    assert unused != desk.client_id

"""A command line without a browser (RFC 8628)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import OAuthConsent, OAuthDevice
from tests.oauth.desk import REDIRECT, Desk, register

pytestmark = pytest.mark.django_db

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def begin(desk: Desk, **fields: str) -> dict[str, Any]:
    answer = desk.post("/oauth/device", client_id=desk.client_id, **fields)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def poll(desk: Desk, device: dict[str, Any], **changed: str) -> Any:
    OAuthDevice.objects.update(polled_at=None)
    fields = {"grant_type": DEVICE_GRANT, "client_id": desk.client_id, "device_code": device["device_code"]}
    return desk.post("/oauth/token", **{**fields, **changed})


def decide(desk: Desk, device: dict[str, Any], decision: str) -> Any:
    return desk.browser.post("/device/", {"user_code": device["user_code"], "decision": decision, **desk.ticks()})


def test_a_device_gets_its_tokens_after_the_person_said_yes(desk: Desk, settings):
    device = begin(desk)
    assert device == {
        "device_code": device["device_code"],
        "user_code": device["user_code"],
        "verification_uri": settings.BASE_URL + "/device/",
        "verification_uri_complete": f"{settings.BASE_URL}/device/?user_code={device['user_code']}",
        "expires_in": 900,
        "interval": 5,
    }
    assert poll(desk, device).json()["error"] == "authorization_pending"
    page = desk.browser.post("/device/", {"user_code": device["user_code"].lower().replace("-", " ")})
    assert "Only if" in page.content.decode() or "this very code" in page.content.decode()
    assert decide(desk, device, "allow").status_code == 302
    tokens = poll(desk, device).json()
    assert desk.works(tokens["access_token"])
    assert desk.refresh(tokens["refresh_token"]).status_code == 200
    assert poll(desk, device).json()["error"] == "invalid_grant"


def test_a_device_is_told_no(desk: Desk):
    device = begin(desk)
    decide(desk, device, "deny")
    assert poll(desk, device).json()["error"] == "access_denied"
    assert decide(desk, device, "allow").status_code == 422
    assert not OAuthConsent.objects.exists()


def test_a_device_that_asks_too_often_is_slowed_down(desk: Desk):
    device = begin(desk)
    poll(desk, device)
    fields = {"grant_type": DEVICE_GRANT, "client_id": desk.client_id, "device_code": device["device_code"]}
    assert desk.post("/oauth/token", **fields).json()["error"] == "slow_down"


def test_a_code_ends(desk: Desk):
    device = begin(desk)
    OAuthDevice.objects.update(expires_at=timezone.now())
    assert poll(desk, device).json()["error"] == "expired_token"
    assert decide(desk, device, "allow").status_code == 422


def test_another_clients_device_is_nobodys(desk: Desk):
    device = begin(desk)
    decide(desk, device, "allow")
    other = register(desk.machine, redirect_uris=[REDIRECT]).json()["client_id"]
    assert poll(desk, device, client_id=other).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"scope": "pki:root"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_device_that_asks_for_what_is_not_is_refused(desk: Desk, fields, error):
    answer = desk.post("/oauth/device", **{"client_id": desk.client_id, **fields})
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in (error, "invalid_request", "invalid_client")


def test_codes_are_not_guessed(desk: Desk):
    answers = [desk.browser.post("/device/", {"user_code": f"BBBB-BBB{letter}"}) for letter in "BCDFGHJKLMN"]
    assert {each.status_code for each in answers} == {422}
    device = begin(desk)
    assert "Too many tries" in decide(desk, device, "allow").content.decode()


def test_a_device_does_not_wait_in_clear(desk: Desk):
    device = begin(desk)
    row = OAuthDevice.objects.get()
    stored = repr(vars(row)) + repr(bytes(row.device_digest)) + repr(bytes(row.user_digest))
    assert device["device_code"] not in stored
    assert device["user_code"].replace("-", "") not in stored

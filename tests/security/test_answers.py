"""What every answer says to browsers, whatever answers it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import cast
from tests.security.doors import DOCUMENTS, OPEN, PAGES
from tests.web.people import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

API = ("/api/v2/certificates", "/api/v1/nothing", "/api/v2/whoami", "/v1/whoami")
EVERYBODYS = [address for address, need in (PAGES | DOCUMENTS).items() if need == OPEN and "{" not in address]


@pytest.mark.parametrize("path", [*EVERYBODYS, *API, "/nothing/", "/admin/"])
def test_every_answer_is_as_strict(path: str):
    answer = Client(raise_request_exception=False).get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_cookies_are_for_our_own_pages_and_no_script():
    client = browser_of(cast.owner(cast.organization()).user)
    cookies: Any = client.cookies
    for name in ("chancery_session", "chancery_csrf"):
        if name in cookies:
            assert cookies[name]["httponly"], name
            assert cookies[name]["samesite"] in ("Lax", "Strict"), name
    assert "chancery_session" in cookies


@pytest.mark.parametrize("path", ["/sign-in/", "/api/v2/certificates", "/oauth/token"])
def test_another_host_is_not_answered(path: str):
    assert Client(raise_request_exception=False).get(path, headers={"host": "evil.example"}).status_code == 400


def test_a_form_from_elsewhere_changes_nothing():
    person = cast.owner(cast.organization())
    client = Client(enforce_csrf_checks=True)
    client.force_login(person.user, backend="accounts.sessions.PasswordBackend")
    assert client.post("/account/", {"name": "Mallory"}).status_code == 403
    assert client.post("/api/v2/api-keys", {"name": "x"}, content_type="application/json").status_code == 403
    person.user.refresh_from_db()
    assert person.user.name != "Mallory"

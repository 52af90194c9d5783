"""Pages of other origins: those that are named call the API with a token, all others and all other paths are closed."""

from __future__ import annotations

import pytest
from django.test import Client

from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire, wire_of
from tests.office import Office

PAGE = "https://app.example"
ALLOWED, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
STRANGERS = {
    "another host": "https://app.example.evil.test",
    "a subdomain": "https://www.app.example",
    "without TLS": "http://app.example",
    "another port": "https://app.example:8443",
    "with a user": "https://me@app.example",
    "a page that has none": "null",
    "every page": "*",
    "a broken one": "https://[app.example",
}
PARTS_OF_THE_API = (
    "/api/v1/certificates",
    "/api/v2/certificates",
    "/api/v2/openapi.json",
    "/api/v2/nothing-here",
    "/api/crl/download/pem",
    "/v1/certificates",
    "/v1/pki/roles",
    "/oauth/token",
    "/oauth/revoke",
)
PAGES = (
    "/",
    "/sign-in/",
    "/account/api-keys/",
    "/admin/login/",
    "/developers/v2/",
    "/oauth/authorize",
    "/oauth/device",
    "/oauth/register",
    "/oauth/token/",
    "/static/chancery.css",
    "/metrics",
    "/healthz",
)


@pytest.fixture(autouse=True)
def _one_page_is_allowed(settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]


def preflight(path: str, origin: str = PAGE, method: str = "POST"):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    return Wire().send("OPTIONS", path, **asked)


def words(answer, header: str) -> set[str]:
    return {word.strip().lower() for word in answer[header].split(",")}


@pytest.mark.parametrize("path", PARTS_OF_THE_API)
def test_a_page_that_is_named_may_ask(path: str, settings):
    """As often as it likes, and without the database, which this test has none of."""
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"anonymous": 1, "token": 1}
    for _ in range(3):
        answer = preflight(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer[ALLOWED] == PAGE
        assert {"authorization", "content-type", "idempotency-key"} <= words(answer, "Access-Control-Allow-Headers")
        assert {"get", "post", "put", "patch", "delete"} <= words(answer, "Access-Control-Allow-Methods")
        assert "origin" in words(answer, "Vary")
        assert CREDENTIALS not in answer
        assert answer["X-Trace-Id"]


def test_it_reads_answers_and_refusals(api: Wire, office: Office):
    reader = wire_of(office.person, Permission.CERTIFICATES_READ)
    answers = {
        200: api.get("/api/v2/whoami", Origin=PAGE),
        401: Wire("pkf_" + "A" * 32).get("/api/v2/whoami", Origin=PAGE),
        403: reader.get("/api/v2/cas", Origin=PAGE),
        404: api.get("/api/v2/nothing-here", Origin=PAGE),
        405: api.send("PUT", "/api/v2/whoami", Origin=PAGE),
        422: api.get("/api/v2/certificates?colour=red", Origin=PAGE),
    }
    for status, answer in answers.items():
        assert (answer.status_code, answer[ALLOWED]) == (status, PAGE)
        assert {"etag", "location", "retry-after", "x-trace-id"} <= words(answer, "Access-Control-Expose-Headers")
        assert CREDENTIALS not in answer


@pytest.mark.parametrize("origin", STRANGERS.values(), ids=STRANGERS)
def test_all_other_pages_may_not(api: Wire, origin: str):
    for answer in (preflight("/api/v2/certificates", origin), api.get("/api/v2/whoami", Origin=origin)):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_nobody_may_where_none_is_named(api: Wire, settings):
    settings.CORS_ALLOWED_ORIGINS = []
    for answer in (preflight("/api/v2/certificates"), api.get("/api/v2/whoami", Origin=PAGE)):
        assert ALLOWED not in answer


def test_programs_and_our_own_pages_are_told_nothing(api: Wire):
    answer = api.get("/api/v2/whoami")
    assert answer.status_code == 200
    assert ALLOWED not in answer
    assert "origin" in words(answer, "Vary")


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_no_page_of_ours_is_read_from_elsewhere(path: str):
    browser = Client()
    browser.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    for answer in (preflight(path), preflight(path, method="GET"), browser.get(path, HTTP_ORIGIN=PAGE)):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_a_cookie_changes_nothing_from_elsewhere(office: Office):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(office.person.user, backend="accounts.sessions.PasswordBackend")
    asked = Wire(client=browser)
    assert asked.post("/api/v2/certificates", {"common_name": "www.acme.test"}, Origin=PAGE).status_code == 403
    assert CREDENTIALS not in asked.get("/api/v2/whoami", Origin=PAGE)

"""What must not work: each row is an attack, or a mistake that could become one."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import OAuthClient, OAuthConsent, OAuthToken
from tests import cast
from tests.oauth.desk import REDIRECT, Desk, answered, browser_of, challenge_of, register

pytestmark = pytest.mark.django_db

LOOPBACK = "http://127.0.0.1/callback"

REFUSED = {
    "the plain method": ({"code_challenge_method": "plain"}, "invalid_request"),
    "a method left out, which would be plain": ({"code_challenge_method": None}, "invalid_request"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "a challenge that is no hash": ({"code_challenge": "abc"}, "invalid_request"),
    "the implicit flow": ({"response_type": "token"}, "unauthorized_client"),
    "a hybrid": ({"response_type": "code token"}, "unauthorized_client"),
    "no response type": ({"response_type": None}, "invalid_request"),
    "an unknown scope": ({"scope": "pki:read pki:root"}, "invalid_scope"),
    "the permission to decide": ({"scope": "requests:decide"}, "invalid_scope"),
    "another server": ({"resource": "https://api.elsewhere.example"}, "invalid_target"),
    "a neighbour by prefix": ({"resource": "http://localhost:8000.elsewhere.example"}, "invalid_target"),
    "a path that is no part of the API": ({"resource": "http://localhost:8000/admin"}, "invalid_target"),
}


@pytest.mark.row("C2")
@pytest.mark.parametrize(("changed", "error"), REFUSED.values(), ids=REFUSED)
def test_is_refused_on_a_page_with_a_link_and_no_redirect(desk: Desk, changed, error):
    answer = desk.browser.get(desk.asked(**changed))
    assert answer.status_code == 400
    page = answer.content.decode()
    assert f"<code>{error}</code>" in page or (
        error == "unauthorized_client" and "<code>unsupported_response_type</code>" in page
    )
    assert f'href="{REDIRECT}?error=' in page
    assert "state=af0ifjsldkj" in page
    assert not OAuthConsent.objects.exists()


MISDIRECTED = {
    "another address": REDIRECT + "/evil",
    "another host": "https://evil.example/callback",
    "a longer query": REDIRECT + "?x=1",
    "a slash more": REDIRECT + "/",
    "upper case": "https://APP.example/callback",
    "a dot": "https://app.example./callback",
    "a port": "https://app.example:444/callback",
    "no TLS": "http://app.example/callback",
    "a fragment": REDIRECT + "#x",
    "a user": "https://app.example@evil.example/callback",
    "a path upwards": "https://app.example/x/../callback",
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,x",
    "relative": "/callback",
    "a backslash": "https://app.example\\@evil.example/callback",
    "a line end": REDIRECT + "\r\nLocation: https://evil.example",
    "nothing": "",
    "left out": None,
}


@pytest.mark.row("C10")
@pytest.mark.parametrize("uri", MISDIRECTED.values(), ids=MISDIRECTED)
def test_a_wrong_address_is_never_redirected_to(desk: Desk, uri):
    answer = desk.browser.get(desk.asked(redirect_uri=uri))
    assert answer.status_code == 400
    assert "Location" not in answer
    assert "://" not in "".join(re.findall(r'(?:href|action)="([^"]*)"', answer.content.decode()))


@pytest.mark.parametrize("client_id", ["nobody", "", "a" * 5000, "x\0y", None])
def test_an_unknown_client_is_never_redirected_for(desk: Desk, client_id):
    answer = desk.browser.get(desk.asked(client_id=client_id))
    assert (answer.status_code, "Location" in answer) == (400, False)


def test_a_parameter_that_comes_twice_is_not_believed(desk: Desk):
    answer = desk.browser.get(desk.asked() + "&redirect_uri=https://evil.example/")
    assert (answer.status_code, "Location" in answer) == (400, False)
    assert 'href="https://evil' not in answer.content.decode()


WRONG_EXCHANGES = {
    "a wrong verifier": ({"code_verifier": "w" * 43}, "invalid_grant"),
    "no verifier": ({"code_verifier": None}, "invalid_request"),
    "a short verifier": ({"code_verifier": "short"}, "invalid_grant"),
    "another address": ({"redirect_uri": "https://app.example/other"}, "invalid_request"),
    "a code of nobody": ({"code": "nonsense"}, "invalid_grant"),
    "another resource": ({"resource": "https://api.elsewhere.example"}, "invalid_target"),
    "an unknown grant": ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    "a password": ({"grant_type": "password", "username": "x", "password": "y"}, "unsupported_grant_type"),
    "an unknown client": ({"client_id": "nobody"}, "invalid_client"),
    "no client": ({"client_id": None}, "invalid_client"),
    "a secret of a client without one": ({"client_secret": "guess"}, "invalid_client"),
}


@pytest.mark.row("C13")
@pytest.mark.parametrize(("changed", "error"), WRONG_EXCHANGES.values(), ids=WRONG_EXCHANGES)
def test_a_code_is_not_exchanged(desk: Desk, changed, error):
    answer = desk.exchange(desk.code(), **changed)
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert not OAuthToken.objects.exclude(kind="code").exists()


@pytest.mark.row("C13")
def test_a_code_that_is_used_twice_takes_back_what_it_gave(desk: Desk):
    code = desk.code()
    tokens = desk.exchange(code).json()
    assert desk.works(tokens["access_token"])
    answer = desk.exchange(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert desk.get(tokens["access_token"]).status_code == 401
    assert desk.refresh(tokens["refresh_token"]).status_code == 400


@pytest.mark.row("C13")
def test_a_code_lives_for_a_minute(desk: Desk):
    code = desk.code()
    OAuthToken.objects.update(expires_at=OAuthToken.objects.get().created_at)
    assert desk.exchange(code).json()["error"] == "invalid_grant"


def test_another_clients_code_is_nobodys_and_stays_good(desk: Desk):
    other = register(desk.machine, redirect_uris=[REDIRECT]).json()["client_id"]
    code = desk.code()
    assert desk.exchange(code, client_id=other).json()["error"] == "invalid_grant"
    assert desk.exchange(code).status_code == 200


def test_another_clients_refresh_token_is_nobodys(desk: Desk):
    other = register(desk.machine, redirect_uris=[REDIRECT]).json()["client_id"]
    tokens = desk.tokens()
    assert desk.refresh(tokens["refresh_token"], client_id=other).json()["error"] == "invalid_grant"
    assert desk.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "code"])
def test_what_is_no_access_token_opens_nothing(desk: Desk, kind):
    code = desk.code()
    shown = {"code": code, **desk.exchange(code).json()}
    assert desk.get(shown[kind]).status_code == 401


def test_an_access_token_refreshes_nothing(desk: Desk):
    assert desk.refresh(desk.tokens()["access_token"]).json()["error"] == "invalid_grant"


def test_tokens_end_with_their_time(desk: Desk):
    tokens = desk.tokens()
    OAuthToken.objects.update(expires_at=timezone.now())
    assert desk.get(tokens["access_token"]).status_code == 401
    assert desk.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


AUDIENCES = {
    "none is for all of the API": (None, "/api/v2/cas", 200),
    "the API as a whole": ("http://localhost:8000", "/api/v2/cas", 200),
    "with a slash": ("http://localhost:8000/", "/api/v2/cas", 200),
    "its second version": ("http://localhost:8000/api/v2", "/api/v2/cas", 200),
    "the second version, used at the first": ("http://localhost:8000/api/v2", "/api/v1/certificates", 401),
    "the first, used at the second": ("http://localhost:8000/api/v1", "/api/v2/cas", 401),
    "a part elsewhere": ("http://localhost:8000/v1", "/api/v2/cas", 401),
}


@pytest.mark.row("C10")
@pytest.mark.parametrize(("resource", "path", "status"), AUDIENCES.values(), ids=AUDIENCES)
def test_a_token_is_for_its_resource(desk: Desk, resource, path, status):
    token = desk.tokens(resource=resource)["access_token"]
    assert desk.get(token, path).status_code == status


def test_a_token_request_narrows_the_resource_and_never_widens_it(desk: Desk):
    narrow = desk.exchange(desk.code(), resource="http://localhost:8000/api/v1").json()
    assert desk.get(narrow["access_token"]).status_code == 401
    wide = desk.exchange(desk.code(resource="http://localhost:8000/api/v1"), resource="http://localhost:8000")
    assert wide.json()["error"] == "invalid_target"


def test_nobody_is_asked_who_is_not_signed_in(desk: Desk):
    answer = Client().get(desk.asked())
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


def test_whoever_signed_in_long_ago_shows_who_they_are_first(desk: Desk):
    old = browser_of(desk.office.person.user, ago=3600)
    for answer in (old.get(desk.asked()), desk.allow(browser=old)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/confirm/")
    assert not OAuthConsent.objects.exists()


def test_the_question_is_never_framed(desk: Desk):
    answer = desk.browser.get(desk.asked())
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "form-action 'self' https://app.example;" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]


def test_the_answer_needs_the_pages_own_token(desk: Desk):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = desk.browser.cookies
    answer = strict.post(desk.asked(), {"decision": "allow", **desk.ticks()})
    assert answer.status_code == 403
    assert not OAuthConsent.objects.exists()


def test_looking_gives_nothing(desk: Desk):
    desk.browser.get(desk.asked() + "&decision=allow&can_read-1=on")
    assert not OAuthConsent.objects.exists()


def test_another_organizations_ca_cannot_be_slipped_in(desk: Desk):
    from tests.office import open_office

    foreign = open_office("Umbrella")
    answer = desk.browser.post(desk.asked(), {"decision": "allow", f"can_read-{foreign.issuing.pk}": "on"})
    assert answer.status_code == 422
    assert not OAuthConsent.objects.exists()


@pytest.mark.row("C5", "C9")
def test_a_client_registers_itself_without_a_secret(desk: Desk):
    answer = register(desk.machine, redirect_uris=[REDIRECT, LOOPBACK], client_name="Tool", software_id="ignored")
    body = answer.json()
    assert answer.status_code == 201
    assert body == {
        "client_id": body["client_id"],
        "client_id_issued_at": body["client_id_issued_at"],
        "client_name": "Tool",
        "redirect_uris": [REDIRECT, LOOPBACK],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }


REGISTRATIONS = {
    "a secret": ({"token_endpoint_auth_method": "client_secret_post"}, "invalid_client_metadata"),
    "a basic secret": ({"token_endpoint_auth_method": "client_secret_basic"}, "invalid_client_metadata"),
    "no address": ({"redirect_uris": []}, "invalid_redirect_uri"),
    "javascript": ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    "data": ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
    "no TLS": ({"redirect_uris": ["http://app.example/"]}, "invalid_redirect_uri"),
    "a scheme of its own": ({"redirect_uris": ["myapp://callback"]}, "invalid_redirect_uri"),
    "a wildcard": ({"redirect_uris": ["https://*.example/"]}, "invalid_redirect_uri"),
    "a fragment": ({"redirect_uris": [REDIRECT + "#x"]}, "invalid_redirect_uri"),
    "a user": ({"redirect_uris": ["https://a@app.example/"]}, "invalid_redirect_uri"),
    "a bad port": ({"redirect_uris": ["https://app.example:x/"]}, "invalid_redirect_uri"),
    "not a list": ({"redirect_uris": REDIRECT}, "invalid_redirect_uri"),
    "too many": ({"redirect_uris": [f"{REDIRECT}/{n}" for n in range(11)]}, "invalid_redirect_uri"),
    "a long one": ({"redirect_uris": [REDIRECT + "x" * 600]}, "invalid_redirect_uri"),
    "a long name": ({"client_name": "x" * 121}, "invalid_client_metadata"),
    "a name that turns the line": ({"client_name": "Tool\u202egnp"}, "invalid_client_metadata"),
    "a name that is a number": ({"client_name": 5}, "invalid_client_metadata"),
    "the implicit flow": ({"response_types": ["token"]}, "invalid_client_metadata"),
    "a grant by password": ({"grant_types": ["password"]}, "invalid_client_metadata"),
    "an unknown scope": ({"scope": "pki:root"}, "invalid_client_metadata"),
}


@pytest.mark.row("C5", "C9")
@pytest.mark.parametrize(("changed", "error"), REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_is_not_registered(desk: Desk, changed, error):
    before = OAuthClient.objects.count()
    answer = register(desk.machine, **{"redirect_uris": [REDIRECT], **changed})
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert OAuthClient.objects.count() == before


def test_a_huge_registration_is_not_read(desk: Desk):
    assert register(desk.machine, redirect_uris=[REDIRECT], contacts=["x" * 40_000]).status_code == 413


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a":"\\u0000"}', b"\xff"])
def test_a_registration_that_makes_no_sense_is_said_to(desk: Desk, body):
    answer = desk.machine.post("/oauth/register", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_one_address_registers_so_many_and_no_more(desk: Desk):
    statuses = [register(desk.machine, redirect_uris=[REDIRECT]).status_code for _ in range(21)]
    assert statuses.count(201) == 19
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    ("registered", "asked", "is_same"),
    [
        (LOOPBACK, "http://127.0.0.1:49152/callback", True),
        ("http://[::1]/callback", "http://[::1]:61023/callback", True),
        ("http://localhost:8080/cb", "http://localhost:9999/cb", True),
        (LOOPBACK, "http://127.0.0.1:49152/other", False),
        (LOOPBACK, "http://localhost:49152/callback", False),
        (LOOPBACK, "https://127.0.0.1:49152/callback", False),
        ("https://127.0.0.1/callback", "https://127.0.0.1:8443/callback", False),
        (LOOPBACK, "http://127.0.0.1.evil.example:80/callback", False),
    ],
)
def test_a_loopback_address_may_use_any_port(desk: Desk, registered, asked, is_same):
    client = register(desk.machine, redirect_uris=[registered]).json()["client_id"]
    answer = desk.browser.get(desk.asked(client_id=client, redirect_uri=asked))
    assert answer.status_code == (200 if is_same else 400)


METHODS = {
    "/oauth/token": "POST",
    "/oauth/revoke": "POST",
    "/oauth/register": "POST",
    "/oauth/device": "POST",
    "/.well-known/oauth-authorization-server": "GET",
    "/.well-known/oauth-protected-resource": "GET",
}


@pytest.mark.parametrize(("path", "method"), METHODS.items())
def test_other_methods_are_not_allowed(desk: Desk, path, method):
    answer = desk.machine.generic("PUT", path)
    assert (answer.status_code, answer["Allow"]) == (405, method)


@pytest.mark.parametrize("query", ["?x=%zz", "?state=%ff", "?a=b&a=c", "?\x00", "?client_id[]=x"])
def test_nonsense_in_the_address_is_no_error_of_ours(desk: Desk, query):
    assert desk.browser.get("/oauth/authorize" + query).status_code == 400
    assert desk.machine.post(
        "/oauth/token" + query, "", content_type="application/x-www-form-urlencoded"
    ).status_code in (400, 401)


@pytest.mark.parametrize(
    "body", ["%zz", "grant_type=refresh_token&refresh_token=%00&client_id=%00", "grant_type=a&grant_type=b", "\udcff"]
)
def test_nonsense_in_the_body_is_no_error_of_ours(desk: Desk, body):
    sent = body.encode("utf-8", "surrogateescape")
    answer = desk.machine.post("/oauth/token", sent, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (400, 401)


def test_a_challenge_of_another_verifier_is_another(desk: Desk):
    assert challenge_of("a" * 43) != challenge_of("b" * 43)
    assert answered(desk.allow(code_challenge=challenge_of("b" * 43)))["code"]


def test_a_person_without_rights_has_nothing_to_give(desk: Desk):
    reader = cast.member(desk.office.organization, "auditor")
    page = browser_of(reader.user).get(desk.asked(scope="certificates:issue"))
    assert "yours to give" in page.content.decode()


@pytest.mark.parametrize(
    "length", ["32769", "9" * 5_000, "\u0669" * 20], ids=["one more", "thousands", "another alphabet"]
)
def test_a_length_that_is_too_long_is_told_whatever_its_own_length(length):
    answer = Client().generic("POST", "/oauth/token", "a=b", "application/x-www-form-urlencoded", CONTENT_LENGTH=length)
    assert answer.status_code == 413
    assert answer.json()["error"] == "invalid_request"

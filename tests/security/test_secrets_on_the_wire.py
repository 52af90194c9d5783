"""Secrets that go through the API and the pages are found in no list, no record, no message, no error and no log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from accounts.tasks import mail_password_reset
from api.models import IdempotencyRecord
from audit.models import AuditEvent
from kernel.secret import Secret
from pkiproject.logs import LineFormatter, TraceFilter
from tests import cast
from tests.api.wire import Wire, wire_of
from tests.architecture.test_canary import everything_kept
from tests.oauth.desk import REDIRECT, open_desk
from tests.office import open_office
from tests.web.people import browser_of

pytestmark = pytest.mark.django_db

CERTIFICATES = "/api/v2/certificates"
PASSPHRASE = "canary passphrase of a CA"
GUESS = "canary passphrase that is wrong"
PASSWORD = "canary password that is wrong"
KEY = "canary-idempotency-key"
LISTS = (
    CERTIFICATES,
    "/api/v2/cas",
    "/api/v2/api-keys",
    "/api/v2/oauth-clients",
    "/api/v2/oauth-consents",
    "/api/v2/sign-in-providers",
    "/api/v2/requests",
    "/api/v2/members",
    "/api/v2/audit",
)


def lines_of(pem: str) -> list[str]:
    return [line for line in pem.splitlines() if len(line) == 64]


def walk() -> tuple[Wire, list[str]]:
    """Everything that hands a secret out or takes one in; what was secret about it."""
    office = open_office(passphrase=Secret(PASSPHRASE))
    api = wire_of(office.person)
    wish = {"template_code": "web-tls", "common_name": "www.acme.test", "passphrase": PASSPHRASE}
    first = api.post(CERTIFICATES, wish, **{"Idempotency-Key": KEY})
    assert first.status_code == 201, first.content
    again = api.post(CERTIFICATES, wish, **{"Idempotency-Key": KEY})
    assert again.content == first.content
    assert api.post(CERTIFICATES, wish | {"passphrase": GUESS}).status_code == 403
    assert api.post(CERTIFICATES, wish | {"passphrase": {"x": GUESS}}).status_code == 422
    assert api.post(CERTIFICATES, wish | {GUESS: 1}).status_code == 422
    token = api.post("/api/v2/api-keys", {"name": "x", "permissions": ["certificates:read"]}).json()["token"]
    client = api.post("/api/v2/oauth-clients", {"name": "x", "redirect_uris": [REDIRECT]}).json()["client_secret"]
    provider = {
        "name": "x",
        "issuer": "https://id.example.com",
        "client_id": "x",
        "client_secret": "canary of a client",
    }
    assert api.post("/api/v2/sign-in-providers", provider).status_code == 201
    Client().post("/sign-in/", {"username": office.person.user.email, "password": PASSWORD})
    browser = browser_of(office.person.user)
    browser.post("/password/", {"old_password": PASSWORD, "new_password": GUESS, "repeated": GUESS})
    secrets = [PASSPHRASE, PASSWORD, KEY, token, token[12:], client, client[14:], "canary of a client", cast.PASSWORD]
    return api, [*secrets, *lines_of(first.json()["private_key"])]


def test_no_secret_stays_where_it_went_through(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    for cache in caches.all():
        cache.clear()
    api, secrets = walk()
    assert len(secrets) > 10
    lines = [LineFormatter().format(each) for each in caplog.records if TraceFilter().filter(each)]
    places = everything_kept() | {path: api.get(path).content for path in LISTS}
    places |= {
        "the log": "\n".join(lines).encode(),
        "the caches": repr([getattr(cache, "_cache", "") for cache in caches.all()]).encode(),
        "what is remembered": b"".join(
            bytes(row.sealed) + row.path.encode() for row in IdempotencyRecord.objects.all()
        ),
        "the audit log": b"".join(repr(vars(event)).encode() for event in AuditEvent.objects.all()),
    }
    found = {(place, secret) for place, content in places.items() for secret in secrets if secret.encode() in content}
    assert found == set()


@pytest.mark.parametrize(
    "body",
    [
        {"template_code": "web-tls", "common_name": "www.umbrella.test", "passphrase": PASSPHRASE},
        {"template_code": "nothing", "passphrase": PASSPHRASE},
        {"passphrase": [PASSPHRASE]},
        {"csr": f"-----BEGIN PRIVATE KEY-----\n{PASSPHRASE}\n-----END PRIVATE KEY-----", "template_code": "web-tls"},
    ],
)
def test_no_refusal_says_a_secret_again(body: dict[str, Any]):
    api = wire_of(open_office().person)
    answer = api.post(CERTIFICATES, body)
    assert 400 <= answer.status_code < 500
    assert PASSPHRASE not in json.dumps(answer.json())


def test_what_breaks_tells_the_client_and_the_log_no_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The values of variables are not in a traceback here, and the page of an error is drawn without the request."""
    office = open_office()

    def broken(**_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr("api.native.certificates.issue_certificate", broken)
    wish = {"template_code": "web-tls", "common_name": "www.acme.test", "passphrase": PASSPHRASE}
    api = wire_of(office.person)
    answer = api.post(CERTIFICATES, wish)
    assert answer.status_code == 500
    told = answer.content.decode() + "\n".join(LineFormatter().format(each) for each in caplog.records
                                               if TraceFilter().filter(each))  # fmt: skip
    assert "something else" in told
    assert "something else" not in answer.content.decode()
    assert [word for word in (PASSPHRASE, str(api.token)) if word in told] == []


def test_a_message_to_the_worker_holds_no_link(monkeypatch: pytest.MonkeyPatch):
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(mail_password_reset, "delay", lambda *arguments: sent.append(arguments))
    person = cast.owner(cast.organization())
    Client().post("/password/forgotten/", {"email": person.user.email})
    ((email, language, ip, trace_id),) = sent
    assert (email, language, ip) == (person.user.email, "en", "127.0.0.1")
    assert len(trace_id) == 26


def test_of_tokens_and_codes_a_keyed_hash_is_kept():
    desk = open_desk()
    code = desk.code()
    tokens = desk.exchange(code).json()
    begun = desk.post("/oauth/device", client_id=desk.client_id).json()
    secrets = [code, tokens["access_token"], tokens["refresh_token"], begun["device_code"], begun["user_code"]]
    secrets += [each.partition("_")[2] for each in secrets[:4]] + [begun["user_code"].replace("-", "")]
    kept = everything_kept()
    assert {(table, each) for table, rows in kept.items() for each in secrets if each.encode() in rows} == set()

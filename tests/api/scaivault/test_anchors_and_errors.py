"""Trust anchors as the page has them; scopes and errors as the checklist proposes them."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.oauth_scopes import permissions_of
from api.scaivault.openapi import document
from cas.core.formats import to_pem
from cas.models import TrustAnchor
from tests import elsewhere
from tests.api.scaivault.desk import PKI, body, refused, wire_with, wrong_fields
from tests.api.wire import Wire
from tests.security.doors_scaivault import API

ANCHORS = f"{PKI}/trust-anchors"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def root():
    return elsewhere.root("CN=Partner Root,O=Partner")


def added(api, root):
    return body(api.post(ANCHORS, {"name": "Partner", "certificate_pem": to_pem(root.certificate)}), 201)


def test_a_stranger_finds_nothing_of_it(api, stranger, root):
    anchor = added(api, root)
    for method in ("GET", "DELETE"):
        assert refused(stranger.send(method, f"{ANCHORS}/{anchor['id']}"), 404) == "trust_anchor_not_found"
    assert body(stranger.get(ANCHORS))["data"] == []
    assert TrustAnchor.objects.get().retired_at is None


@pytest.mark.row("S84", "S85", "S86", "S87")
def test_an_anchor_is_added_shown_listed_and_taken_away(api, root):
    anchor = added(api, root)
    UUID(anchor["id"])
    assert (anchor["name"], anchor["subject"]) == ("Partner", "CN=Partner Root,O=Partner")
    assert anchor["certificate_pem"] == to_pem(root.certificate)
    assert body(api.get(f"{ANCHORS}/{anchor['id']}")) == anchor
    assert body(api.get(ANCHORS)) == {"data": [anchor], "next_cursor": None}
    again = api.post(ANCHORS, {"name": "Partner", "certificate_pem": to_pem(root.certificate)})
    assert refused(again, 409) == "trust_anchor_known"
    gone = api.delete(f"{ANCHORS}/{anchor['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refused(api.get(f"{ANCHORS}/{anchor['id']}"), 404) == "trust_anchor_not_found"
    assert body(api.get(ANCHORS))["data"] == []


@pytest.mark.row("S85")
def test_only_the_certificate_of_a_ca_is_an_anchor(api, root):
    leaf = root.sign(root.certificate.subject, root.key.public_key(), is_ca=False)
    sent = {"name": "Leaf", "certificate_pem": to_pem(leaf)}
    assert wrong_fields(api.post(ANCHORS, sent)) == {"certificate_pem[0]": "not_an_authority"}
    assert wrong_fields(api.post(ANCHORS, {})) == {"name": "required", "certificate_pem": "required"}
    assert not TrustAnchor.objects.exists()


# What stands under no CA of the organization has a scope of its own for reading, `acme:read`.
PUBLIC = frozenset(entry for entry in API if "/acme/" in entry or "/dns-providers" in entry)
READS = frozenset(entry for entry in API if entry.startswith("GET ") and entry != "GET /v1/pki/ca") - PUBLIC
ISSUES = frozenset(
    f"POST /v1/pki/{path}"
    for path in (
        "issue/{role_name}",
        "sign/{role_name}",
        "certificates/{certificate}/renew",
        "certificates/{kept}/private-key",
        "csr",
        "csr/import",
        "acme/issue",
        "acme/orders/{acme_order}/refresh",
        "acme/challenges/{acme_challenge}/complete",
    )
) | {"PATCH /v1/pki/certificates/{certificate}", "DELETE /v1/pki/csr/{csr}"}
JUDGES = frozenset({"POST /v1/pki/certificates/validate"})
# Deciding is in no scope and in no usual key: an owner gives it by name.
DECISIONS = frozenset({"POST /v1/pki/csr/{csr}/approve", "POST /v1/pki/csr/{csr}/reject"})


@pytest.mark.row("S112")
@pytest.mark.parametrize(
    ("scope", "let_in"),
    [
        ("pki:read", READS | JUDGES),
        ("acme:read", frozenset(entry for entry in PUBLIC if entry.startswith("GET "))),
        ("pki:issue", READS | JUDGES | ISSUES),
        ("pki:admin", frozenset(API) - DECISIONS),
    ],
)
def test_a_scope_opens_what_the_page_says(office, scope, let_in, subtests):
    wire = wire_with(office.person, *permissions_of([scope]) & office.owner.permissions)
    rows = (
        "ca",
        "certificate",
        "kept",
        "csr",
        "anchor",
        "acme_account",
        "acme_order",
        "acme_challenge",
        "dns_provider",
    )
    names = {"role_name": "nothing", **dict.fromkeys(rows, NOWHERE)}
    for entry in sorted(API):
        with subtests.test(entry):
            method, _space, address = entry.partition(" ")
            answer = wire.send(method, address.format(**names), {} if method in ("POST", "PATCH") else None)
            if entry in let_in:
                assert answer.status_code in (200, 404, 422), answer.content
            else:
                assert refused(answer, 403) == "insufficient_scope"


@pytest.mark.row("S112")
def test_nobody_is_asked_for_a_credential(db):
    for wire in (Wire(), Wire("pkf_" + "x" * 32)):
        answer = wire.get(f"{PKI}/roles")
        assert refused(answer, 401) == "unauthenticated"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.row("S112")
def test_every_error_has_the_envelope(api, db):
    for answer, status, code in (
        (api.get(f"{PKI}/nothing"), 404, "not_found"),
        (api.get(PKI), 404, "not_found"),
        (api.get(f"{PKI}/ca/5"), 404, "not_found"),
        (api.get(f"{PKI}/ca/{NOWHERE}"), 404, "ca_not_found"),
        (api.send("PUT", f"{PKI}/ca", {}), 405, "method_not_allowed"),
        (api.post(f"{PKI}/ca", b"{"), 400, "malformed_request"),
        (api.post(f"{PKI}/ca", b"[]"), 400, "malformed_request"),
        (api.send("POST", f"{PKI}/ca", b"a=b", Content_Type="text/plain"), 415, "unsupported_media_type"),
        (api.get(f"{PKI}/roles", Accept="text/html"), 406, "not_acceptable"),
        (api.post(f"{PKI}/ca", {}), 422, "validation_error"),
    ):
        assert refused_somewhere(answer, status) == code


def refused_somewhere(answer, status: int) -> str:
    """Outside of any view the number stands in the answer as well."""
    found = answer.json()["error"]
    assert answer.status_code == status, answer.content
    assert set(found) == {"code", "message", "details", "request_id"}
    assert answer.headers["X-Request-ID"] == found["request_id"]
    return found["code"]


@pytest.mark.row("S112")
def test_who_asks_too_often_is_told_when_to_come_back(api, settings):
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"general": 2}
    answers = [api.get(f"{PKI}/roles") for _time in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refused(answers[-1], 429) == "rate_limited"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


def test_what_breaks_says_nothing_but_its_number(api, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("cas.selectors.roles", broken)
    answer = api.get(f"{PKI}/roles")
    assert refused(answer, 500) == "internal_error"
    assert b"secret" not in answer.content


def test_a_valid_openapi_3_1_document_is_served_to_everyone(db):
    answer = Wire().get(f"{PKI}/openapi.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(answer.json()).iter_errors()) == []
    refusal = Wire().post(f"{PKI}/openapi.json", {})
    assert (refusal.status_code, refusal.headers["Allow"]) == (405, "GET, HEAD")


def test_every_route_is_described_and_nothing_else():
    described = {
        f"{method.upper()} {path.replace('{id}', '{}').replace('{name}', '{}')}"
        for path, methods in document()["paths"].items()
        for method in methods
    }
    assert described == {re.sub(r"{[a-z_]+}", "{}", entry) for entry in API}

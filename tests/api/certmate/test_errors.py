"""Whatever goes wrong under CertMate's paths is said in its shape."""

from __future__ import annotations

from typing import Any

import pytest

from api.certmate import client_certificates
from tests.api.certmate.conftest import CERTS, Client
from tests.api.wire import Wire, wire_of
from tests.office import Office

pytestmark = pytest.mark.django_db


def error_of(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json"), answer.content
    body: dict[str, Any] = answer.json()
    assert [*body] == ["error", "code", "status"]
    assert body["status"] == status
    assert body["error"]
    assert body["code"] == body["code"].upper()
    assert answer["Cache-Control"] == "no-store"
    return body


@pytest.mark.row("M81", "M82", "M83", "M84")
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/x", "/api/v3/certificates", f"{CERTS}/", "/api/ocsp", "/api/crl/download/p12"]
)
def test_an_unknown_path(path: str):
    assert error_of(Wire().get(path), 404)["code"] == "NOT_FOUND"


@pytest.mark.row("M81", "M85")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CERTS),
        ("GET", f"{CERTS}/create"),
        ("DELETE", f"{CERTS}/x"),
        ("GET", f"{CERTS}/x/revoke"),
        ("POST", "/api/ocsp/status/1"),
        ("POST", "/api/crl/download/pem"),
        ("PUT", "/api/certificates/example.com/download"),
    ],
)
def test_a_method_that_is_not_there(api: Wire, method: str, path: str):
    answer = api.send(method, path, {})
    assert error_of(answer, 405)["code"] == "METHOD_NOT_ALLOWED"
    assert answer["Allow"]


BODIES = {
    "not JSON": (b"{", {}, 400),
    "a list": (b"[]", {}, 400),
    "twice the same": (b'{"common_name":"a","common_name":"b"}', {}, 400),
    "NUL": (b'{"common_name":"a\\u0000"}', {}, 400),
    "a form": (b"common_name=x", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    "too large": (b'{"a":"' + b"x" * 1024 * 1024 + b'"}', {}, 413),
    "an unknown field": (b'{"common_name":"a","is_ca":true}', {}, 400),
    "a number for a text": (b'{"common_name":5}', {}, 400),
    "a text for a number": (b'{"common_name":"a","days_valid":"365"}', {}, 400),
    "a text for a flag": (b'{"common_name":"a","generate_key":"yes"}', {}, 400),
    "no days": (b'{"common_name":"a","days_valid":0}', {}, 400),
    "too many days": (b'{"common_name":"a","days_valid":3651}', {}, 400),
    "no address": (b'{"common_name":"a","email":"not an address"}', {}, 400),
    "a key and a CSR": (b'{"common_name":"a","csr":"x","generate_key":true}', {}, 400),
    "no CSR": (b'{"common_name":"a","csr":"x","generate_key":false}', {}, 400),
}


@pytest.mark.row("M4", "M12", "M17", "M81")
@pytest.mark.parametrize(("body", "headers", "status"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_none(api: Wire, body: bytes, headers: dict[str, str], status: int):
    error_of(api.post(f"{CERTS}/create", body, **headers), status)


def test_every_fault_is_told_at_once(api: Wire):
    body = {"days_valid": 0, "email": "x", "cert_usage": "", "colour": "red"}
    said = error_of(api.post(f"{CERTS}/create", body), 400)["error"]
    assert [part.partition(":")[0] for part in said.split("; ")] == [
        "colour",
        "common_name",
        "cert_usage",
        "days_valid",
    ]


def test_a_name_that_no_certificate_can_have_is_told_by_its_field(api: Wire, office: Office):
    said = error_of(api.post(f"{CERTS}/create", {"common_name": "x", "organization": "\u202ex"}), 400)["error"]
    assert said.startswith("organization: ")


@pytest.mark.row("M85")
def test_longer_than_the_ca_lives_is_refused(api: Wire, office: Office):
    said = error_of(api.post(f"{CERTS}/create", {"common_name": "x", "days_valid": 3650}), 400)["error"]
    assert said.startswith("days_valid: ")


@pytest.mark.row("M3")
@pytest.mark.parametrize("token", ["cm_" + "a" * 40, "x", "Basic dXNlcjpwYXNz"])
def test_a_token_that_is_not_good(office: Office, token: str):
    for path in (CERTS, "/api/ocsp/status/1", "/api/crl/download/pem", "/api/certificates/example.com/download"):
        assert error_of(Wire(token).get(path), 401)["code"] == "INVALID_TOKEN"
    basic = Wire().get(CERTS, Authorization="Basic dXNlcjpwYXNz")
    assert error_of(basic, 401)["code"] == "INVALID_TOKEN"


@pytest.mark.row("M85")
def test_what_breaks_says_nothing_of_itself(api: Wire, monkeypatch: pytest.MonkeyPatch):
    def broken(**_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(client_certificates, "count_usages", broken)
    answer = api.get(f"{CERTS}/stats")
    assert error_of(answer, 500)["code"] == "INTERNAL_ERROR"
    assert b"canary" not in answer.content


def test_what_asks_for_an_approval_is_refused_and_names_its_template(client: Client, api: Wire, office: Office):
    identifier = client.create()["identifier"]
    template = office.issuing.templates.get(code="certmate.client")
    template.requires_approval = True
    template.save()
    for answer in (
        api.post(f"{CERTS}/create", {"common_name": "x"}),
        api.post(f"{CERTS}/batch", {"headers": ["common_name"], "rows": [["x"]]}),
        api.post(f"{CERTS}/{identifier}/renew"),
    ):
        said = error_of(answer, 403)
        assert said["code"] == "APPROVAL_REQUIRED"
        assert "certmate.client" in said["error"]


def test_an_organization_without_a_client_ca(stranger: Wire):
    assert error_of(stranger.post(f"{CERTS}/create", {"common_name": "x"}), 503)["code"] == "NO_CLIENT_CA"
    assert stranger.get(CERTS).json() == {"certificates": [], "total": 0}
    assert stranger.get(f"{CERTS}/stats").json()["total"] == 0


def test_it_is_said_in_the_language_of_whoever_asks(office: Office):
    assert error_of(wire_of(office.person).get(f"{CERTS}/stats?x=1"), 400)["error"].startswith("x: ")

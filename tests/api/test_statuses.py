"""Every status that the document promises, provoked over the wire, in the one shape of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from api.common.catalogue import PROBLEM_TYPES
from api.common.trace import HEADER
from api.native.dialect import STATUSES
from certificates import selectors
from kernel.permissions import Permission
from tests.api.wire import Wire, wire_of
from tests.office import Office

V1 = "/api/v1/certificates"
ISSUE = {"template_code": "web-tls", "common_name": "www.acme.test"}


def revoked_twice(office: Office, api: Wire) -> Any:
    path = f"{V1}/{office.issue().certificate.pk}/revoke"
    assert api.post(path).status_code == 200
    return api.post(path)


def without_permission(office: Office, _api: Wire) -> Any:
    return wire_of(office.person, Permission.CERTIFICATES_READ).post(V1, ISSUE)


def in_another_organization(_office: Office, api: Wire) -> Any:
    return api.post(V1, ISSUE | {"organization_id": 999_999})


PROVOKED: dict[str, tuple[int, str, Callable[[Office, Wire], Any]]] = {
    "a body that is no JSON": (400, "malformed-request", lambda office, api: api.post(V1, b"{")),
    "no credential": (401, "unauthenticated", lambda office, api: Wire().get(V1)),
    "a bad credential": (401, "invalid-token", lambda office, api: Wire("pkf_" + "x" * 32).get(V1)),
    "no permission": (403, "permission-denied", without_permission),
    "another organization": (403, "permission-denied", in_another_organization),
    "no such row": (404, "certificate-not-found", lambda office, api: api.get(f"{V1}/999999")),
    "no such address": (404, "not-found", lambda office, api: api.get("/api/v1/nothing")),
    "no such template": (
        404,
        "template-not-found",
        lambda office, api: api.post(V1, ISSUE | {"template_code": "nothing"}),
    ),
    "revoked already": (409, "already-revoked", revoked_twice),
    "a field that is wrong": (422, "validation-failed", lambda office, api: api.post(V1, ISSUE | {"sans": [7]})),
    "a parameter that is wrong": (422, "validation-failed", lambda office, api: api.get(f"{V1}?limit=0")),
}


def is_problem(answer: Any, status: int, code: str, base_url: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail", "instance", "trace_id"}
    assert body["type"] == f"{base_url}/developers/errors/{code}"
    assert body["title"] == PROBLEM_TYPES[code].title
    assert (body["status"], STATUSES[PROBLEM_TYPES[code].family]) == (status, status)
    assert body["instance"] == answer.wsgi_request.path
    assert body["trace_id"] == answer[HEADER]
    assert len(body["trace_id"]) == 26
    assert body["detail"]
    return body


@pytest.mark.row("P79", "P80")
@pytest.mark.parametrize(("status", "code", "provoke"), PROVOKED.values(), ids=PROVOKED)
def test_a_status_comes_with_a_problem_of_its_kind(office, api, settings, status, code, provoke):
    body = is_problem(provoke(office, api), status, code, settings.BASE_URL)
    assert ("errors" in body) == (status == 422)


@pytest.mark.row("P79", "P80")
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(ZeroDivisionError(), 500, "internal-error"), (OperationalError(), 503, "unavailable")],
    ids=["a bug", "a database that does not answer"],
)
def test_what_breaks_on_our_side_has_the_same_shape(api, settings, monkeypatch, error, status, code):
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(selectors, "get_certificate", broken)
    is_problem(api.get(f"{V1}/1"), status, code, settings.BASE_URL)


def test_no_page_of_the_catalogue_contradicts_its_status():
    assert {STATUSES[each.family] for each in PROBLEM_TYPES.values()} >= {status for status, *_ in PROVOKED.values()}


@pytest.mark.row("P80")
def test_a_client_reads_what_the_documents_clients_read(api, office):
    """`client.certificates.issue(…)` reads `.id .serial .not_after`, `.download(id, fmt="pem")` bytes."""
    issued = api.post(V1, {"template_code": "web-tls", "common_name": "www.acme.test", "sans": ["www.acme.test"]})
    assert issued.status_code == 201
    body = issued.json()
    assert isinstance(body["id"], int)
    assert isinstance(body["serial"], str)
    assert body["not_after"].endswith("Z")
    assert api.get(f"{V1}/{body['id']}/download?fmt=pem").content.startswith(b"-----BEGIN CERTIFICATE-----")

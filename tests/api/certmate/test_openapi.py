"""The OpenAPI document of the dialect: valid, complete, and kept by what the server answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.certmate.openapi import document
from api.certmate.routes import ROUTES
from tests.api.fuzzing import each_mode, walk
from tests.api.fuzzing import server as server
from tests.api.wire import Wire
from tests.office import Office


def test_a_valid_openapi_3_1_document_is_served_to_everyone(db: None):
    answer = Wire().get("/api/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    served = answer.json()
    assert served["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(served).iter_errors()) == []
    assert Wire().post("/api/openapi.json", {}).json()["code"] == "METHOD_NOT_ALLOWED"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_is_described_and_nothing_else():
    described = {(method, re.sub(r"\{[^}]+\}", "{}", path)) for path, method, _operation in operations()}
    routed = {
        (method, re.sub("<[^>]+>", "{}", f"/api/{route.pattern}"))
        for route in ROUTES
        for method in route.callback.actions
        if method != "head"
    }
    assert described == routed


@pytest.mark.row("M81", "M83")
def test_an_operation_says_its_permission_and_what_it_may_refuse():
    names = []
    for path, _method, operation in operations():
        names.append(operation["operationId"])
        is_public = path.startswith(("/api/ocsp", "/api/crl"))
        assert ("x-permission" in operation) != is_public
        assert ({} in operation["security"]) == is_public
        assert {"400", "401", "405", "500", "503"} <= operation["responses"].keys()
        assert ("{" in path) <= ("404" in operation["responses"])
    assert len(names) == len(set(names))
    error = document()["components"]["schemas"]["Error"]
    assert error["required"] == ["error", "code", "status"]


@each_mode
def test_what_is_sent_is_answered_as_the_document_says(
    mode: Any, api: Wire, office: Office, server: Any, subtests: Any
):
    walk(server, "/api/openapi.json", mode, token=str(api.token), subtests=subtests)

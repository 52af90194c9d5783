"""The OpenAPI documents: valid, complete, and kept by what the server answers."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.common.problems import Family
from api.native.dialect import STATUSES
from api.native.openapi import document
from tests.api.routes import ROUTES
from tests.api.wire import Wire

VERSIONS = ("v1", "v2")


@pytest.mark.row("P1", "P2", "P3")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_valid_openapi_3_1_document_is_served_to_everyone(version, db):
    answer = Wire().get(f"/api/{version}/openapi.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    served = answer.json()
    assert served["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(served).iter_errors()) == []


def operations(version):
    for path, methods in document(version)["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.mark.parametrize("version", VERSIONS)
def test_every_route_is_described_and_nothing_else(version):
    described = {(method.upper(), re.sub(r"\{[^}]+\}", "{}", path)) for path, method, _ in operations(version)}
    assert described == {(route.method, route.template) for route in ROUTES if route.version == version}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_operation_says_its_permission_its_credentials_and_what_it_may_refuse(version):
    everywhere = {
        STATUSES[family] for family in (Family.UNAUTHENTICATED, Family.DENIED, Family.BROKEN, Family.MALFORMED)
    }
    for path, _method, operation in operations(version):
        statuses = {int(status) for status in operation["responses"]}
        assert everywhere <= statuses, path
        assert ("{" in path) <= (404 in statuses), path
        assert ("requestBody" in operation) <= ({413, 415, 422} <= statuses), path
        assert operation["security"] == [{"apiKey": []}, {"session": []}]
        assert ("x-permission" in operation) != path.endswith("/whoami")
        assert operation["summary"]


@pytest.mark.parametrize("version", VERSIONS)
def test_names_are_used_once_and_inputs_are_closed(version):
    names = [operation["operationId"] for _path, _method, operation in operations(version)]
    assert len(names) == len(set(names))
    schemas = document(version)["components"]["schemas"]
    inputs = {name: schema for name, schema in schemas.items() if name.endswith("Request")}
    assert inputs
    assert all(schema["additionalProperties"] is False for schema in inputs.values())


def test_ids_are_integers_in_v1_and_uuids_in_v2():
    v1, v2 = (document(version)["components"]["schemas"]["Certificate"]["properties"]["id"] for version in VERSIONS)
    assert v1["type"] == "integer"
    assert (v2["type"], v2["format"]) == ("string", "uuid")


def test_a_change_requires_nothing_and_has_no_defaults():
    schemas = document("v2")["components"]["schemas"]
    for name in ("RoleChangeRequest", "TemplateChangeRequest", "AuthorityChangeRequest", "LabelsRequest"):
        assert "required" not in schemas[name]
        assert not any("default" in member for member in schemas[name]["properties"].values())


def test_a_key_that_is_not_remembered_with_every_body_says_with_which():
    found = {}
    for path, method, operation in operations("v2"):
        for parameter in operation.get("parameters", ()):
            assert method == "post" or parameter["name"] != "Idempotency-Key"
            if "x-remembered-bodies" in parameter:
                found[path] = parameter["x-remembered-bodies"]
    assert found == {
        "/api/v2/certificates/batch": {"properties": {"rows": {"maxItems": 250}}},
        "/api/v2/certificates/{id}/revoke": {"properties": {"upstream": {"const": False}}},
    }


def test_what_may_be_known_already_says_so():
    conditional = {}
    for path, _method, operation in operations("v2"):
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        if "304" in operation["responses"] or headers - {"Idempotency-Key"}:
            conditional[path] = headers
            assert all("ETag" in operation["responses"][status]["headers"] for status in ("200", "304"))
    assert conditional == {
        "/api/v2/certificates/{id}/download": {"If-None-Match"},
        "/api/v2/certificates/{id}/current/download": {"If-None-Match", "Prefer"},
    }


def test_the_document_is_read_only(db):
    answer = Wire().post("/api/v1/openapi.json", {})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer["Content-Type"] == "application/problem+json"

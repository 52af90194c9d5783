"""The OpenAPI 3.0 document: valid, complete, and of that version throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from api.certman.openapi import document
from api.common.openapi30 import as_version_3_0
from tests.api.certman.desk import error_of
from tests.api.wire import Wire
from tests.security.doors_certman import API

METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.mark.row("C28")
def test_a_valid_openapi_3_0_document_is_served_to_everyone(db):
    answer = Wire().get("/v1/openapi")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    served = answer.json()
    assert served["openapi"] == "3.0.3"
    assert list(OpenAPIV30SpecValidator(served).iter_errors()) == []
    assert error_of(Wire().post("/v1/openapi", {}), 405)


def test_every_address_is_described_and_nothing_else():
    described = {f"{method.upper()} {path}" for path, method, _ in operations()}
    assert described == {re.sub(r"\{\w+\}", "{id}", entry) for entry in API}


@pytest.mark.row("C28")
def test_nothing_in_it_is_of_a_later_version():
    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            kind = value.get("type")
            assert not isinstance(kind, list), place
            assert kind != "null", place
            assert not isinstance(value.get("examples"), list), place
            assert "$ref" not in value or len(value) == 1, place
            for name, each in value.items():
                walk(each, f"{place}.{name}")
        elif isinstance(value, list):
            for index, each in enumerate(value):
                walk(each, f"{place}[{index}]")

    walk(document(), "document")


def test_an_operation_says_what_it_may_refuse():
    for path, method, operation in operations():
        statuses = set(operation["responses"])
        assert {"200", "400", "401", "403", "429", "500"} - {"429"} <= statuses, path
        assert ("{id}" in path) <= ("404" in statuses), path
        takes_key = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
        assert takes_key == (method == "post" and (path.endswith(("/renew", "/certificates")))), path
        assert takes_key == ("409" in statuses), path


def test_the_limits_of_the_document_are_in_it():
    schemas = document()["components"]["schemas"]
    issue = schemas["IssueRequest"]["properties"]
    assert issue["validityDays"]["maximum"] == 397
    assert issue["mode"]["enum"] == ["managed", "csr"]
    assert issue["keyAlgorithm"]["enum"] == ["RSA-2048", "RSA-4096", "ECDSA-P256", "ECDSA-P384"]
    assert schemas["IssueRequest"]["additionalProperties"] is False
    assert schemas["Authority"]["properties"]["parent_ca_id"]["nullable"] is True
    assert "privateKey" not in schemas["Issued"].get("required", [])


CONVERSIONS = {
    "a type that may be null": ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
    "null among choices": (
        {"oneOf": [{"$ref": "#/x"}, {"type": "null"}]},
        {"allOf": [{"$ref": "#/x"}], "nullable": True},
    ),
    "several choices and null": (
        {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        {"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
    ),
    "examples": ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
    "words beside a reference": (
        {"$ref": "#/x", "description": "y"},
        {"allOf": [{"$ref": "#/x"}], "description": "y"},
    ),
    "a property named type": (
        {"properties": {"type": {"type": "string"}}},
        {"properties": {"type": {"type": "string"}}},
    ),
}


@pytest.mark.parametrize(("newer", "older"), CONVERSIONS.values(), ids=CONVERSIONS)
def test_a_schema_is_said_in_the_older_language(newer, older):
    assert as_version_3_0({"x": newer})["x"] == older

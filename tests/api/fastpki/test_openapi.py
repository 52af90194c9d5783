"""The OpenAPI document of the FastPKI dialect: valid, complete, and kept by what the server answers."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.fastpki.openapi import document
from api.fastpki.urls import ROUTES
from tests.api.fastpki.office import Client, fastpki_office
from tests.api.fuzzing import each_mode, walk
from tests.api.fuzzing import server as server
from tests.api.wire import Wire

PLACE = "/api/v1/fastpki/openapi.json"
# They end the credential that the rest of the walk needs.
ENDING = {"/api/v1/auth/logout", "/api/v1/auth/invalidate"}


@pytest.fixture
def client(db: None) -> Client:
    return fastpki_office()


def test_a_valid_openapi_3_1_document_is_served_to_everyone(db):
    served = Wire().get(PLACE)
    assert served.status_code == 200
    assert list(OpenAPIV31SpecValidator(served.json()).iter_errors()) == []
    assert Wire().post(PLACE).status_code == 405


def test_every_route_is_described_and_nothing_else():
    described = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", place))
        for place, methods in document()["paths"].items()
        for method in methods
    }
    routed = {
        (method.upper(), re.sub("<[^>]+>", "{}", f"/api/v1/{route.pattern}"))
        for route in ROUTES
        for method in route.callback.actions
        if method != "head"
    }
    assert described == routed


def test_names_are_used_once_and_inputs_are_closed():
    operations = [each for methods in document()["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    inputs = [shape for name, shape in document()["components"]["schemas"].items() if name.endswith("Request")]
    assert inputs
    assert all(shape["additionalProperties"] is False for shape in inputs)


@each_mode
def test_what_is_sent_is_answered_as_the_document_says(mode, client, server, subtests, settings):
    settings.RATELIMIT_ENABLE = False
    walk(server, PLACE, mode, token=client.token, subtests=subtests, without=ENDING)

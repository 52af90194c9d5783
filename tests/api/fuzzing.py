"""A short walk of schemathesis over an OpenAPI document: no 500, and no answer that its schema does not have."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    allow_header_conformance,
    ignored_auth,
    unsupported_method,
]
few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Databases differ in what they refuse, not in what they take.
each_mode = pytest.mark.parametrize(
    "mode",
    [
        pytest.param(GenerationMode.POSITIVE, id="good", marks=pytest.mark.any_database),
        pytest.param(GenerationMode.NEGATIVE, id="bad"),
    ],
)


@pytest.fixture
def server() -> Iterator[Any]:
    """The whole application. At the end of a request it keeps the connection, in which the test's transaction is."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def walk(
    server: Any, document: str, mode: GenerationMode, *, token: str, subtests: Any, without: Container[str] = ()
) -> None:
    """Every operation of the document that stands at this path, but those of the paths `without`."""
    for found in schemathesis.openapi.from_wsgi(document, server).get_all_operations():
        operation = found.ok()
        takes_anything = operation.body or operation.query or operation.path_parameters
        if operation.path in without or (mode is GenerationMode.NEGATIVE and not takes_anything):
            continue
        with subtests.test(operation.label):
            _ask(operation.as_strategy(generation_mode=mode), token)


def _ask(cases: Any, token: str) -> None:
    @few
    @given(case=cases)
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    ask()

"""A short walk of schemathesis over the document: no 500, and no answer that its schema does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import given
from schemathesis import GenerationMode

from tests.api.native.test_fuzz import CHECKS, few


@pytest.fixture
def server() -> Iterator[Any]:
    """The whole application. At the end of a request it keeps the connection, in which the test's transaction is."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_what_is_sent_is_answered_as_the_document_says(mode, api, server, subtests):
    schema = schemathesis.openapi.from_wsgi("/v1/pki/openapi.json", server)
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue
        with subtests.test(operation.label):
            walk(operation.as_strategy(generation_mode=mode), api.token)


def walk(cases: Any, token: str) -> None:
    @few
    @given(case=cases)
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    ask()

"""A short walk of schemathesis over Certman's document: no 500, and no answer that its schema does not have."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from schemathesis import GenerationMode

from tests.api.certman.desk import Workspace
from tests.api.native.test_fuzz import server as server
from tests.api.native.test_fuzz import walk
from tests.api.wire import wire_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_what_is_sent_is_answered_as_the_document_says(mode, workspace: Workspace, server: Any, subtests: Any):
    schema = schemathesis.openapi.from_wsgi("/v1/openapi", server)
    token = wire_of(workspace.person).token
    assert token
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue
        with subtests.test(operation.label):
            walk(operation.as_strategy(generation_mode=mode), token)

"""A short walk of schemathesis over Certman's document: no 500, and no answer that its schema does not have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.certman.desk import Workspace
from tests.api.fuzzing import each_mode, walk
from tests.api.fuzzing import server as server
from tests.api.wire import wire_of

pytestmark = pytest.mark.django_db


@each_mode
def test_what_is_sent_is_answered_as_the_document_says(mode, workspace: Workspace, server: Any, subtests: Any):
    token = wire_of(workspace.person).token
    assert token
    walk(server, "/v1/openapi", mode, token=token, subtests=subtests)

"""Both documents of the native API are kept by what the server answers."""

from __future__ import annotations

import pytest

from tests.api.fuzzing import each_mode, walk
from tests.api.fuzzing import server as server


@each_mode
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_is_sent_is_answered_as_the_document_says(version, mode, api, server, subtests):
    walk(server, f"/api/{version}/openapi.json", mode, token=api.token, subtests=subtests)

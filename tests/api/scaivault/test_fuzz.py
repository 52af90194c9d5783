"""The OpenAPI document of the dialect is kept by what the server answers."""

from __future__ import annotations

from tests.api.fuzzing import each_mode, walk
from tests.api.fuzzing import server as server


@each_mode
def test_what_is_sent_is_answered_as_the_document_says(mode, api, server, subtests):
    walk(server, "/v1/pki/openapi.json", mode, token=api.token, subtests=subtests)

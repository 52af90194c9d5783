"""The OpenAPI 3.0 document of the Certman dialect, made from the views themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from api.certman.dialect import REPLAY_CONFLICT, STATUSES, problem_response
from api.certman.routes import ROUTES
from api.common.documents import make_document, serve_document
from api.common.openapi import problem_responses, response_name
from api.common.openapi30 import as_version_3_0
from api.common.problems import Family
from api.common.remembered import HEADER

_ABOUT: Final = "Certman's documented paths, and a few beside them. Ids are UUIDs; lists are read by page number."
_REFUSED: Final = "It cannot be done as it was asked; `error` names the fields that are to blame."
_REPLAYED: Final = "The key was used with another body, or the first request with it is still running."


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.0 document; made once in a process, in English."""
    found = make_document("v1/", ROUTES, title="Chancery as Certman", version="v1", about=_ABOUT)
    found["components"]["schemas"]["Error"] = _error_schema()
    _tell_errors(found["components"]["responses"])
    for item in found["paths"].values():
        for operation in item.values():
            _tell_replays(operation)
    return as_version_3_0(found)


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /v1/openapi`, for everyone."""
    return serve_document(request, document(), problem_response)


def _tell_errors(responses: dict[str, Any]) -> None:
    """The body is the same for each family of failures; several have one status, and are told together."""
    for family, status in STATUSES.items():
        response = responses[response_name(family)]
        response["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        if status == STATUSES[Family.INVALID]:
            response["description"] = _REFUSED
            response["headers"].pop("Retry-After", None)


def _tell_replays(operation: dict[str, Any]) -> None:
    """What is said of a key that was used before has a status of its own."""
    if any(parameter["name"] == HEADER for parameter in operation.get("parameters", ())):
        refused = problem_responses()[response_name(Family.CONFLICT)]
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        operation["responses"][str(REPLAY_CONFLICT)] = refused | {"description": _REPLAYED, "content": content}


def _error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What went wrong, in one sentence for people.",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
        "additionalProperties": False,
        "examples": [{"error": "commonName: This field is required."}],
    }

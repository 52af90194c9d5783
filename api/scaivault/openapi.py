"""The OpenAPI 3.1 document of the ScaiVault dialect, made from the views themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from api.common.documents import TRACE_ID, make_document, serve_document
from api.scaivault.dialect import REQUEST_ID, problem_response
from api.scaivault.routes import ROUTES

_ABOUT: Final = "ScaiVault's documented PKI paths. Ids are UUIDs; lists are read by cursor."


@cache
def document() -> dict[str, Any]:
    """Made once in a process, in English."""
    found = make_document("v1/pki/", ROUTES, title="Chancery as ScaiVault", version="v1", about=_ABOUT)
    components = found["components"]
    components["schemas"]["Error"] = _error_schema()
    for response in components["responses"].values():
        response["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        response["headers"][REQUEST_ID] = {"$ref": "#/components/headers/TraceId"}
    return found


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /v1/pki/openapi.json`, for everyone."""
    return serve_document(request, document(), problem_response)


def _error_schema() -> dict[str, Any]:
    wrong = {
        "type": "object",
        "properties": {
            "field": {"type": "string", "description": "Such as `alt_names[2]`."},
            "code": {"type": "string"},
            "message": {"type": "string"},
        },
        "required": ["field", "code", "message"],
        "additionalProperties": False,
    }
    details = {
        "type": "object",
        "description": "`errors` is there where fields are to blame.",
        "properties": {"errors": {"type": "array", "items": wrong, "minItems": 1}},
        "additionalProperties": False,
    }
    members = {"code": {"type": "string"}, "message": {"type": "string"}, "details": details, "request_id": TRACE_ID}
    error = {
        "type": "object",
        "properties": members,
        "required": ["code", "message", "details", "request_id"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "What went wrong.",
        "properties": {"error": error},
        "required": ["error"],
        "additionalProperties": False,
    }

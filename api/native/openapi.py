"""The OpenAPI documents of the native API, one for each version, made from the views themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.common.documents import TRACE_ID, make_document, serve_document
from api.native.dialect import ERRORS_PATH, problem_response
from api.native.operation_names import operation_name
from api.native.routes import V1, V2

_ROUTES: Final = {"v1": V1, "v2": V2}
_ABOUT: Final = {
    "v1": "PKIFactor's documented paths. Ids are integers; lists are read by cursor or by offset.",
    "v2": "Every resource of Chancery. Ids are UUIDs; lists are read by cursor.",
}


@cache
def document(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of one version; made once in a process, in English."""
    routes, about = _ROUTES[version], _ABOUT[version]
    found = make_document(f"api/{version}/", routes, title="Chancery", version=version, about=about)
    found["components"]["schemas"]["Problem"] = _problem_schema()
    if version == "v2":
        _name_operations(found)
    return found


def document_view(request: HttpRequest, version: str) -> HttpResponse:
    """`GET /api/<version>/openapi.json`, for everyone."""
    return serve_document(request, document(version), problem_response)


def _name_operations(found: dict[str, Any]) -> None:
    """Gives each operation the name that it has in every client."""
    for path, item in found["paths"].items():
        for verb, operation in item.items():
            is_list = any(each["name"] == "cursor" for each in operation.get("parameters", ()))
            operation["operationId"] = operation_name(verb.upper(), path.removeprefix("/api/v2"), is_list=is_list)


def _problem_schema() -> dict[str, Any]:
    """Problem details (RFC 9457)."""
    error = {
        "type": "object",
        "properties": {
            "field": {"type": "string", "description": "Such as `sans[2]` or `subject.common_name`."},
            "code": {"type": "string"},
            "detail": {"type": "string"},
        },
        "required": ["field", "code", "detail"],
        "additionalProperties": False,
    }
    members = {
        "type": {"type": "string", "format": "uri", "description": "What kind of problem; the address explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "trace_id": TRACE_ID,
        "errors": {"type": "array", "items": error, "minItems": 1},
    }
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457). `errors` is there where fields are to blame.",
        "properties": members,
        "required": ["type", "title", "status", "detail", "instance", "trace_id"],
        "additionalProperties": False,
        "examples": [
            {
                "type": f"{settings.BASE_URL}{ERRORS_PATH}template-not-found",
                "title": "Template not found",
                "status": 404,
                "detail": "Template with code 'web-tls' does not exist in organization 'ACME'",
                "instance": "/api/v1/certificates",
                "trace_id": "01J5Z3N8Q0V4T6X8Y9ABCDEFGH",
            }
        ],
    }

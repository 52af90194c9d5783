"""The OpenAPI document of the CertMate dialect, made from the views themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from api.certmate.dialect import STATUSES, problem_response
from api.certmate.routes import ROUTES
from api.common.documents import make_document, serve_document
from api.common.openapi import response_name
from api.common.problems import Family

_ABOUT: Final = "CertMate's client certificates, and the files of hosts. Every list is whole."
_REFUSED: Final = "It cannot be done as it was asked; `error` names the fields that are to blame."
_STRING: Final = {"type": "string"}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document; made once in a process, in English."""
    found = make_document("api/", ROUTES, title="Chancery as CertMate", version="1", about=_ABOUT)
    found["components"]["schemas"] |= {"Error": _error_schema(), "RateLimited": _limited_schema()}
    _tell_errors(found["components"]["responses"])
    return found


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /api/openapi.json`, for everyone."""
    return serve_document(request, document(), problem_response)


def _tell_errors(responses: dict[str, Any]) -> None:
    """The body of each family of failures; those that have one status are told together."""
    for family, status in STATUSES.items():
        name = "RateLimited" if family is Family.TOO_MANY else "Error"
        response = responses[response_name(family)]
        response["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        if status == STATUSES[Family.INVALID]:
            response["description"] = _REFUSED


def _error_schema(**more: Any) -> dict[str, Any]:
    """What went wrong: a sentence, a code, and the status again."""
    members = {
        "error": _STRING,
        "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
    } | more
    return {
        "type": "object",
        "properties": members,
        "required": [*members],
        "additionalProperties": False,
        "description": "What went wrong: a sentence for people, a code for programs, and the status again.",
    }


def _limited_schema() -> dict[str, Any]:
    return _error_schema(message=_STRING, retry_after={"type": "integer", "minimum": 1})

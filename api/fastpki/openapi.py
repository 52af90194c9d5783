"""The OpenAPI 3.1 document of the FastPKI dialect, made from the views themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from api.common.documents import make_document, serve_document
from api.common.openapi import response_name
from api.common.problems import Family
from api.fastpki.dialect import problem_response
from api.fastpki.identity_urls import IDENTITY
from api.fastpki.pki_urls import PKI

_ABOUT: Final = (
    "What the `fastpki` command line speaks. Ids are integers, lists are bare arrays, addresses end in a slash or do "
    "not, exactly as they stand here."
)
_TEXT: Final = {"type": "string"}


@cache
def document() -> dict[str, Any]:
    """Made once in a process, in English."""
    routes = [*IDENTITY, *PKI]
    found = make_document("api/v1/", routes, title="Chancery as FastPKI", version="v1", about=_ABOUT)
    found["components"]["schemas"] |= {"Refusal": _refusal(), "Faults": _faults(), "Limited": _limited()}
    _tell_errors(found["components"]["responses"])
    return found


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /api/v1/fastpki/openapi.json`, for everyone. (`/api/v1/openapi.json` is the native API's.)"""
    return serve_document(request, document(), problem_response)


def _tell_errors(responses: dict[str, Any]) -> None:
    """The body of each family of failures."""
    schemas = {Family.MALFORMED: "Faults", Family.TOO_MANY: "Limited"}
    for family in Family:
        schema = {"$ref": f"#/components/schemas/{schemas.get(family, 'Refusal')}"}
        responses[response_name(family)]["content"] = {"application/json": {"schema": schema}}
    responses[response_name(Family.INVALID)]["description"] = "The input is not acceptable; `detail` says why."
    responses[response_name(Family.MALFORMED)]["description"] = "The input has not the shape that it must have."


def _refusal() -> dict[str, Any]:
    coded = {
        "type": "object",
        "description": "For programs: a code, and what it is about.",
        "properties": {"code": _TEXT, "field": _TEXT, "value": _TEXT, "message": _TEXT},
        "required": ["code"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "What went wrong.",
        "properties": {"detail": {"oneOf": [_TEXT, coded]}},
        "required": ["detail"],
        "additionalProperties": False,
        "examples": [{"detail": "Certificate is already revoked"}],
    }


def _faults() -> dict[str, Any]:
    fault = {
        "type": "object",
        "properties": {
            "type": _TEXT,
            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
            "msg": _TEXT,
            "input": {"description": "What was sent there, where it is short and no secret."},
        },
        "required": ["type", "loc", "msg", "input"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "Every fault of a body, an address or its parameters.",
        "properties": {"detail": {"type": "array", "items": fault, "minItems": 1}},
        "required": ["detail"],
        "additionalProperties": False,
    }


def _limited() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A limit was reached.",
        "properties": {"error": _TEXT},
        "required": ["error"],
        "additionalProperties": False,
    }

"""The OpenAPI 3.1 document of the FastPKI dialect, made from the views themselves."""

from __future__ import annotations

from functools import cache
from inspect import getdoc
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import MethodNotAllowed

from api.common.openapi import problem_responses, response_name
from api.common.problems import Family, to_problem
from api.fastpki.dialect import problem_response
from api.fastpki.identity_urls import IDENTITY
from api.fastpki.pki_urls import PKI

_ABOUT: Final = (
    "What the `fastpki` command line speaks. Ids are integers, lists are bare arrays, addresses end in a slash or do "
    "not, exactly as they stand here."
)
_TRACE_ID: Final = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}
_TEXT: Final = {"type": "string"}


@cache
def document() -> dict[str, Any]:
    """Made once in a process, in English."""
    routes = [*IDENTITY, *PKI]
    generator = SchemaGenerator(patterns=[path("api/v1/", include(routes))])
    with translation.override("en"):
        found: dict[str, Any] = generator.get_schema(request=None, public=True)
    found["paths"] = {place.replace("{ref}", "{id}"): item for place, item in found["paths"].items()}
    found["info"] |= {"title": "Chancery as FastPKI", "version": "v1", "description": _ABOUT}
    found["servers"] = [{"url": settings.BASE_URL}]
    views: set[Any] = {getattr(route.callback, "cls", None) for route in routes}
    titles = {view.title: getdoc(view) for view in sorted(views, key=lambda view: (view.title, view.__name__))}
    found["tags"] = [{"name": title, "description": about} for title, about in titles.items()]
    components = found["components"]
    components["schemas"] |= {"Refusal": _refusal(), "Faults": _faults(), "Limited": _limited()}
    components["responses"] = _responses()
    components["headers"] = {"TraceId": {"description": "The number of this request.", "schema": _TRACE_ID}}
    return found


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /api/v1/fastpki/openapi.json`, for everyone. (`/api/v1/openapi.json` is the native API's.)"""
    if request.method not in ("GET", "HEAD"):
        response = problem_response(request, to_problem(MethodNotAllowed(str(request.method))))
        response.headers["Allow"] = "GET, HEAD"
        return response
    response = JsonResponse(document())
    response.headers["Cache-Control"] = "no-store"
    return response


def _responses() -> dict[str, Any]:
    """One for each family of failures."""
    found = problem_responses()
    schemas = {Family.MALFORMED: "Faults", Family.TOO_MANY: "Limited"}
    for family in Family:
        schema = {"$ref": f"#/components/schemas/{schemas.get(family, 'Refusal')}"}
        found[response_name(family)]["content"] = {"application/json": {"schema": schema}}
    found[response_name(Family.INVALID)]["description"] = "The input is not acceptable; `detail` says why."
    found[response_name(Family.MALFORMED)]["description"] = "The input has not the shape that it must have."
    return found


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

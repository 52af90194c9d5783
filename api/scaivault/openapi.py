"""The OpenAPI 3.1 document of the ScaiVault dialect, made from the views themselves."""

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

from api.common.openapi import problem_responses
from api.common.problems import to_problem
from api.scaivault.dialect import REQUEST_ID, problem_response
from api.scaivault.routes import ROUTES

_ABOUT: Final = "ScaiVault's documented PKI paths. Ids are UUIDs; lists are read by cursor."
_NUMBER: Final = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}


@cache
def document() -> dict[str, Any]:
    """Made once in a process, in English."""
    generator = SchemaGenerator(patterns=[path("v1/pki/", include(ROUTES))])
    with translation.override("en"):
        found: dict[str, Any] = generator.get_schema(request=None, public=True)
    found["paths"] = {place.replace("{ref}", "{id}"): item for place, item in found["paths"].items()}
    found["info"] |= {"title": "Chancery as ScaiVault", "version": "v1", "description": _ABOUT}
    found["servers"] = [{"url": settings.BASE_URL}]
    views: set[Any] = {getattr(route.callback, "cls", None) for route in ROUTES}
    found["tags"] = [
        {"name": view.title, "description": getdoc(view)} for view in sorted(views, key=lambda view: view.title)
    ]
    components = found["components"]
    components["schemas"]["Error"] = _error_schema()
    components["responses"] = problem_responses()
    for response in components["responses"].values():
        response["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        response["headers"][REQUEST_ID] = {"$ref": "#/components/headers/TraceId"}
    components["headers"] = {"TraceId": {"description": "The number of this request.", "schema": _NUMBER}}
    return found


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /v1/pki/openapi.json`, for everyone."""
    if request.method not in ("GET", "HEAD"):
        response = problem_response(request, to_problem(MethodNotAllowed(str(request.method))))
        response.headers["Allow"] = "GET, HEAD"
        return response
    response = JsonResponse(document())
    response.headers["Cache-Control"] = "no-store"
    return response


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
    members = {"code": {"type": "string"}, "message": {"type": "string"}, "details": details, "request_id": _NUMBER}
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

"""The OpenAPI 3.0 document of the Certman dialect, made from the views themselves."""

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

from api.certman.dialect import REPLAY_CONFLICT, STATUSES, problem_response
from api.certman.routes import ROUTES
from api.common.openapi import problem_responses, response_name
from api.common.openapi30 import as_version_3_0
from api.common.problems import Family, to_problem
from api.common.remembered import HEADER

_ABOUT: Final = "Certman's documented paths, and a few beside them. Ids are UUIDs; lists are read by page number."
_TRACE_ID: Final = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}
_REFUSED: Final = "It cannot be done as it was asked; `error` names the fields that are to blame."
_REPLAYED: Final = "The key was used with another body, or the first request with it is still running."


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.0 document; made once in a process, in English."""
    generator = SchemaGenerator(patterns=[path("v1/", include(ROUTES))])
    with translation.override("en"):
        found: dict[str, Any] = generator.get_schema(request=None, public=True)
    found["paths"] = {place.replace("{ref}", "{id}"): item for place, item in found["paths"].items()}
    found["info"] |= {"title": "Chancery as Certman", "version": "v1", "description": _ABOUT}
    found["servers"] = [{"url": settings.BASE_URL}]
    views: set[Any] = {getattr(route.callback, "cls", None) for route in ROUTES}
    found["tags"] = [
        {"name": view.title, "description": getdoc(view)} for view in sorted(views, key=lambda view: view.title)
    ]
    components = found["components"]
    components["schemas"]["Error"] = _error_schema()
    components["responses"] = _responses()
    components["headers"] = {"TraceId": {"description": "The number of this request.", "schema": _TRACE_ID}}
    for item in found["paths"].values():
        for operation in item.values():
            _tell_replays(operation)
    return as_version_3_0(found)


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /v1/openapi`, for everyone."""
    if request.method not in ("GET", "HEAD"):
        response = problem_response(request, to_problem(MethodNotAllowed(str(request.method))))
        response.headers["Allow"] = "GET, HEAD"
        return response
    response = JsonResponse(document())
    response.headers["Cache-Control"] = "no-store"
    return response


def _responses() -> dict[str, Any]:
    """One for each family of failures; several have one status, and are told together."""
    found = problem_responses()
    for family, status in STATUSES.items():
        response = found[response_name(family)]
        response["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        if status == STATUSES[Family.INVALID]:
            response["description"] = _REFUSED
            response["headers"].pop("Retry-After", None)
    return found


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

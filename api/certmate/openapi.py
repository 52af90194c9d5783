"""The OpenAPI document of the CertMate dialect, made from the views themselves."""

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

from api.certmate.client_certificates import ClientCertificates
from api.certmate.dialect import STATUSES, problem_response
from api.certmate.domains import Domains
from api.certmate.revocation_status import OcspStatus
from api.certmate.routes import ROUTES
from api.common.openapi import problem_responses, response_name
from api.common.problems import Family, to_problem

_ABOUT: Final = "CertMate's client certificates, and the files of hosts. Every list is whole."
_VIEWS: Final = (ClientCertificates, Domains, OcspStatus)
_TRACE_ID: Final = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}
_REFUSED: Final = "It cannot be done as it was asked; `error` names the fields that are to blame."
_STRING: Final = {"type": "string"}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document; made once in a process, in English."""
    generator = SchemaGenerator(patterns=[path("api/", include(ROUTES))])
    with translation.override("en"):
        found: dict[str, Any] = generator.get_schema(request=None, public=True)
    found["info"] |= {"title": "Chancery as CertMate", "version": "1", "description": _ABOUT}
    found["servers"] = [{"url": settings.BASE_URL}]
    found["tags"] = [{"name": view.title, "description": getdoc(view)} for view in _VIEWS]
    components = found["components"]
    components["schemas"] |= {"Error": _error_schema(), "RateLimited": _limited_schema()}
    components["responses"] = _responses()
    components["headers"] = {"TraceId": {"description": "The number of this request.", "schema": _TRACE_ID}}
    return found


def document_view(request: HttpRequest) -> HttpResponse:
    """`GET /api/openapi.json`, for everyone."""
    if request.method not in ("GET", "HEAD"):
        response = problem_response(request, to_problem(MethodNotAllowed(str(request.method))))
        response.headers["Allow"] = "GET, HEAD"
        return response
    response = JsonResponse(document())
    response.headers["Cache-Control"] = "no-store"
    return response


def _responses() -> dict[str, Any]:
    """One for each family of failures; those that have one status are told together."""
    found = problem_responses()
    for family, status in STATUSES.items():
        name = "RateLimited" if family is Family.TOO_MANY else "Error"
        response = found[response_name(family)]
        response["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        if status == STATUSES[Family.INVALID]:
            response["description"] = _REFUSED
    return found


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

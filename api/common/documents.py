"""The OpenAPI documents of the dialects: what is made alike in each of them, and how it is served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import getdoc
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, include, path
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import MethodNotAllowed

from api.common.openapi import problem_responses
from api.common.problems import Problem, to_problem

TRACE_ID: Final = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}


def make_document(mount: str, routes: Sequence[URLPattern], *, title: str, version: str, about: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document of these routes, in English.

    Its responses to failures are those of `problem_responses`; the dialect puts the schemas of its own bodies in.
    """
    generator = SchemaGenerator(patterns=[path(mount, include(routes))])
    with translation.override("en"):
        found: dict[str, Any] = generator.get_schema(request=None, public=True)
    found["paths"] = {place.replace("{ref}", "{id}"): item for place, item in found["paths"].items()}
    found["info"] |= {"title": title, "version": version, "description": about}
    found["servers"] = [{"url": settings.BASE_URL}]
    found["tags"] = _tags(routes)
    components = found["components"]
    components["responses"] = problem_responses()
    components["headers"] = {"TraceId": {"description": "The number of this request.", "schema": TRACE_ID}}
    return found


def serve_document(
    request: HttpRequest, document: dict[str, Any], problem_response: Callable[[HttpRequest, Problem], HttpResponse]
) -> HttpResponse:
    """The document, for everyone; another method than GET and HEAD is refused in the words of the dialect."""
    if request.method not in ("GET", "HEAD"):
        response = problem_response(request, to_problem(MethodNotAllowed(str(request.method))))
        response.headers["Allow"] = "GET, HEAD"
        return response
    response = JsonResponse(document)
    response.headers["Cache-Control"] = "no-store"
    return response


def _tags(routes: Sequence[URLPattern]) -> list[dict[str, Any]]:
    """The titles of the views. Of views that share one, the first among the routes says what it is about."""
    about: dict[str, str | None] = {}
    for route in routes:
        view: Any = route.callback
        about.setdefault(view.cls.title, getdoc(view.cls))
    return [{"name": title, "description": about[title]} for title in sorted(about)]

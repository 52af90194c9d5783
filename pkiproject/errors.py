"""What has gone wrong outside a view: the API says it in the dialect of the path, everything else is a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from api import handlers
from web import errors as pages


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if handlers.answers(request.path):
        return handlers.answer(request, 400, exception)
    return pages.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if handlers.answers(request.path):
        return handlers.answer(request, 403, exception)
    return pages.forbidden(request, exception)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if handlers.answers(request.path):
        return handlers.answer(request, 404, exception)
    return pages.not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if handlers.answers(request.path):
        return handlers.answer(request, 500)
    return pages.server_error(request)

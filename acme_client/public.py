"""Where CAs look for the answers of http-01 (RFC 8555 section 8.3): anonymous, without a session, over plain http.

One middleware, before the redirect to https and the check of the host: the hosts are those of tenants, not ours.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from acme_client.challenge_selectors import http_answer

log = logging.getLogger(__name__)

PREFIX: Final = "/.well-known/acme-challenge/"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HOST: Final = re.compile(r"([a-z0-9.-]{1,253})(?::[0-9]{1,5})?")
_ADDRESS: Final = re.compile(r"\[([0-9a-f:.]{2,45})\](?::[0-9]{1,5})?")
_RETRY_SECONDS: Final = 10


class HttpChallenges:
    """Middleware: `/.well-known/acme-challenge/<token>`; every other path goes on to the application."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self._get_response(request)
        response = _answer(request, request.path_info.removeprefix(PREFIX))
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        host = _host(request.META.get("HTTP_HOST", ""))
        content = http_answer(host, token) if host and _TOKEN.fullmatch(token) else None
    except DatabaseError:
        log.exception("a challenge could not be answered")
        response = HttpResponse("Try again later.\n", status=503, content_type="text/plain; charset=utf-8")
        response["Retry-After"] = str(_RETRY_SECONDS)
        return response
    if content is None:
        return HttpResponse("There is nothing here.\n", status=404, content_type="text/plain; charset=utf-8")
    return HttpResponse(content, content_type="application/octet-stream")


def _host(text: str) -> str:
    """Without its port, in lower case, addresses in their canonical form; empty where it is no host."""
    lowered = text.lower().removesuffix(".")
    if found := _ADDRESS.fullmatch(lowered):
        try:
            return str(ipaddress.IPv6Address(found[1]))
        except ValueError:
            return ""
    found = _HOST.fullmatch(lowered)
    return found[1].removesuffix(".") if found else ""

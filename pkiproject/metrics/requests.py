"""How many requests there were, how they ended, and how long they took: by the name of their route, never by path."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram

REGISTRY: Final = CollectorRegistry()
SECONDS: Final = Histogram(
    "chancery_http_request_duration_seconds",
    "How long requests took, by route, method and class of status.",
    ("route", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
# Whoever asks could make up as many methods and paths as they like, and each would be counted for ever.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Answered before the routes are looked at.
_AHEAD: Final = frozenset({"ca", "crl", "ocsp", "static", ".well-known", "healthz", "readyz", "metrics"})


class RequestTimes:
    """Middleware, the first: its times are those of everything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in _METHODS else "other"
        status = f"{response.status_code // 100}xx"
        SECONDS.labels(route_of(request), method, status).observe(time.perf_counter() - started)
        return response


def route_of(request: HttpRequest) -> str:
    """The name of the route, or its pattern where it has none; `unknown` where there is no such path."""
    match = request.resolver_match
    if match is not None:
        return match.view_name or match.route
    first = request.path_info.lstrip("/").partition("/")[0]
    return first if first in _AHEAD else "unknown"

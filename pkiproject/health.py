"""Is the process alive, and can it work: for supervisors and load balancers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

log = logging.getLogger(__name__)


class HealthEndpoints:
    """Answers `GET /healthz` (this process lives) and `GET /readyz` (200, or 503 while the database is away).

    A middleware, because a probe asks by IP address and without TLS: neither the check of the host name nor the
    redirect to https may stand before it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = _PROBES.get(request.path)
        if view is None or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        response = view()
        response["Cache-Control"] = "no-store"
        return response


def live() -> HttpResponse:
    return JsonResponse({"status": "ok"})


def ready() -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok"})


_PROBES: dict[str, Callable[[], HttpResponse]] = {"/healthz": live, "/readyz": ready}

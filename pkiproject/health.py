"""Is the process alive, can it work, and how is it: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from pkiproject import life
from pkiproject.masterkey import why_master_key_is_wrong
from pkiproject.metrics.endpoint import metrics

log = logging.getLogger(__name__)


class HealthEndpoints:
    """Answers `GET /healthz`, `GET /readyz` and, to those who may know, `GET /metrics`.

    A middleware, because a probe asks by IP address and without TLS: neither the check of the host name nor the
    redirect to https may stand before it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = _PROBES.get(request.path)
        if view is None or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        response = view(request)
        if response is None:
            return self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response


def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 where requests can be answered, else 503 and what is missing.

    `degraded`, still with 200, where no worker shows life: everything is answered, and what is due waits.
    """
    found = dict.fromkeys(("database", "migrations", "master_key", "worker"), "ok")
    try:
        if not _is_migrated():
            found["migrations"] = "missing"
        elif why_master_key_is_wrong() is not None:
            found["master_key"] = "wrong"
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        found = {"database": "unreachable"}
    if set(found.values()) != {"ok"}:
        return JsonResponse({"status": "unavailable", **found}, status=503)
    if life.is_silent(at=timezone.now()):
        return JsonResponse({"status": "degraded", **found, "worker": "silent"})
    return JsonResponse({"status": "ok", **found})


# What is there stays there while this process runs, and looking takes a while.
_migrated: Final = threading.Event()


def _is_migrated() -> bool:
    """Whether the database has every table that this version knows. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if not _migrated.is_set():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.set()
    return True


_PROBES: Final[dict[str, Callable[[HttpRequest], HttpResponse | None]]] = {
    "/healthz": live,
    "/readyz": ready,
    "/metrics": metrics,
}

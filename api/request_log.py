"""A line of JSON for each request to the API: who asked for what and from where, how it ended, how long it took."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from api import handlers
from api.common.auth import client_ip
from api.common.trace import trace_id_of
from kernel.actor import Actor

LOGGER: Final = "chancery.requests"
log = logging.getLogger(LOGGER)


class RequestLog:
    """Middleware, inside the one that gives the trace id; not there at all where `REQUEST_LOG` is not set.

    The keys: `timestamp` (of the answer), `method`, `path`, `status`, `response_time_ms`, `actor` (kind and number),
    `user` (his name), `organization`, `ip_address`, `trace_id`; null where nobody was recognized. Never a header, a
    body or a query: a secret could stand in each of them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.REQUEST_LOG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not handlers.answers(request.path):
            return self.get_response(request)
        started = time.perf_counter()
        response = self.get_response(request)
        log.info(json.dumps(_entry(request, response, time.perf_counter() - started)))
        return response


def _entry(request: HttpRequest, response: HttpResponse, seconds: float) -> dict[str, object]:
    actor = _actor(request)
    return {
        "timestamp": timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "response_time_ms": round(seconds * 1000, 1),
        "actor": actor and actor.pk,
        "user": actor and actor.label,
        "organization": actor and actor.organization_id,
        "ip_address": client_ip(request),
        "trace_id": trace_id_of(request),
    }


def _actor(request: HttpRequest) -> Actor | None:
    """Whom the view recognized: DRF hands its user on to the request that the middleware sees."""
    user = getattr(request, "user", None)
    # Not isinstance: the user of a page is lazy, and would be fetched only to be no actor.
    return user if type(user) is Actor else None

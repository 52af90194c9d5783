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
from api.common.request_notes import Note, noted, noted_problem
from api.common.trace import trace_id_of
from kernel.actor import Actor

LOGGER: Final = "chancery.requests"
_FIRST_FAILURE: Final = 400
log = logging.getLogger(LOGGER)


class RequestLog:
    """Middleware, inside the one that gives the trace id; not there at all where `REQUEST_LOG` is not set.

    The keys, where `REQUEST_LOG_FORMAT` is `plain`: `timestamp` (of the answer), `method`, `path`, `status`,
    `response_time_ms`, `actor` (kind and number), `user` (a name), `organization`, `ip_address`, `trace_id`; null
    where nobody was recognized. Where it is `certmate`, those of CertMate's audit log: `timestamp`, `operation`,
    `resource_type`, `resource_id`, `status` (`success` or `failure`), `user`, `ip_address`, `details`, `error`, and
    beside them `http_status` and the others. Never a header, a body or a query: a secret could stand in each of them.
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
        entry = _ENTRIES[settings.REQUEST_LOG_FORMAT]
        log.info(json.dumps(entry(request, response, time.perf_counter() - started)))
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


def _certmate_entry(request: HttpRequest, response: HttpResponse, seconds: float) -> dict[str, object]:
    plain = _entry(request, response, seconds)
    said = noted(request) or Note(operation=_action(request))
    problem = noted_problem(request)
    failed = response.status_code >= _FIRST_FAILURE
    return plain | {
        "operation": said.operation,
        "resource_type": said.resource_type,
        "resource_id": said.resource_id,
        "status": "failure" if failed else "success",
        "http_status": response.status_code,
        "details": dict(said.details),
        "error": str(problem.detail) if failed and problem else None,
    }


def _action(request: HttpRequest) -> str:
    """What our code calls it, where a dialect has no word for it."""
    method = str(request.method).lower()
    actions = getattr(request.resolver_match and request.resolver_match.func, "actions", {})
    return str(actions.get(method, method))


_ENTRIES: Final = {"plain": _entry, "certmate": _certmate_entry}


def _actor(request: HttpRequest) -> Actor | None:
    """Whom the view recognized: DRF hands its user on to the request that the middleware sees."""
    user = getattr(request, "user", None)
    # Not isinstance: the user of a page is lazy, and would be fetched only to be no actor.
    return user if type(user) is Actor else None

"""A number for each request: in its answer, in every line of the log about it, and in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from ulid import ULID

from kernel.trace import current_trace_id

HEADER: Final = "X-Trace-Id"


class TraceId:
    """Sets `request.trace_id` to a new ULID, and `X-Trace-Id` on the answer. What a client sends is not believed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        trace_id = str(ULID())
        request.trace_id = trace_id  # type: ignore[attr-defined]
        token = current_trace_id.set(trace_id)
        try:
            response = self.get_response(request)
        finally:
            current_trace_id.reset(token)
        response[HEADER] = trace_id
        return response


def trace_id_of(request: HttpRequest) -> str:
    """The request's trace id; empty where no middleware gave it one."""
    return getattr(request, "trace_id", "")

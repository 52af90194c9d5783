"""What goes wrong outside any view (an unknown path, a bad host, a broken middleware), in the dialect of the path."""

from __future__ import annotations

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from api.certman import dialect as certman
from api.common.dialect import log_cause
from api.common.problems import to_problem
from api.native import dialect as native

_STANDARD: dict[int, Exception] = {400: BadRequest(), 403: PermissionDenied(), 404: Http404(), 500: RuntimeError()}


def answers(path: str) -> bool:
    """Whether this path belongs to the API."""
    return path == "/api" or path.startswith("/api/") or _is_certman(path)


def answer(request: HttpRequest, status: int, exception: Exception | None = None) -> HttpResponse:
    """The problem that Django's handler of this status was called for."""
    problem = to_problem(exception or _STANDARD[status])
    if exception is not None:
        log_cause(request, problem)
    voice = certman if _is_certman(request.path) else native
    return voice.problem_response(request, problem)


def _is_certman(path: str) -> bool:
    return path == "/v1" or path.startswith("/v1/")

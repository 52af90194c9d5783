"""What goes wrong outside any view (an unknown path, a bad host, a broken middleware), in the dialect of the path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from api import v1
from api.certman import dialect as certman
from api.certmate import dialect as certmate
from api.common.dialect import log_cause
from api.common.problems import Problem, to_problem
from api.common.request_notes import note_problem
from api.native import dialect as native
from api.scaivault import dialect as scaivault

Voice = Callable[[HttpRequest, Problem], HttpResponse]

# Where each dialect speaks; of two that fit, the first does.
_VOICES: Final[tuple[tuple[str, Voice], ...]] = (
    ("/v1/pki", scaivault.problem_response),
    ("/v1", certman.problem_response),
    ("/api/v1", v1.problem_response),
    ("/api/v2", native.problem_response),
    ("/api", certmate.problem_response),
)
_STANDARD: Final[dict[int, Exception]] = {
    400: BadRequest(),
    403: PermissionDenied(),
    404: Http404(),
    500: RuntimeError(),
}


def answers(path: str) -> bool:
    """Whether this path belongs to the API."""
    return _voice(path) is not None


def answer(request: HttpRequest, status: int, exception: Exception | None = None) -> HttpResponse:
    """The problem that Django's handler of this status was called for."""
    problem = to_problem(exception or _STANDARD[status])
    note_problem(request, problem)
    if exception is not None:
        log_cause(request, problem)
    voice = _voice(request.path) or native.problem_response
    return voice(request, problem)


def _voice(path: str) -> Voice | None:
    return next((voice for place, voice in _VOICES if path == place or path.startswith(f"{place}/")), None)

"""What a view says of a request for the request log: which operation it is, on what, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from api.common.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was asked for, in the words of the dialect. No secret may stand in it."""

    operation: str
    resource_type: str | None = None
    resource_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def note(request: HttpRequest, said: Note) -> None:
    request.log_note = said  # type: ignore[attr-defined]


def noted(request: HttpRequest) -> Note | None:
    """What was noted last of this request."""
    return getattr(request, "log_note", None)


def note_problem(request: HttpRequest, problem: Problem) -> None:
    request.log_problem = problem  # type: ignore[attr-defined]


def noted_problem(request: HttpRequest) -> Problem | None:
    """Why the request failed, where a dialect has said so."""
    return getattr(request, "log_problem", None)

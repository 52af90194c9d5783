"""How what went wrong is sent, whatever the dialect says of it: JSON that nobody keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse

from api.common.auth import challenge
from api.common.problems import Family, Problem

ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def problem_answer(
    problem: Problem, body: Mapping[str, Any], *, status: int, content_type: str = "application/json"
) -> HttpResponse:
    """The body that a dialect has for a problem, with the headers that each of them sends: the challenge of a 401
    (RFC 9728 section 5.1), and the problem's own, such as `Retry-After` and `Allow`.
    """
    response = HttpResponse(ENCODER.encode(body), status=status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    if problem.family is Family.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = challenge(problem.code)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response

"""How the Certman API speaks: `{"error": "Human readable"}`, and few statuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from api.common.auth import challenge
from api.common.dialect import DialectViewSet
from api.common.problems import Family, Problem
from kernel.actor import Actor

# Its document knows 400, 401, 403, 404, 429 and 500; the others are HTTP's own.
STATUSES: Final[Mapping[Family, int]] = {
    Family.MALFORMED: 400,
    Family.INVALID: 400,
    Family.CONFLICT: 400,
    Family.UNAUTHENTICATED: 401,
    Family.UNLICENSED: 403,
    Family.DENIED: 403,
    Family.NOT_FOUND: 404,
    Family.GONE: 404,
    Family.METHOD_NOT_ALLOWED: 405,
    Family.NOT_ACCEPTABLE: 406,
    Family.LENGTH_REQUIRED: 411,
    Family.TOO_LARGE: 413,
    Family.UNSUPPORTED_MEDIA_TYPE: 415,
    Family.TOO_MANY: 429,
    Family.BROKEN: 500,
    Family.UNAVAILABLE: 503,
}
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in one sentence, in the language of the request; wrong fields are named in it."""
    said = [f"{error.field}: {error.message.render(gettext)}" for error in problem.errors if error.field]
    sentence = "; ".join(said) or problem.detail.render(gettext)
    status = STATUSES[problem.family]
    response = HttpResponse(_ENCODER.encode({"error": sentence}), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    if problem.family is Family.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = challenge(problem.code)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


class CertmanViewSet(DialectViewSet):
    """The base of its views."""

    statuses = STATUSES

    @property
    def actor(self) -> Actor:
        return cast(Actor, self.request.user)

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem)

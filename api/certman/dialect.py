"""How the Certman API speaks: `{"error": "Human readable"}`, and few statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from api.common.answers import problem_answer
from api.common.dialect import ForeignViewSet
from api.common.problems import Family, Problem

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
REPLAY_CONFLICT: Final = 409
_STATUS_OF_CODE: Final[Mapping[str, int]] = {
    # A passphrase that is missing is a parameter that is missing.
    "ca-locked": 400,
    # Here 400 would say that asking again is of no use.
    "idempotency-conflict": REPLAY_CONFLICT,
    "idempotency-in-progress": REPLAY_CONFLICT,
}
# What a field of an order is called here.
_FIELDS: Final[Mapping[str, str]] = {
    "csr": "csrPem",
    "key": "csrPem",
    "issuer": "caId",
    "filter": "search",
    "validity": "validityDays",
    "key_algorithm": "keyAlgorithm",
    "public_key": "keyAlgorithm",
    "path_length": "pathLength",
    "subject": "commonName",
    "subject.common_name": "commonName",
    "subject.organization": "organization",
    "subject.country": "country",
    "subject.state": "state",
    "subject.locality": "locality",
}


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in one sentence, in the language of the request; wrong fields are named in it."""
    said = [f"{error.field}: {error.message.render(gettext)}" for error in problem.errors if error.field]
    sentence = "; ".join(said) or problem.detail.render(gettext)
    status = _STATUS_OF_CODE.get(problem.code, STATUSES[problem.family])
    return problem_answer(problem, {"error": sentence}, status=status)


class CertmanViewSet(ForeignViewSet):
    """The base of its views."""

    statuses = STATUSES

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem)

    def field_name(self, field: str) -> str:
        return _FIELDS.get(field, field)

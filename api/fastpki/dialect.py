"""How the FastPKI API speaks: `{"detail": …}`, bare arrays, integer ids, and the statuses of its document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.common.answers import problem_answer
from api.common.dialect import ForeignViewSet
from api.common.errors import Malformed
from api.common.fields import INTEGER_IDS
from api.common.inputs import Input, Query
from api.common.problems import Family, Problem
from api.common.shapes import kept
from kernel.errors import FieldError, Invalid
from kernel.text import Text, _

# A body that has not the shape of the document is MALFORMED here, and the list of its faults is FastAPI's (422). What
# has the shape and is refused all the same, by a rule, is INVALID: 400 and a sentence.
STATUSES: Final[Mapping[Family, int]] = {
    Family.INVALID: 400,
    Family.UNAUTHENTICATED: 401,
    Family.UNLICENSED: 402,
    Family.DENIED: 403,
    Family.NOT_FOUND: 404,
    Family.GONE: 404,
    Family.METHOD_NOT_ALLOWED: 405,
    Family.NOT_ACCEPTABLE: 406,
    Family.CONFLICT: 409,
    Family.LENGTH_REQUIRED: 411,
    Family.TOO_LARGE: 413,
    Family.UNSUPPORTED_MEDIA_TYPE: 415,
    Family.MALFORMED: 422,
    Family.TOO_MANY: 429,
    Family.BROKEN: 500,
    Family.UNAVAILABLE: 503,
}
# Refusals that programs read: the detail is an object, of the code and these facts of the error.
_OBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "service-account-has-no-policy": (),
    "policy-violation": ("field", "value"),
    "csr-required-for-csr-origin-cert": ("message",),
    "csr-not-allowed-for-server-key-cert": ("message",),
}
# What is taken already is a bad request in its document, and no conflict.
_TAKEN: Final = frozenset({"user-exists", "organization-exists", "organization-in-use", "service-account-exists"})
_SENTENCES: Final[Mapping[str, str]] = {
    "unauthenticated": _("Not authenticated"),
    "invalid-token": _("Could not validate credentials"),
}
_TYPES: Final[Mapping[str, str]] = {
    "required": "missing",
    "unknown-field": "extra_forbidden",
    "unknown-value": "enum",
    "max-length": "string_too_long",
    "min-length": "string_too_short",
    "blank": "string_too_short",
    "max-value": "less_than_equal",
    "min-value": "greater_than_equal",
}
# Never sent back, not even to whoever has sent them.
_SECRET: Final = re.compile("password|token|secret|key|csr", re.IGNORECASE)
_LONGEST_ECHO: Final = 200


def problem_response(request: HttpRequest, problem: Problem, sent: Mapping[str, Any] | None = None) -> HttpResponse:
    """The problem in the language of the request; `sent` is what a wrong field is looked up in, to be shown again."""
    problem = _as_documented(problem)
    return problem_answer(problem, _body(problem, sent or {}), status=STATUSES[problem.family])


class FastPkiViewSet(ForeignViewSet):
    """The base of its views."""

    version = INTEGER_IDS
    statuses = STATUSES
    sent: Mapping[str, Any] = {}

    def read_query(self, shape: type[Query], request: Request) -> dict[str, Any]:
        """What the address says. Raises Malformed with every fault of its shape."""
        return self._read("query", shape, request.query_params)

    def read(self, shape: type[Input]) -> dict[str, Any]:
        """What the body says. Raises Malformed with every fault of its shape."""
        return self._read("body", shape, self.request.data)

    def show_all(self, shape: type[Serializer[Any]], rows: Iterable[object]) -> Response:
        """A list, which is a bare array here."""
        one = kept(shape, self.version)
        return Response([one.to_representation(row) for row in rows])

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem, self.sent)

    def _read(self, place: str, shape: type[Input], data: Any) -> dict[str, Any]:
        self.sent = {place: data}
        try:
            return shape.values(data, version=self.version)
        except Invalid as error:
            found = [replace(each, field=f"{place}.{each.field}" if each.field else place) for each in error.errors]
            raise Malformed(errors=found) from error


def _as_documented(problem: Problem) -> Problem:
    if problem.family is Family.CONFLICT and problem.code in _TAKEN:
        problem = replace(problem, family=Family.INVALID)
    if problem.code in _SENTENCES:
        problem = replace(problem, detail=Text(_SENTENCES[problem.code]))
    return problem


def _body(problem: Problem, sent: Mapping[str, Any]) -> dict[str, Any]:
    sentence = problem.detail.render(gettext)
    if problem.family is Family.TOO_MANY:
        return {"error": f"Rate limit exceeded: {sentence}"}
    if problem.code in _OBJECTS:
        facts = {"message": sentence} | dict(problem.detail.facts)
        members = {name: facts[name] for name in _OBJECTS[problem.code]}
        return {"detail": {"code": problem.code.replace("-", "_")} | members}
    if problem.family is Family.MALFORMED:
        return {"detail": [_fault(error, sent) for error in problem.errors] or [_unreadable(sentence)]}
    if len(problem.errors) > 1:
        sentence = "; ".join(f"{error.field}: {error.message.render(gettext)}" for error in problem.errors)
    return {"detail": sentence}


def _fault(error: FieldError, sent: Mapping[str, Any]) -> dict[str, Any]:
    place = [int(part) if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", error.field)]
    kind = _TYPES.get(error.code, error.code.replace("-", "_"))
    return {"type": kind, "loc": place, "msg": error.message.render(gettext), "input": _echo(place, sent)}


def _unreadable(sentence: str) -> dict[str, Any]:
    return {"type": "json_invalid", "loc": ["body"], "msg": sentence, "input": None}


def _echo(place: list[int | str], sent: Any) -> Any:
    """What was sent there, where it is short and no secret."""
    for part in place:
        if isinstance(part, str) and _SECRET.search(part):
            return None
        try:
            sent = sent[part]
        except (KeyError, IndexError, TypeError):
            return None
    is_plain = sent is None or isinstance(sent, bool | int | float | str)
    return sent if is_plain and len(str(sent)) <= _LONGEST_ECHO else None

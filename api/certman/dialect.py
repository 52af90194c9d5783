"""How the Certman API speaks: `{"error": "Human readable"}`, and few statuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.common.auth import challenge
from api.common.dialect import DialectViewSet
from api.common.inputs import Query
from api.common.problems import Family, Problem
from api.common.shapes import kept
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
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in one sentence, in the language of the request; wrong fields are named in it."""
    said = [f"{error.field}: {error.message.render(gettext)}" for error in problem.errors if error.field]
    sentence = "; ".join(said) or problem.detail.render(gettext)
    status = _STATUS_OF_CODE.get(problem.code, STATUSES[problem.family])
    response = HttpResponse(_ENCODER.encode({"error": sentence}), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    if problem.family is Family.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = challenge(problem.code)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


class CertmanViewSet(DialectViewSet):
    """The base of its views."""

    # Ids are UUIDs.
    version = "v2"
    # What the views are called in the document.
    title = ""
    # Nothing that is made tells its address.
    has_items = False
    statuses = STATUSES
    # Action -> the parameters that its address may have; none where it is not listed.
    queries: ClassVar[Mapping[str, type[Query]]] = {}

    @property
    def actor(self) -> Actor:
        return cast(Actor, self.request.user)

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        """The parameters that the address of an action may have."""
        return cls.queries.get(action, Query)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action is not None:
            self.parameters = self.query_of(self.action, self.version).values(
                request.query_params, version=self.version
            )

    def show(self, shape: type[Serializer[Any]], instance: object) -> Response:
        """The instance in an output shape."""
        return Response(kept(shape, self.version).to_representation(instance))

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem)

    def explain(self, problem: Problem) -> Problem:
        errors = tuple(replace(error, field=self.field_name(error.field)) for error in problem.errors)
        return replace(problem, errors=errors)

    def field_name(self, field: str) -> str:
        """What a field of an order is called in the body; a view whose bodies say it otherwise overrides it."""
        return _FIELDS.get(field, field)

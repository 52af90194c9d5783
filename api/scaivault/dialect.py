"""How the ScaiVault API speaks: `{"error": {…}}` with a code of its own, and lists with a cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.common.answers import problem_answer
from api.common.dialect import ForeignViewSet
from api.common.inputs import Query
from api.common.paging import PageQuery, read_page
from api.common.problems import Family, Problem
from api.common.shapes import kept
from api.common.trace import trace_id_of
from kernel.errors import FieldError

REQUEST_ID: Final = "X-Request-ID"
STATUSES: Final[Mapping[Family, int]] = {
    Family.MALFORMED: 400,
    Family.UNAUTHENTICATED: 401,
    Family.UNLICENSED: 402,
    Family.DENIED: 403,
    Family.NOT_FOUND: 404,
    Family.METHOD_NOT_ALLOWED: 405,
    Family.NOT_ACCEPTABLE: 406,
    Family.CONFLICT: 409,
    Family.GONE: 410,
    Family.LENGTH_REQUIRED: 411,
    Family.TOO_LARGE: 413,
    Family.UNSUPPORTED_MEDIA_TYPE: 415,
    Family.INVALID: 422,
    Family.TOO_MANY: 429,
    Family.BROKEN: 500,
    Family.UNAVAILABLE: 503,
}
# Words of its document for what is called otherwise everywhere else.
_CODES: Final[Mapping[str, str]] = {
    "permission-denied": "insufficient_scope",
    "validation-failed": "validation_error",
    "invalid-token": "unauthenticated",
}
# Where all that is wrong is this: a bad request (400) with a code of its own. By the field and what is wrong with it.
_BAD_REQUESTS: Final[Mapping[tuple[str, str], str]] = {
    ("cursor", "invalid"): "invalid_cursor",
    ("ttl", "invalid-duration"): "invalid_duration",
    ("max_ttl", "invalid-duration"): "invalid_duration",
    ("expiring_within", "invalid-duration"): "invalid_duration",
    ("ttl", "too-long"): "ttl_too_long",
}
# What a field of an order is called here.
_FIELDS: Final[Mapping[str, str]] = {
    "ca": "ca_id",
    "parent": "parent_ca_id",
    "validity": "ttl",
    "csr": "csr_pem",
    "sans": "san",
    "key_algorithm": "key_type",
    "key_algorithms": "key_type",
    "subject.common_name": "common_name",
    "public_key": "csr_pem",
    "certificate": "certificate_pem",
    "certificates": "certificate_pem",
    "private_key": "private_key_pem",
    "password": "private_key_pem",
    "chain": "chain_pem",
}


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem as `{"error": {"code", "message", "details", "request_id"}}`, in the language of the request."""
    status, code = _status_and_code(problem)
    errors = [
        {"field": error.field, "code": error.code.replace("-", "_"), "message": error.message.render(gettext)}
        for error in problem.errors
    ]
    body = {
        "error": {
            "code": code,
            "message": problem.detail.render(gettext),
            "details": {"errors": errors} if errors else {},
            "request_id": trace_id_of(request),
        }
    }
    response = problem_answer(problem, body, status=status)
    response.headers[REQUEST_ID] = trace_id_of(request)
    return response


class ScaiVaultViewSet(ForeignViewSet):
    """The base of its views."""

    statuses = STATUSES
    # What a field of an order is called in the bodies of this view, where that is not its name everywhere here.
    field_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        """The parameters that the address of an action may have; every list is read in pages."""
        return cls.queries.get(action, PageQuery if action == "list" else Query)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers[REQUEST_ID] = trace_id_of(request._request)
        return answer

    def page(self, shape: type[Serializer[Any]], rows: QuerySet[Any]) -> Response:
        """The page of a list that the address asks for. Raises Malformed (the cursor)."""
        found = read_page(rows, self.parameters, exactly=False)
        return self.listed(shape, found.rows, found.next_cursor)

    def listed(self, shape: type[Serializer[Any]], rows: Sequence[Any], cursor: str | None) -> Response:
        one = kept(shape, self.version)
        return Response({"data": [one.to_representation(row) for row in rows], "next_cursor": cursor})

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem)

    def field_name(self, field: str) -> str:
        if field in _FIELDS:
            return self.field_names.get(field, _FIELDS[field])
        head, bracket, rest = field.partition("[")
        return self.field_names.get(head, _FIELDS.get(head, head)) + bracket + rest


def _status_and_code(problem: Problem) -> tuple[int, str]:
    if code := _bad_request(problem.errors):
        return STATUSES[Family.MALFORMED], code
    return STATUSES[problem.family], _CODES.get(problem.code, problem.code.replace("-", "_"))


def _bad_request(errors: Sequence[FieldError]) -> str | None:
    codes = {_BAD_REQUESTS.get((error.field, error.code)) for error in errors}
    return codes.pop() if len(codes) == 1 else None

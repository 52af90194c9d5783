"""How the CertMate API speaks: `{"error", "code", "status"}`, and the statuses of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from rest_framework.request import Request

from api.common import throttles
from api.common.answers import problem_answer
from api.common.dialect import ForeignViewSet
from api.common.problems import Family, Problem
from api.common.request_notes import Note, note
from certificates.models import Certificate
from kernel.actor import Actor
from kernel.text import Text, _

VERSION: Final = "certmate"
# Its document knows 200, 201, 400, 401, 404, 429, 500 and 503; the others are HTTP's own.
STATUSES: Final[Mapping[Family, int]] = {
    Family.MALFORMED: 400,
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
    Family.TOO_MANY: 429,
    Family.BROKEN: 500,
    Family.UNAVAILABLE: 503,
}
# Codes that its clients know under another name.
_CODES: Final = {"unauthenticated": "AUTH_HEADER_MISSING"}
# What a field of an order is called here.
_FIELDS: Final[Mapping[str, str]] = {
    "public_key": "csr",
    "key": "csr",
    "sans": "email",
    "validity": "days_valid",
    "usage": "cert_usage",
    "description": "notes",
    "comment": "reason",
    "subject": "common_name",
}


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in one sentence, in the language of the request; wrong fields are named in it."""
    status = STATUSES[problem.family]
    body = {"error": sentence_of(problem), "code": code_of(problem), "status": status}
    if problem.family is Family.TOO_MANY:
        wait = int(problem.headers["Retry-After"])
        body |= {"error": gettext("Rate limit exceeded"), "message": body["error"], "retry_after": wait}
    return problem_answer(problem, body, status=status)


def code_of(problem: Problem) -> str:
    """The machine code, as `CERTIFICATE_NOT_FOUND`."""
    return _CODES.get(problem.code, problem.code.replace("-", "_").upper())


def sentence_of(problem: Problem) -> str:
    said = [f"{error.field}: {error.message.render(gettext)}" for error in problem.errors if error.field]
    return "; ".join(said) or problem.detail.render(gettext)


class CertMateViewSet(ForeignViewSet):
    """The base of its views."""

    version = VERSION
    statuses = STATUSES
    general_limit = throttles.CERTMATE_GENERAL
    # What the request log calls what the views are about, and the actions where that is another word.
    resource_type = "certificate"
    operations: ClassVar[Mapping[str, str]] = {}

    @property
    def asker(self) -> Actor | None:
        """Whoever asks for what is public; None: nobody who is known."""
        return cast(Actor | None, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        action = self.action or str(request.method).lower()
        about = next((str(value) for value in kwargs.values()), None)
        said = Note(operation=self.operations.get(action, action), resource_type=self.resource_type, resource_id=about)
        note(request._request, said)
        super().initial(request, *args, **kwargs)

    def note_certificate(self, row: Certificate) -> None:
        """What the request log says of the certificate that this is about."""
        self.note_details(row.identifier, row.common_name, row.usage)

    def note_details(self, resource_id: str | None, common_name: str, usage: str) -> None:
        said = Note(
            operation=self.operations.get(self.action, self.action),
            resource_type=self.resource_type,
            resource_id=resource_id,
            details={"common_name": common_name, "usage": usage},
        )
        note(self.request._request, said)

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem)

    def explain(self, problem: Problem) -> Problem:
        problem = super().explain(problem)
        if problem.code == "certificate-not-found" and (identifier := self.kwargs.get("identifier")):
            named = Text(_("Certificate not found: %(identifier)s"), {"identifier": identifier})
            return replace(problem, detail=named)
        return problem

    def field_name(self, field: str) -> str:
        return field_name(field)


def field_name(field: str) -> str:
    """What a field of an order is called here: `subject.organization` is `organization`, `sans[0]` is `email`."""
    head, _dot, rest = field.partition(".")
    if head == "subject" and rest:
        return rest
    return _FIELDS.get(head.partition("[")[0], field)

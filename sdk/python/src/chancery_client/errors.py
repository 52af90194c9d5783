"""What goes wrong, as exceptions. All of them are `ChanceryError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from chancery_client.models import AcmeOrderDetail, FieldError, RequestItem


class ChanceryError(Exception):
    """Anything that this package raises because a call did not come to its end."""


class ConnectionFailed(ChanceryError):
    """No answer came: no connection, a time-out, or a connection that broke off.

    `may_have_acted` says whether the request can have arrived nevertheless.
    """

    def __init__(self, message: str, *, may_have_acted: bool = False) -> None:
        super().__init__(message)
        self.may_have_acted = may_have_acted


@dataclass(frozen=True)
class Problem:
    """What a server says of a failure (RFC 9457), as far as it says it."""

    status: int
    type: str = "about:blank"
    title: str = ""
    detail: str = ""
    trace_id: Optional[str] = None
    errors: tuple[FieldError, ...] = ()
    # Seconds from the answer on.
    retry_after: Optional[float] = None

    @property
    def code(self) -> str:
        """The last part of the type: `template-not-found`."""
        return self.type.rstrip("/").rpartition("/")[2]

    def __str__(self) -> str:
        text = f"{self.status} {self.title}".rstrip()
        wrong = "; ".join(map(_field_text, self.errors))
        # Where one field is wrong, what is said of it is the whole detail.
        if self.detail and self.detail != self.title and self.detail not in wrong:
            text += f": {self.detail} ({wrong})" if wrong else f": {self.detail}"
        elif wrong:
            text += f": {wrong}"
        return f"{text} [trace {self.trace_id}]" if self.trace_id else text


class ApiError(ChanceryError):
    """The server answered, and refused or failed.

    `status`, `type`, `title`, `detail`, `trace_id`, `errors` and `retry_after` say what it said; `code` is the last
    part of `type`, which does not change with the language.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = problem.status
        self.type = problem.type
        self.code = problem.code
        self.title = problem.title
        self.detail = problem.detail
        self.trace_id = problem.trace_id
        self.errors = problem.errors
        self.retry_after = problem.retry_after

    def __str__(self) -> str:
        return str(self.problem)


class BadRequest(ApiError):
    """400: the request makes no sense."""


class AuthenticationFailed(ApiError):
    """401: there is no good credential; or tokens that cannot be renewed."""


class NotLicensed(ApiError):
    """402: the licence does not cover it."""


class PermissionDenied(ApiError):
    """403: not allowed."""


class NotFound(ApiError):
    """404: not there, or not yours."""


class Conflict(ApiError):
    """409: it contradicts what is there."""


class ValidationFailed(ApiError):
    """422: fields or parameters are wrong; `errors` names each."""


class RateLimited(ApiError):
    """429: too often, also after waiting."""


class ServerError(ApiError):
    """5xx: the server, or something in front of it, failed."""


class UnexpectedAnswer(ApiError):
    """An answer that does not have the documented form, such as the page of a proxy."""


class AnswerTooLong(UnexpectedAnswer):
    """A success, or a line of one, that is longer than `LONGEST_ANSWER`: it was not read to its end."""


class NotYetIssued(ChanceryError):
    """What was asked for waits, for an approval or for a public CA; it was filed, and nothing has failed.

    `filed` is what is to be followed, a request or an ACME order, and `location` its address.
    """

    def __init__(self, filed: Union[RequestItem, AcmeOrderDetail], location: Optional[str] = None) -> None:
        super().__init__(filed, location)
        self.filed = filed
        self.location = location

    @property
    def request(self) -> Optional[RequestItem]:
        """The request that was filed, if it was one: see `client.requests`."""
        return self.filed if isinstance(self.filed, RequestItem) else None

    @property
    def order(self) -> Optional[AcmeOrderDetail]:
        """The order that was filed, if it was one: see `client.acme_orders`."""
        return self.filed if isinstance(self.filed, AcmeOrderDetail) else None

    def __str__(self) -> str:
        kind = "a request" if self.order is None else "an ACME order"
        return f"Not issued yet: {kind} was filed ({self.filed.id}, {self.filed.status})"


# Bytes that are held in memory of one answer, or of one line of a streamed one. No server of ours comes near.
LONGEST_ANSWER = 64 * 1024 * 1024


def too_long(status: int, trace_id: Optional[str] = None) -> AnswerTooLong:
    """The error for an answer that does not end in time."""
    detail = f"It is longer than {LONGEST_ANSWER // 1024 // 1024} MiB, and was not read to its end."
    return AnswerTooLong(Problem(status, title="The answer is too long", detail=detail, trace_id=trace_id))


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: AuthenticationFailed,
    402: NotLicensed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    422: ValidationFailed,
    429: RateLimited,
}


def api_error(problem: Problem) -> ApiError:
    """The exception for a problem, by its status."""
    if problem.status >= 500:
        return ServerError(problem)
    return _BY_STATUS.get(problem.status, ApiError)(problem)


def read_problem(status: int, document: Any, *, reason: str, trace_id: Optional[str], wait: Optional[float]) -> Problem:
    """What an answer says of a failure; `document` is its JSON, or anything else where it had none."""
    if not isinstance(document, Mapping):
        document = {}
    return Problem(
        status=status,
        type=_text(document.get("type")) or "about:blank",
        title=_text(document.get("title")) or reason,
        # The endpoints of OAuth have a form of their own (RFC 6749 section 5.2).
        detail=_text(document.get("detail")) or _text(document.get("error_description")),
        trace_id=_text(document.get("trace_id")) or trace_id,
        errors=tuple(_field_errors(document.get("errors"))),
        retry_after=wait,
    )


def _field_errors(found: Any) -> list[FieldError]:
    if not isinstance(found, list):
        return []
    return [
        FieldError(_text(each.get("field")), _text(each.get("code")), _text(each.get("detail")))
        for each in found
        if isinstance(each, Mapping)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _field_text(error: FieldError) -> str:
    return f"{error.field}: {error.detail or error.code}"

"""Any exception as a problem: its family, its code, and what may be said of it. Dialects add status and body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any, Final

from django.core import exceptions as django
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf

from api.common.errors import InProgress, LengthRequired, Malformed, TooLarge
from kernel import errors
from kernel.errors import FieldError
from kernel.text import Text, _


class Family(StrEnum):
    """Kinds of failure; each dialect has a status for every one of them."""

    MALFORMED = auto()
    UNAUTHENTICATED = auto()
    UNLICENSED = auto()
    DENIED = auto()
    NOT_FOUND = auto()
    METHOD_NOT_ALLOWED = auto()
    NOT_ACCEPTABLE = auto()
    CONFLICT = auto()
    GONE = auto()
    LENGTH_REQUIRED = auto()
    TOO_LARGE = auto()
    UNSUPPORTED_MEDIA_TYPE = auto()
    INVALID = auto()
    TOO_MANY = auto()
    BROKEN = auto()
    UNAVAILABLE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, for the client. `cause` is for the log, where the client learns nothing of it."""

    family: Family
    code: str
    detail: Text
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    cause: Exception | None = None


# The more special classes first.
_DOMAIN: Final[tuple[tuple[type[errors.DomainError], Family], ...]] = (
    (Malformed, Family.MALFORMED),
    (TooLarge, Family.TOO_LARGE),
    (LengthRequired, Family.LENGTH_REQUIRED),
    (errors.Unauthenticated, Family.UNAUTHENTICATED),
    (errors.NotFound, Family.NOT_FOUND),
    (errors.Denied, Family.DENIED),
    (errors.Invalid, Family.INVALID),
    (errors.Conflict, Family.CONFLICT),
    (errors.Gone, Family.GONE),
    (errors.Unlicensed, Family.UNLICENSED),
    (errors.TooMany, Family.TOO_MANY),
    (errors.Unavailable, Family.UNAVAILABLE),
)
_NOT_ACCEPTABLE: Final = Text(_("The input is not acceptable."))

_FOREIGN: Final[tuple[tuple[type[Exception], Family, str, str], ...]] = (
    (drf.NotAuthenticated, Family.UNAUTHENTICATED, "unauthenticated", _("This needs a credential.")),
    (drf.AuthenticationFailed, Family.UNAUTHENTICATED, "invalid-token", _("The credential is not valid.")),
    (drf.PermissionDenied, Family.DENIED, "permission-denied", _("You may not do this.")),
    (drf.NotFound, Family.NOT_FOUND, "not-found", _("There is nothing at this address.")),
    (drf.ParseError, Family.MALFORMED, "malformed-request", _("The body cannot be read.")),
    (
        drf.NotAcceptable,
        Family.NOT_ACCEPTABLE,
        "not-acceptable",
        _("The answer is JSON; the Accept header refuses it."),
    ),
    (django.RequestDataTooBig, Family.TOO_LARGE, "body-too-large", _("The body is too long.")),
    (django.SuspiciousOperation, Family.MALFORMED, "malformed-request", _("The request makes no sense.")),
    (django.BadRequest, Family.MALFORMED, "malformed-request", _("The request makes no sense.")),
    (UnreadablePostError, Family.MALFORMED, "malformed-request", _("The body ended too early.")),
    (django.PermissionDenied, Family.DENIED, "permission-denied", _("You may not do this.")),
    (Http404, Family.NOT_FOUND, "not-found", _("There is nothing at this address.")),
)


def to_problem(exc: Exception) -> Problem:
    """The problem that an exception is. One that nobody expected says nothing to the client but that it happened."""
    if isinstance(exc, errors.DomainError):
        return _of_domain(exc)
    if isinstance(exc, drf.MethodNotAllowed):
        detail = Text(_("This address does not take that method."))
        return Problem(family=Family.METHOD_NOT_ALLOWED, code="method-not-allowed", detail=detail)
    if isinstance(exc, drf.UnsupportedMediaType):
        detail = Text(_("The body must be application/json in UTF-8, without a Content-Encoding."))
        return Problem(family=Family.UNSUPPORTED_MEDIA_TYPE, code="unsupported-media-type", detail=detail)
    if isinstance(exc, drf.Throttled):
        headers = {"Retry-After": str(int(getattr(exc, "wait", None) or 1))}
        detail = Text(_("Too many requests."))
        return Problem(family=Family.TOO_MANY, code="rate-limited", detail=detail, headers=headers)
    if isinstance(exc, drf.ValidationError):
        wrong = tuple(field_errors(exc.detail))
        return Problem(
            family=Family.INVALID, code=errors.Invalid.code, detail=_sentence(wrong, _NOT_ACCEPTABLE), errors=wrong
        )
    for kind, family, code, sentence in _FOREIGN:
        if isinstance(exc, kind):
            return Problem(family=family, code=code, detail=Text(sentence))
    if isinstance(exc, OperationalError | InterfaceError):
        detail = Text(_("The database does not answer. Try again in a moment."))
        headers = {"Retry-After": "5"}
        return Problem(family=Family.UNAVAILABLE, code="unavailable", detail=detail, headers=headers, cause=exc)
    detail = Text(_("Something broke on our side. The trace id says where to look in the log."))
    return Problem(family=Family.BROKEN, code="internal-error", detail=detail, cause=exc)


def _of_domain(exc: errors.DomainError) -> Problem:
    family = next((family for kind, family in _DOMAIN if isinstance(exc, kind)), Family.BROKEN)
    wrong = exc.errors if isinstance(exc, errors.Invalid) else ()
    headers = {"Retry-After": str(exc.retry_after)} if isinstance(exc, errors.TooMany | InProgress) else {}
    detail = _sentence(wrong, exc.message)
    return Problem(family=family, code=exc.error_code, detail=detail, errors=wrong, headers=headers)


def _sentence(wrong: tuple[FieldError, ...], otherwise: Text) -> Text:
    """What is said of one field is the sentence of the whole."""
    return wrong[0].message if len(wrong) == 1 else otherwise


def field_errors(detail: Any, path: str = "") -> list[FieldError]:
    """The violations in the nested detail of a DRF ValidationError, each with the path of its field: `a.b[2].c`."""
    if isinstance(detail, Mapping):
        return [error for key, value in detail.items() for error in field_errors(value, _below(path, key))]
    if isinstance(detail, list):
        return [error for value in detail for error in field_errors(value, path)]
    code = str(getattr(detail, "code", "invalid")).replace("_", "-")
    return [FieldError(path, code, Text(str(detail)))]


def _below(path: str, key: object) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if key == "non_field_errors":
        return path
    return f"{path}.{key}" if path else str(key)

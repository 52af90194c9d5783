"""One family of domain errors.

A failure is an exception of one of these families, with a machine code and named facts. What it
becomes on the wire (status, body, language) is decided at the edge, by family, never by its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from kernel.text import Text, _


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: its name, a machine code, and a sentence for people."""

    field: str
    code: str
    message: Text


def field_error(field: str, code: str, template: str, /, **facts: object) -> FieldError:
    return FieldError(field, code, Text(template, facts))


class DomainError(Exception):
    """Something that was asked for cannot be done, and the asker may know why.

    `template` is an English sentence with %-named places (marked by `kernel.text._`), `facts` fill them.
    """

    code: ClassVar[str] = "error"

    def __init__(self, template: str, /, *, code: str | None = None, **facts: object) -> None:
        self.message = Text(template, facts)
        self.error_code = code or self.code
        super().__init__(template)

    @property
    def facts(self) -> dict[str, object]:
        return dict(self.message.facts)

    def __str__(self) -> str:
        return str(self.message)


class Unauthenticated(DomainError):
    """No credential, or one that is not (or no longer) good."""

    code = "unauthenticated"


class NotFound(DomainError):
    """It does not exist, or the actor may not know that it does: the two are never told apart."""

    code = "not-found"


class Denied(DomainError):
    """The actor is known and may not do this."""

    code = "permission-denied"


class Invalid(DomainError):
    """The input was understood and is not acceptable; `errors` lists every reason at once."""

    code = "validation-failed"

    def __init__(
        self,
        template: str = _("The input is not acceptable."),
        /,
        *,
        errors: Iterable[FieldError] = (),
        code: str | None = None,
        **facts: object,
    ) -> None:
        super().__init__(template, code=code, **facts)
        self.errors = tuple(errors)

    @classmethod
    def of(cls, field: str, code: str, template: str, /, **facts: object) -> Self:
        """One wrong field; the sentence about it is the sentence of the whole."""
        return cls(template, errors=[field_error(field, code, template, **facts)], code=None, **facts)

    def __str__(self) -> str:
        return "; ".join(f"{e.field}: {e.message}" for e in self.errors) or str(self.message)


class Conflict(DomainError):
    """It contradicts what is already there."""

    code = "conflict"


class Gone(DomainError):
    """It was there once and is not any more."""

    code = "gone"


class Unlicensed(DomainError):
    """The organization's licence does not cover this feature."""

    code = "not-licensed"


class TooMany(DomainError):
    """A limit was reached; `retry_after` seconds from now it may be asked again."""

    code = "rate-limited"

    def __init__(self, template: str, /, *, retry_after: int, code: str | None = None, **facts: object) -> None:
        super().__init__(template, code=code, **facts)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """It cannot be done now (a locked CA, a missing server), though nothing is wrong with the question."""

    code = "unavailable"

"""What can be wrong with a request before the domain hears of it."""

from __future__ import annotations

from typing import Final

from kernel.errors import Conflict, DomainError, Invalid


class Malformed(Invalid):
    """The request itself cannot be understood."""

    code = "malformed-request"


class TooLarge(DomainError):
    """The body is longer than anything that this path could need."""

    code = "body-too-large"


class LengthRequired(DomainError):
    """The body comes without its length (RFC 9110 section 15.5.12)."""

    code = "length-required"


class InProgress(Conflict):
    """The same request, under the same `Idempotency-Key`, is still running."""

    code = "idempotency-in-progress"
    retry_after: Final = 1

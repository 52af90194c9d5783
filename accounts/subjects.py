"""What a provider calls somebody: the `sub` of its tokens (OpenID Connect Core 2)."""

from __future__ import annotations

from typing import Final, TypeGuard

from kernel.errors import FieldError
from kernel.limits import text_errors

_LONGEST: Final = 255


def subject_errors(subject: str) -> list[FieldError]:
    return text_errors("subject", subject, longest=_LONGEST, required=True)


def is_subject(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and not subject_errors(value)

"""What a rule has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from notices.models import Notice

Level = Notice.Level

_LONGEST_LABEL: Final = 254
_URGENT: Final = timedelta(days=1)
_SOON: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something to tell of. `occasion` is the same as long as it is the same thing: a rule tells each once.

    `owner`: the e-mail address of whoever answers for it; empty where nobody does.
    """

    kind: str
    object_id: UUID | None
    label: str
    occasion: str
    level: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    threshold: int | None = None
    owner: str = ""


def label_of(*candidates: str) -> str:
    """The first of these that says something, on one line, and nothing in it that is not seen."""
    text = next((each for each in candidates if each and each.strip()), "—")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_LONGEST_LABEL] or "—"


def level_before(left: timedelta) -> str:
    """How urgent it is that something ends in so long."""
    if left <= _URGENT:
        return Level.CRITICAL
    return Level.WARNING if left <= _SOON else Level.INFO

"""How a CRL stands: the one rule by which the overview and the list of authorities call it good or overdue."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# A publisher comes by every few seconds; what is due for longer than this is stuck.
DUE_FOR_TOO_LONG: Final = timedelta(minutes=5)


class CrlStanding(StrEnum):
    """The worst first."""

    MISSING = "missing"
    EXPIRED = "expired"
    LATE = "late"
    FRESH = "fresh"

    @classmethod
    def of(cls, ends_at: datetime | None, due_at: datetime | None, *, at: datetime) -> CrlStanding:
        """`ends_at` of the newest list, None where none was published; `due_at`: when the next one is to be signed."""
        if ends_at is None:
            return cls.MISSING
        if ends_at <= at:
            return cls.EXPIRED
        return cls.LATE if due_at is not None and due_at + DUE_FOR_TOO_LONG < at else cls.FRESH

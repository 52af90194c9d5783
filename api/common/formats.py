"""Serials, times and durations as the wire spells them, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_SECOND: Final = timedelta(seconds=1)
DURATION_PATTERN: Final = r"^[0-9]{1,9}[smhdw]$"
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def serial_text(serial: str) -> str:
    """`3F:A1:B2:C3`: whole octets in upper-case hex, from the lower-case hex that is stored."""
    padded = serial.upper().rjust(len(serial) + len(serial) % 2, "0")
    return ":".join(padded[index : index + 2] for index in range(0, len(padded), 2))


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second: `2026-01-15T08:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> datetime:
    """A moment from RFC 3339 text with a zone. Raises ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError("not an RFC 3339 time with a zone")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no such moment") from error


def duration_text(length: timedelta) -> str:
    """`90d`, `36h`, `15m`, `10s`: in the largest unit (of days, hours, minutes, seconds) that leaves no rest."""
    for unit in ("d", "h", "m"):
        if length and not length % _UNITS[unit]:
            return f"{length // _UNITS[unit]}{unit}"
    return f"{length // _SECOND}s"


def read_duration(text: str) -> timedelta:
    """A length of time such as `90d` or `8h`; units are s, m, h, d, w. Raises ValueError."""
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError("not a duration")
    try:
        return int(text[:-1]) * _UNITS.get(text[-1], _SECOND)
    except OverflowError as error:
        raise ValueError("too long") from error

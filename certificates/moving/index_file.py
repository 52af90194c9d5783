"""The database of `openssl ca`: `index.txt`, as its manual page describes it and every version writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.x509 import ReasonFlags

from cas.core.foreign_crl import ListedRevocation
from cas.core.reasons import parse_reason
from kernel.errors import Invalid
from kernel.text import _

_STATES: Final = frozenset("VRE")
_COLUMNS: Final = 6
_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,64}")
_TIMES: Final = {13: "%y%m%d%H%M%SZ", 15: "%Y%m%d%H%M%SZ"}
# Reasons that carry something with them: an instruction for a hold, or since when a key is lost.
_HOLD: Final = "holdInstruction"
_LOST_KEYS: Final = {"keyTime": ReasonFlags.key_compromise, "CAkeyTime": ReasonFlags.ca_compromise}


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One line: a certificate, when it ends, and how it was revoked. `file` is empty where no name is told."""

    serial: int
    ends: datetime
    revocation: ListedRevocation | None
    file: str


def read_index(text: str) -> list[IndexEntry]:
    """Every line. Raises Invalid on `index` for the first that cannot be read, and for a serial number that is there
    twice.
    """
    entries: dict[int, IndexEntry] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = _read_line(line)
        except (ValueError, Invalid) as error:
            sentence = _("line %(number)s of the index cannot be read")
            raise Invalid.of("index", "unreadable-index", sentence, number=number) from error
        if entry.serial in entries:
            sentence = _("the serial number in line %(number)s of the index has been there before")
            raise Invalid.of("index", "repeated", sentence, number=number)
        entries[entry.serial] = entry
    return list(entries.values())


def _read_line(line: str) -> IndexEntry:
    columns = line.split("\t")
    if len(columns) != _COLUMNS or columns[0] not in _STATES or not _SERIAL.fullmatch(columns[3]):
        raise ValueError(line)
    state, ends, revoked, serial, file, _subject = columns
    number = int(serial, 16)
    if (state == "R") is not bool(revoked):
        raise ValueError(line)
    revocation = _revocation(number, revoked) if revoked else None
    return IndexEntry(number, _time(ends), revocation, "" if file == "unknown" else file)


def _revocation(serial: int, text: str) -> ListedRevocation:
    """`date`, `date,reason` or `date,reason,more`."""
    moment, _comma, rest = text.partition(",")
    reason, _comma, more = rest.partition(",")
    if reason in _LOST_KEYS:
        return ListedRevocation(serial, _time(moment), _LOST_KEYS[reason], _time(more))
    if reason == _HOLD:
        return ListedRevocation(serial, _time(moment), ReasonFlags.certificate_hold, None)
    known = parse_reason(reason) if reason else ReasonFlags.unspecified
    return ListedRevocation(serial, _time(moment), known, None)


def _time(text: str) -> datetime:
    """UTCTime or GeneralizedTime, as they are written in certificates; years from 50 on were in the last century."""
    if len(text) not in _TIMES:
        raise ValueError(text)
    moment = datetime.strptime(text, _TIMES[len(text)]).replace(tzinfo=UTC)
    # RFC 5280 4.1.2.5.1 draws the line at 1950, strptime at 1969.
    return moment.replace(year=moment.year - 100) if len(text) == 13 and moment.year >= 2050 else moment

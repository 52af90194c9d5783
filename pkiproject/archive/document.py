"""What stands in an archive, line by line, and what it says of itself.

{"format": 1, "made_at": …, "schema": […], "master_key": …, …}     first
{"table": "cas.Role", "columns": […]}                               a table begins
[…]                                                                 its rows
{"end": "cas.Role", "rows": 12, "sha256": …, "last_number": 14}     it ends
{"manifest": {"cas.Role": {"rows": …, "sha256": …, …}, …}}          last
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from kernel.secret import Secret
from pkiproject.archive.tables import carried

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class TableFacts:
    """How many rows, the SHA-256 of their lines, and the highest number that the table has given out."""

    rows: int
    sha256: str
    last_number: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """The first line. `master_key` is the fingerprint of the key that the content is sealed under."""

    made_at: str
    schema: tuple[str, ...]
    master_key: str
    database: str


class Digest:
    """Lines on their way through, counted and hashed."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines, self._hash, self.rows = lines, hashlib.sha256(), 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self._hash.update(line)
            self.rows += 1
            yield line

    def facts(self, last_number: int) -> TableFacts:
        return TableFacts(self.rows, self._hash.hexdigest(), last_number)


def schema() -> tuple[str, ...]:
    """The migrations of ours that this database has."""
    rooms = {model._meta.app_label for model in carried()} | {"api"}
    applied = MigrationLoader(connection).applied_migrations
    return tuple(sorted(f"{room}.{name}" for room, name in applied if room in rooms))


def line(**content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def first_line(about: About, master_key: Secret | None) -> bytes:
    """`master_key` itself is in it only where it is asked for."""
    carried_key = None if master_key is None else master_key.reveal().hex()
    return line(format=FORMAT, **asdict(about), master_key_itself=carried_key)


def read_first_line(content: dict[str, Any]) -> tuple[About, Secret | None]:
    """Raises ValueError, KeyError or TypeError for what is none of ours."""
    if content["format"] != FORMAT:
        raise ValueError("format")
    about = About(content["made_at"], tuple(content["schema"]), content["master_key"], content["database"])
    key = content["master_key_itself"]
    return about, None if key is None else Secret(bytes.fromhex(key))

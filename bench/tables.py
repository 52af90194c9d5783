"""Rows as the database itself has them: read as they are, and written again in masses (COPY, or executemany)."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.color import no_style
from django.db import connection
from django.db.models import Max, Model


def row_of(model: type[Model], **where: object) -> dict[str, Any]:
    """The columns of the one row that has this in one column."""
    ((column, value),) = where.items()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table} WHERE {column} = %s", [value])  # noqa: S608
        rows = cursor.fetchall()
        if len(rows) != 1:
            raise LookupError(f"{model._meta.db_table} has {len(rows)} rows where {column} is {value}")
        return dict(zip([each[0] for each in cursor.description], rows[0], strict=True))


class Rows:
    """Rows like a prototype, collected and written at once. Ids that are not given follow the last one."""

    def __init__(self, model: type[Model], prototype: dict[str, Any]) -> None:
        self._model, self._columns = model, list(prototype)
        self._place = {column: place for place, column in enumerate(prototype)}
        self._adapt = _as_sqlite_has_it if connection.vendor == "sqlite" else _as_it_is
        self._prototype = [self._adapt(value) for value in prototype.values()]
        self._next_id = (model._default_manager.aggregate(last=Max("pk"))["last"] or 0) + 1
        self._rows: list[list[Any]] = []

    def add(self, **changes: Any) -> None:
        row = self._prototype.copy()
        if "id" in self._place:
            row[self._place["id"]] = self._next_id + len(self._rows)
        for column, value in changes.items():
            row[self._place[column]] = self._adapt(value)
        self._rows.append(row)

    def write(self) -> None:
        table, names = self._model._meta.db_table, ", ".join(self._columns)
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                marks = ", ".join("?" * len(self._columns))
                cursor.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", self._rows)  # noqa: S608
                return
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in self._rows:
                    copy.write_row(row)
            for statement in connection.ops.sequence_reset_sql(no_style(), [self._model]):
                cursor.execute(statement)


@contextlib.contextmanager
def filling() -> Iterator[None]:
    """Without what guards rows that come one by one: foreign keys and the disk's promise."""
    during, afterwards = {
        "postgresql": (
            ["SET session_replication_role = replica", "SET synchronous_commit = off"],
            ["RESET session_replication_role", "RESET synchronous_commit"],
        ),
        "sqlite": (
            ["PRAGMA foreign_keys = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000"],
            ["PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL", "PRAGMA wal_checkpoint(TRUNCATE)"],
        ),
    }[connection.vendor]
    _execute(during)
    try:
        yield
    finally:
        _execute(afterwards)


def _execute(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _as_it_is(value: Any) -> Any:
    return value


def _as_sqlite_has_it(value: Any) -> Any:
    """UUIDs as hex, times as text in UTC, as Django writes them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return value.hex if isinstance(value, uuid.UUID) else value

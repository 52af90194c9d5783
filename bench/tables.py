"""Rows as the database itself has them: read as they are, and written again in masses (COPY, or executemany)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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
        self._model, self._prototype = model, prototype
        self._next_id = (model._default_manager.aggregate(last=Max("pk"))["last"] or 0) + 1
        self._rows: list[dict[str, Any]] = []

    def add(self, **changes: Any) -> None:
        if "id" in self._prototype:
            changes.setdefault("id", self._next_id + len(self._rows))
        self._rows.append(changes)

    def write(self) -> None:
        if not self._rows:
            return
        columns = list(self._prototype)
        rows = [[row.get(column, self._prototype[column]) for column in columns] for row in self._rows]
        names = ", ".join(columns)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {self._model._meta.db_table} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                for statement in connection.ops.sequence_reset_sql(no_style(), [self._model]):
                    cursor.execute(statement)
            else:
                marks = ", ".join("?" * len(columns))
                insert = f"INSERT INTO {self._model._meta.db_table} ({names}) VALUES ({marks})"  # noqa: S608
                cursor.connection.executemany(insert, [[_plain(value) for value in row] for row in rows])


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


def _plain(value: Any) -> Any:
    """As Django's SQLite columns have it: UUIDs as hex, times as text in UTC."""
    if hasattr(value, "hex") and hasattr(value, "int"):
        return value.hex
    if hasattr(value, "tzinfo"):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    return value

"""INSERT, compiled once for each model.

The ORM compiles every INSERT anew, field by field, and takes longer for it than the database does to write the row:
where certificates are issued, that is most of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models


@dataclass(frozen=True, slots=True)
class _Insertion:
    fields: tuple[models.Field[Any, Any], ...]
    head: str
    places: str
    makes_key: bool


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, in as few statements as the database allows, and give them the keys that it makes.

    What `bulk_create` does: no signals, no checks but the database's. Raises IntegrityError.
    """
    if not rows:
        return
    insertion = _insertion(type(rows[0]))
    size = connection.ops.bulk_batch_size(list(insertion.fields), list(rows))
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            _insert(cursor, insertion, rows[start : start + size])


def _insert(cursor: Any, insertion: _Insertion, rows: Sequence[models.Model]) -> None:
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in rows for field in insertion.fields
    ]
    sql = insertion.head + ", ".join([insertion.places] * len(rows))
    cursor.execute(sql + " RETURNING id" if insertion.makes_key else sql, values)
    if insertion.makes_key:
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


@cache
def _insertion(model: type[models.Model]) -> _Insertion:
    makes_key = isinstance(model._meta.pk, models.AutoField)
    fields = tuple(field for field in model._meta.concrete_fields if not (makes_key and field.primary_key))
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return _Insertion(
        fields=fields,
        head=f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ',  # noqa: S608
        places=f"({', '.join(['%s'] * len(fields))})",
        makes_key=makes_key,
    )

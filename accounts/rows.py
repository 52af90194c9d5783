"""INSERT and SELECT, compiled once for each model: for the few places where the time of the ORM is most of the time.

The ORM compiles every statement anew, field by field, and takes several times as long for it as the database does to
answer. Issuing reads and writes a dozen rows for each certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.transaction import get_connection
from psycopg import RawCursor

M = TypeVar("M", bound=models.Model)

_Convert = Callable[[Any], Any]
_Read = Callable[[models.Model, BaseDatabaseWrapper], Any]

# Of a statement with more values than these psycopg finds the places anew each time it is executed.
_MOST_PLACES_REMEMBERED: Final = 50
# Where what stands in the row is what every database takes; of other fields Django makes it.
_TAKEN_AS_IT_IS: Final = frozenset(
    {
        *("CharField", "TextField", "SlugField", "URLField", "BooleanField", "BigAutoField"),
        *("IntegerField", "BigIntegerField", "PositiveSmallIntegerField", "PositiveIntegerField"),
    }
)


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, in as few statements as the database allows, and give them the keys that it makes.

    What `bulk_create` does: no signals, no checks but the database's. Raises IntegrityError.
    """
    if not rows:
        return
    insertion = _insertion(type(rows[0]))
    database = get_connection()
    size = database.ops.bulk_batch_size(list(insertion.fields), list(rows))
    for start in range(0, len(rows), size):
        _insert(database, insertion, rows[start : start + size])


def select(model: type[M], rest: str, parameters: Sequence[Any]) -> list[M]:
    """Rows of one model, by what follows `SELECT … FROM table`: joins, conditions, an order, a lock.

    What `raw` does, and nothing is deferred.
    """
    return [row for (row,) in select_together([model], rest, parameters)]


def select_together(
    tables: Sequence[type[models.Model]], rest: str, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """The same for rows that belong together: `rest` joins the other tables to the first one.

    None stands for a row that a LEFT JOIN did not find.
    """
    database = get_connection()
    selections = [_selection(model, database.vendor) for model in tables]
    columns = ", ".join(selection.columns for selection in selections)
    with database.cursor() as cursor:
        cursor.execute(f'SELECT {columns} FROM "{tables[0]._meta.db_table}" {rest}', parameters)  # noqa: S608
        found = cursor.fetchall()
    return [tuple(_instances(selections, values)) for values in found]


@dataclass(frozen=True, slots=True)
class _Insertion:
    fields: tuple[models.Field[Any, Any], ...]
    values: tuple[_Read, ...]
    head: str
    tail: str

    def statement(self, rows: int) -> str:
        """With places as Django's cursors have them."""
        return self.head + ", ".join([f"({', '.join(['%s'] * len(self.fields))})"] * rows) + self.tail

    def numbered_statement(self, rows: int) -> str:
        """With places as PostgreSQL has them."""
        return self.head + _numbered_places(len(self.fields), rows) + self.tail


@dataclass(frozen=True, slots=True)
class _Selection:
    model: type[models.Model]
    names: tuple[str, ...]
    columns: str
    key_place: int
    conversions: tuple[tuple[int, _Convert], ...]

    def instance(self, values: list[Any]) -> models.Model | None:
        if values[self.key_place] is None:
            return None
        for place, convert in self.conversions:
            values[place] = convert(values[place])
        # As Django restores a row that was pickled: its own way in takes longer than the query.
        row = self.model.__new__(self.model)
        row.__dict__.update(zip(self.names, values, strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return row


def _instances(selections: Sequence[_Selection], values: Sequence[Any]) -> Iterator[models.Model | None]:
    start = 0
    for selection in selections:
        end = start + len(selection.names)
        yield selection.instance(list(values[start:end]))
        start = end


def _insert(database: BaseDatabaseWrapper, insertion: _Insertion, rows: Sequence[models.Model]) -> None:
    values = [value_of(row, database) for row in rows for value_of in insertion.values]
    if database.vendor == "postgresql" and len(values) > _MOST_PLACES_REMEMBERED:
        with database.wrap_database_errors, RawCursor(database.connection) as raw:
            keys = raw.execute(insertion.numbered_statement(len(rows)).encode(), values).fetchall()
    else:
        with database.cursor() as cursor:
            cursor.execute(insertion.statement(len(rows)), values)
            keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, database.alias


@lru_cache(maxsize=64)
def _numbered_places(width: int, rows: int) -> str:
    firsts = range(1, rows * width + 1, width)
    return ", ".join(f"({', '.join(f'${number}' for number in range(first, first + width))})" for first in firsts)


@cache
def _insertion(model: type[models.Model]) -> _Insertion:
    makes_key = isinstance(model._meta.pk, models.AutoField)
    fields = tuple(field for field in model._meta.concrete_fields if not (makes_key and field.primary_key))
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return _Insertion(
        fields=fields,
        values=tuple(map(_reading, fields)),
        head=f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ',  # noqa: S608
        tail=f' RETURNING "{model._meta.pk.column}"',
    )


def _reading(field: models.Field[Any, Any]) -> _Read:
    """How a row is asked for the value of this field, as the database takes it."""
    kept: Any = field
    if (kept.target_field if field.is_relation else kept).get_internal_type() in _TAKEN_AS_IT_IS:
        plain = attrgetter(field.attname)
        return lambda row, _database: plain(row)
    return lambda row, database: field.get_db_prep_save(field.pre_save(row, add=True), database)


@cache
def _selection(model: type[models.Model], vendor: str) -> _Selection:
    table, fields = model._meta.db_table, model._meta.concrete_fields
    conversions = [
        (place, _conversion(convert, field.get_col(table)))
        for place, field in enumerate(fields)
        for convert in (*connection.ops.get_db_converters(field.get_col(table)), *field.get_db_converters(connection))
    ]
    return _Selection(
        model=model,
        names=tuple(field.attname for field in fields),
        columns=", ".join(f'"{table}"."{field.column}"' for field in fields),
        key_place=[field.primary_key for field in fields].index(True),
        conversions=tuple(conversions),
    )


def _conversion(convert: Callable[..., Any], column: Any) -> _Convert:
    return lambda value: convert(value, column, connection)

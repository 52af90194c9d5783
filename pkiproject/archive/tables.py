"""Which tables are carried over, and their rows as lines that say the same from every kind of database."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db import connection, models

# Second factors stand in a table of django-allauth's (mfa): without them a password alone would open what it did not.
_ROOMS: Final = (
    "audit",
    "accounts",
    "mfa",
    "cas",
    "certificates",
    "acme_client",
    "notices",
    "api",
    "web",
    "pkiproject",
)
# What is of no use to a restored system, or would harm it. Django's own tables (sessions among them) stay behind too.
LEFT_BEHIND: Final[Mapping[str, str]] = {
    "api.IdempotencyRecord": "what was answered a day ago, by a system whose later answers are lost",
    "accounts.OAuthToken": "tokens that have ended since would be good again; applications ask their people anew",
    "accounts.OAuthDevice": "devices that waited a quarter of an hour, once",
}
_CHUNK: Final = 1000

Model = type[models.Model]
_Convert = Callable[[Any], Any]


def carried() -> list[Model]:
    """Every table of ours that goes into an archive, in an order that does not change."""
    ours = [
        model
        for room in _ROOMS
        for model in apps.get_app_config(room).get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label not in LEFT_BEHIND
    ]
    return sorted(ours, key=lambda model: (_ROOMS.index(model._meta.app_label), model._meta.label))


def columns(model: Model) -> list[str]:
    return [str(field.column) for field in _fields(model)]


def row_lines(model: Model) -> Iterator[bytes]:
    """Every row as a JSON array with its newline, by primary key; read as it is taken, in chunks."""
    fields = _fields(model)
    encoders = [_ENCODERS.get(field.get_internal_type(), _as_it_is) for field in fields]
    query = model._base_manager.values_list(*(field.attname for field in fields))
    rows: Iterable[tuple[Any, ...]] = query.order_by("pk").iterator(chunk_size=_CHUNK)
    if not isinstance(model._meta.pk, models.IntegerField | models.OneToOneField):
        # Databases do not agree on the order of texts. Such tables are small.
        place = [field.primary_key for field in fields].index(True)
        rows = sorted(query, key=lambda row: str(row[place]))
    for row in rows:
        values = [None if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)]
        yield json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def write_rows(model: Model, lines: Iterable[bytes]) -> None:
    """Insert what `row_lines` gave, primary keys included. Raises DatabaseError."""
    fields = _fields(model)
    decoders = [_DECODERS.get(field.get_internal_type(), _as_it_is) for field in fields]
    rows = (
        [
            field.get_db_prep_save(None if value is None else decode(value), connection)
            for field, decode, value in zip(fields, decoders, json.loads(line), strict=True)
        ]
        for line in lines
    )
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(name) for name in columns(model))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
            # In parts: Django keeps all that it is given until the last of it is written.
            while part := list(islice(rows, _CHUNK)):
                cursor.executemany(insert, part)


def last_number(model: Model) -> int:
    """The highest primary key that was ever given out; 0 where the database does not make them."""
    if not _makes_numbers(model):
        return 0
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {_sequence(model)}")  # noqa: S608
        else:
            cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        return int(cursor.fetchone()[0])


def continue_numbers(model: Model, last: int) -> None:
    """Let the next primary key be above `last`: a number that an event once named is never another row's."""
    if not _makes_numbers(model) or not last:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(%s::regclass, %s)", [_sequence(model), last])
        else:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [model._meta.db_table, last])


def _fields(model: Model) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _makes_numbers(model: Model) -> bool:
    return isinstance(model._meta.pk, models.AutoField)


def _sequence(model: Model) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [model._meta.db_table, model._meta.pk.column])
        return str(cursor.fetchone()[0])


def _as_it_is(value: Any) -> Any:
    return value


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text)


def _to_base64(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()


def _microseconds(value: timedelta) -> int:
    return value // timedelta(microseconds=1)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


_ENCODERS: Final[Mapping[str, _Convert]] = {
    "BinaryField": _to_base64,
    "DateTimeField": _moment,
    "DateField": date.isoformat,
    "DurationField": _microseconds,
    "UUIDField": str,
    "DecimalField": str,
}
_DECODERS: Final[Mapping[str, _Convert]] = {
    "BinaryField": _from_base64,
    "DateTimeField": datetime.fromisoformat,
    "DateField": date.fromisoformat,
    "DurationField": lambda number: timedelta(microseconds=number),
    "UUIDField": UUID,
}

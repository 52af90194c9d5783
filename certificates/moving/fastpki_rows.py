"""The database of FastPKI, read as rows: its SQLite file, or its PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from cryptography.fernet import Fernet, InvalidToken
from psycopg import sql
from psycopg.rows import dict_row

from kernel.errors import Invalid
from kernel.secret import Secret
from kernel.text import _

Row = Mapping[str, Any]
_URLS: Final = ("postgres://", "postgresql://", "postgresql+asyncpg://", "postgresql+psycopg://")
# Each table with the columns that are needed; others are not looked at.
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "organizations": ("id", "name"),
    "users": ("id", "username", "email", "role", "is_active", "organization_id"),
    "certificate_authorities": (
        "id",
        "name",
        "private_key",
        "certificate",
        "organization_id",
        "parent_ca_id",
        "allow_leaf_certs",
    ),
    "certificates": (
        "id",
        "common_name",
        "certificate_type",
        "status",
        "private_key",
        "certificate",
        "serial_number",
        "not_after",
        "revoked_at",
        "issuer_id",
    ),
    "crl_entries": ("serial_number", "revocation_date", "reason", "ca_id"),
}


@dataclass(frozen=True, slots=True)
class FastPkiRows:
    """Every row that moves."""

    organizations: list[Row]
    users: list[Row]
    authorities: list[Row]
    certificates: list[Row]
    crl_entries: list[Row]


def read_rows(place: str) -> FastPkiRows:
    """From the path of a SQLite file, or from a PostgreSQL URL. Raises Invalid on `database`."""
    try:
        found = _read_postgresql(place) if place.startswith(_URLS) else _read_sqlite(place)
    except (sqlite3.Error, psycopg.Error) as error:
        text = _("this database cannot be read: %(reason)s")
        raise Invalid.of("database", "unreadable", text, reason=type(error).__name__) from error
    for table, columns in _TABLES.items():
        missing = [column for column in columns if found[table] and column not in found[table][0]]
        if missing:
            text = _("the table %(table)s has no column %(columns)s: this is no database of FastPKI 0.4")
            raise Invalid.of("database", "other-schema", text, table=table, columns=", ".join(missing))
    return FastPkiRows(
        organizations=found["organizations"],
        users=found["users"],
        authorities=found["certificate_authorities"],
        certificates=found["certificates"],
        crl_entries=found["crl_entries"],
    )


def _read_sqlite(place: str) -> dict[str, list[Row]]:
    path = Path(place.removeprefix("sqlite:///"))
    if not path.is_file():
        raise Invalid.of("database", "missing", _("there is no such file"))
    # Read-only: a file that is opened to be written to may be changed by being opened.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY id')]  # noqa: S608
            for table in _TABLES
        }


def _read_postgresql(url: str) -> dict[str, list[Row]]:
    plain = "postgresql://" + url.partition("://")[2]
    with psycopg.connect(plain, row_factory=dict_row, connect_timeout=10) as connection:
        connection.read_only = True
        query = sql.SQL("SELECT * FROM {} ORDER BY id")
        return {table: list(connection.execute(query.format(sql.Identifier(table))).fetchall()) for table in _TABLES}


def open_key(stored: str, key: Secret | None) -> Secret:
    """A private key as FastPKI stores it: PEM, or PEM in a Fernet token. Raises Invalid on `encryption_key`."""
    if stored.startswith("-----BEGIN"):
        return Secret(stored)
    if key is None:
        text = _("private keys are encrypted there: name the file with PRIVATE_KEY_ENCRYPTION_KEY")
        raise Invalid.of("encryption_key", "required", text)
    try:
        return Secret(Fernet(key.reveal()).decrypt(stored.encode()))
    except (InvalidToken, ValueError):
        text = _("this key does not open the private keys there")
        raise Invalid.of("encryption_key", "wrong-key", text) from None


def moment_of(value: object) -> datetime | None:
    """Times there are in UTC, and mostly do not say so."""
    if value is None or value == "":
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def word_of(value: object) -> str:
    """A value of an enumeration, which SQLite holds by its name and the API by its value."""
    return str(value or "").rpartition(".")[2].lower()

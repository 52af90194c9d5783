"""Who may seal under the master key while it is being replaced. On SQLite the transaction itself is that lock."""

from __future__ import annotations

from typing import Final

from django.db import connection

# Advisory locks of PostgreSQL are two 32-bit numbers; the first is this room's.
_MASTER_KEY: Final = 0x41434301


def share_master_key() -> None:
    """Let nobody replace the master key until this transaction ends; waits for whoever is replacing it."""
    _take("pg_advisory_xact_lock_shared")


def be_alone_with_master_key() -> None:
    """Let nobody seal under the master key until this transaction ends; waits for whoever does."""
    _take("pg_advisory_xact_lock")


def _take(function: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s, 0)", [_MASTER_KEY])

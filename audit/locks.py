"""Who may write what is written by one at a time. On SQLite the transaction itself is that lock."""

from __future__ import annotations

from typing import Final

from django.db import connection

# Advisory locks of PostgreSQL are two 32-bit numbers; the first is this room's.
_SEALER: Final = 0x41554401
_KEY_MAKER: Final = 0x41554402


def is_only_sealer(log: int) -> bool:
    """Hold the sealing of `log` until this transaction ends; False if someone else does."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        # Two logs that share a lock would only take turns.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_SEALER, log % 2**31])
        (held,) = cursor.fetchone()
    return bool(held)


def wait_for_key() -> None:
    """Hold the making of the signing key until this transaction ends; waits for whoever does."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_KEY_MAKER])

"""Who may prove a public name while another one does. On SQLite the transaction itself is that lock."""

from __future__ import annotations

from typing import Final

from django.db import connection

# Advisory locks of PostgreSQL are two 32-bit numbers; the first is this room's.
_PUBLIC_NAMES: Final = 0x41434D01


def be_alone_with_public_names() -> None:
    """Let nobody else prove a name until this transaction ends: one may stand above the other."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_PUBLIC_NAMES])

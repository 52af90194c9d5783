"""Fair turns at a CA, so that a stream of issuances does not keep a revocation waiting for ever.

PostgreSQL gives `FOR KEY SHARE` to everyone who asks while somebody else holds it, however long a `FOR UPDATE` has been
waiting. Its advisory locks are queued: whoever comes after a revocation waits behind it. SQLite has one writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import connection

# Advisory locks of PostgreSQL are two 32-bit numbers; the first is this room's.
_AUTHORITY: Final = 0x43415301


def share_turn(ids_sql: str, *parameters: Any) -> None:
    """Take a turn with others who issue under the CAs whose `id` this query gives, in its order, until the transaction
    ends.

    Waits for whoever is alone at one of them, or is waiting to be.
    """
    _take("pg_advisory_xact_lock_shared", ids_sql, parameters)


def take_turn(ca_ids: Sequence[int]) -> None:
    """Be alone at these CAs until the transaction ends; waits for those who share, and later ones wait."""
    _take("pg_advisory_xact_lock", "SELECT unnest(%s::bigint[]) AS id", [sorted(ca_ids)])


def _take(function: str, ids_sql: str, parameters: Sequence[Any]) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # Two CAs that share a lock would only take turns.
        locks = f"{function}({_AUTHORITY}, (id %% 2147483648)::int)"
        cursor.execute(f"SELECT {locks} FROM ({ids_sql}) AS ordered", parameters)  # noqa: S608

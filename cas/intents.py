"""Announcing a signature before a key outside this process makes it, so that none can go unnoticed.

The intent is a committed row of `IssuedSerial`, whatever becomes of the transaction around the signature. It is written
on a connection of its own, for no transaction can commit a part of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from psycopg.errors import ForeignKeyViolation

from cas.models import IssuedSerial
from kernel.errors import Conflict, Unavailable
from kernel.text import _

# Whoever holds the CA's row that long is stuck; better to say so than to wait for ever.
_PATIENCE: Final = "5s"
_TABLE: Final = IssuedSerial._meta.db_table
_COLUMNS: Final = (
    *("organization_id", "ca_id", "serial", "kind", "not_after", "shard", "tbs_sha256"),
    *("is_intent", "created_at"),
)


class NobodyKnowsIt(Exception):
    """The CA is being made in the transaction around this, and is seen nowhere else."""


def announce(reservations: Sequence[IssuedSerial]) -> None:
    """Commit these rows, all of one CA, as intents; the caller's transaction then makes them more: `fulfil`.

    Raises Conflict (a serial was used), Unavailable (not on PostgreSQL, or the database does not answer),
    NobodyKnowsIt.
    """
    if connection.vendor != "postgresql":
        # SQLite has one writer, and that is the transaction around this.
        text = _("Keys on a token need PostgreSQL: what they sign is announced beside the running transaction.")
        raise Unavailable(text, code="backend-needs-postgresql")
    beside = connections.create_connection(connection.alias)
    try:
        _insert(beside, reservations)
    except IntegrityError as error:
        if isinstance(error.__cause__, ForeignKeyViolation):
            raise NobodyKnowsIt from error
        raise Conflict(_("The serial number has been used."), code="serial-used") from error
    except OperationalError as error:
        raise Unavailable(_("The signature could not be announced."), code="intent-not-written") from error
    finally:
        beside.close()


def fulfil(reservations: Sequence[IssuedSerial]) -> None:
    """What was announced is being stored, in this transaction."""
    serials = [row.serial for row in reservations]
    IssuedSerial.objects.filter(ca_id=reservations[0].ca_id, serial__in=serials).update(is_intent=False)


def _insert(beside: BaseDatabaseWrapper, reservations: Sequence[IssuedSerial]) -> None:
    now = timezone.now()
    values = [
        value
        for row in reservations
        for value in (
            *(row.organization_id, row.ca_id, row.serial, row.kind, row.not_after, row.shard, row.tbs_sha256),
            *(True, now),
        )
    ]
    places = ", ".join([f"({', '.join(['%s'] * len(_COLUMNS))})"] * len(reservations))
    beside.set_autocommit(False)
    with beside.cursor() as cursor:
        # For this transaction only: the connection goes back to the pool.
        cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
        cursor.execute(f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) VALUES {places}", values)  # noqa: S608
    beside.commit()

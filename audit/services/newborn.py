"""The log that a migration has made by itself gives way to another one, which is being restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from audit import keys
from audit.document import SYSTEM_LOG
from audit.events import EventName
from audit.models import AuditCheckpoint, AuditEvent, AuditKey, AuditTile

_MODELS: Final = (AuditEvent, AuditTile, AuditCheckpoint, AuditKey)


def forget_newborn_log() -> bool:
    """A step of a restore: empty a log that tells of nothing but the making of its own key.

    Any other log is left as it is, and the answer is False. Needs a transaction, in which nothing was written yet. The
    triggers that keep the log append-only are lifted here and nowhere else, and stand again when this returns.
    """
    if AuditEvent.objects.exclude(log=SYSTEM_LOG, name=EventName.AUDIT_KEY_CREATED).exists():
        return False
    with _triggers_lifted():
        for model in _MODELS:
            model._default_manager.all().delete()
    keys.forget()
    return True


@contextmanager
def _triggers_lifted() -> Iterator[None]:
    tables = [model._meta.db_table for model in _MODELS]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            return
        places = ", ".join(["%s"] * len(tables))
        cursor.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({places})",  # noqa: S608
            tables,
        )
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _name, sql in triggers:
            cursor.execute(sql)

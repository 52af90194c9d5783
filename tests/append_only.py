"""Around the triggers that keep the audit log append-only: for emptying a test's database, and for tampering."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations

_TABLES = ("audit_auditevent", "audit_audittile", "audit_auditcheckpoint", "audit_auditkey")


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """The audit tables without their triggers, as whoever owns the database could have them."""
    if connection.vendor == "postgresql":
        with _disabled_triggers():
            yield
    else:
        with _dropped_triggers():
            yield


@contextlib.contextmanager
def _disabled_triggers() -> Iterator[None]:
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield
        finally:
            for table in _TABLES:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@contextlib.contextmanager
def _dropped_triggers() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%%'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield
        finally:
            for _, statement in triggers:
                cursor.execute(statement)


@pytest.fixture(scope="session", autouse=True)
def _flush_empties_the_audit_log_too() -> Iterator[None]:
    """A transactional test leaves by emptying every table, which is what the triggers are there to refuse."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def unguarded_flush(self: BaseDatabaseOperations, statements: list[str]) -> Any:
        with unguarded():
            return flush(self, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", unguarded_flush)
        yield


_folders = itertools.count()


@pytest.fixture(autouse=True)
def _own_checkpoint_folder(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A checkpoint outlives the database of its test, and the next test's log would contradict it."""
    settings.AUDIT_CHECKPOINT_DIR = Path(tmp_path_factory.getbasetemp(), "checkpoints", str(next(_folders)))

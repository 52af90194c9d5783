"""An empty SQLite database with every migration applied, kept from one run of the suite to the next.

Applying them takes a quarter of a minute; a run that finds what an earlier one has kept, for the same migrations,
copies it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created
from django.db.migrations.loader import MigrationLoader


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None
) -> Iterator[None]:
    """pytest-django calls it before the database is made."""
    if connection.vendor != "sqlite":
        yield
        return
    kept = Path(request.config.cache.mkdir("migrated")) / f"{_name()}.sqlite3"  # type: ignore[union-attr]

    def fill(connection: object, **_: object) -> None:
        connection_created.disconnect(fill)
        if kept.exists():
            with sqlite3.connect(kept) as source:
                source.backup(connection.connection)  # type: ignore[attr-defined]

    connection_created.connect(fill)
    yield
    connection_created.disconnect(fill)


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_setup: None) -> None:
    """Keeps what was made, where nothing was kept before."""
    if connection.vendor != "sqlite":
        return
    folder = Path(request.config.cache.mkdir("migrated"))  # type: ignore[union-attr]
    kept = folder / f"{_name()}.sqlite3"
    if kept.exists():
        return
    # Not what another worker is writing beside us.
    for older in folder.glob("*.sqlite3"):
        older.unlink(missing_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}")
    blocker = request.getfixturevalue("django_db_blocker")
    with blocker.unblock(), sqlite3.connect(draft) as target:
        connection.ensure_connection()
        connection.connection.backup(target)
    draft.replace(kept)


def _name() -> str:
    """Another one for other migrations, another Django, or another master key."""
    told = sha256(f"{django.VERSION} {settings.MASTER_KEY.reveal()!r}".encode())
    for app, name in sorted(MigrationLoader(None).disk_migrations):
        module = apps.get_app_config(app).module.__path__[0]
        told.update(f"{app}.{name}".encode())
        file = Path(module) / "migrations" / f"{name}.py"
        told.update(file.read_bytes() if file.exists() else b"")
    return told.hexdigest()[:32]

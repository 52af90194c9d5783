"""Bring the database and the static files to the state that this version needs."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pkiproject.processes import make_queue_folders


class Command(BaseCommand):
    help = "Migrate the database and collect the static files, where that is needed. Running it again changes nothing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=["database", "static"], help="one of the two")

    def handle(self, *args: Any, only: str | None = None, **options: Any) -> None:
        if only != "static":
            self._prepare_database()
        if only != "database":
            self._collect_static_files()

    def _prepare_database(self) -> None:
        # What is made here, the SQLite file among it, is for this user alone.
        os.umask(0o077)
        for folder in (settings.STATE_DIR, settings.AUDIT_CHECKPOINT_DIR):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_queue_folders()
        if _has_unapplied_migrations():
            self.stdout.write("Migrating the database …")
            call_command("migrate", interactive=False, verbosity=0)

    def _collect_static_files(self) -> None:
        stamp = settings.STATIC_ROOT / ".collected"
        fingerprint = _fingerprint_of_static_files()
        if stamp.exists() and stamp.read_text() == fingerprint:
            return
        self.stdout.write("Collecting the static files …")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(fingerprint)


def _has_unapplied_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _fingerprint_of_static_files() -> str:
    """Changes when a static file of any room or library is added, removed or written."""
    lines = []
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=[]):
            lines.append(f"{path} {storage.size(path)} {storage.get_modified_time(path).timestamp()}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

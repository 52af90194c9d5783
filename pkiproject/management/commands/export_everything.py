"""The whole of Chancery as one encrypted file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.console import ConsoleCommand, require_new_files
from accounts.vault import WrongMasterKey
from kernel.seal import fingerprint
from pkiproject.archive.console import add_lock_arguments, new_lock
from pkiproject.archive.exporting import export_everything


class Command(ConsoleCommand):
    help = (
        "Write the whole database, as it is at one moment, into an encrypted archive; others go on working meanwhile. "
        "restore_everything puts it into an empty database of any kind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a new file")
        add_lock_arguments(parser)
        parser.add_argument(
            "--with-master-key", action="store_true", help="so that the archive and what opens it are all it takes"
        )

    def handle(self, *args: Any, file: str, with_master_key: bool, **options: Any) -> None:
        require_new_files(file)
        lock = new_lock(options)
        try:
            with _new_file(Path(file)) as archive:
                tables = export_everything(actor=self.actor, file=archive, lock=lock, with_master_key=with_master_key)
        except WrongMasterKey as error:
            raise CommandError("CHANCERY_MASTER_KEY is not the key of this database; nothing was exported.") from error
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        rows = sum(facts.rows for facts in tables.values())
        self.stdout.write(f"{file}: {rows} rows of {len(tables)} tables, {Path(file).stat().st_size} bytes.")
        self.stdout.write(
            "The master key is in it."
            if with_master_key
            else f"It opens under the master key {fingerprint(settings.MASTER_KEY)}, which is not in it."
        )


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """For its owner's eyes; at `path` only when it is complete, and in place of nothing."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # Not every share of a network knows links; that there was nothing at `path` has been seen before.
        draft.rename(path)

"""Another master key, for the same database."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts.console import ConsoleCommand, require_new_files
from accounts.services.masterkey import Rotation, rotate_master_key
from accounts.vault import WrongMasterKey, is_master_key
from kernel.seal import fingerprint, new_key
from kernel.secret import Secret
from pkiproject.environment import Misconfigured
from pkiproject.keyfiles import keep, key_in_new_file, next_to, read_key, take_place

_NAME: Final = "CHANCERY_NEW_MASTER_KEY"


class Command(ConsoleCommand):
    help = (
        "Replace the master key. Only what it wraps is wrapped anew, in one transaction; CA keys and other secrets "
        "stay as they are. The new key is in CHANCERY_NEW_MASTER_KEY (or _FILE), in --new-file, or, where Chancery "
        "keeps the key itself, made here. Where it was interrupted, run it again: it ends what was begun."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-file", metavar="FILE", type=Path, help="where the new key is; made there if there is no file"
        )
        parser.add_argument("--dry-run", action="store_true", help="do it all, and take it back")

    def handle(self, *args: Any, new_file: Path | None, dry_run: bool, **options: Any) -> None:
        own_file: Path | None = settings.MASTER_KEY_FILE
        if new_file is not None and settings.NEW_MASTER_KEY is not None:
            raise CommandError(f"Give the new key by --new-file or by {_NAME}, not by both.")
        if new_file is None and settings.NEW_MASTER_KEY is None and own_file is None:
            raise CommandError(f"Give the new key by --new-file or by {_NAME}.")
        if dry_run:
            self._rehearse(new_file)
            return
        try:
            self._rotate(new_file, own_file)
        except Misconfigured as error:
            raise CommandError("\n".join(error.complaints)) from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}. Run this again.") from error

    def _rotate(self, new_file: Path | None, own_file: Path | None) -> None:
        """Before the database changes, the new key is on the disk; the old one stays there."""
        key = _new_key(new_file, own_file)
        if own_file is not None:
            keep(next_to(own_file), key)
        if is_master_key(key) and not is_master_key(settings.MASTER_KEY):
            self.stdout.write(f"The database is under the new key {fingerprint(key)} already.")
        else:
            self._tell(self._call_service(key))
        if own_file is not None:
            kept = take_place(own_file)
            self.stdout.write(f"The new key is in {own_file}; the old one is in {kept}, for older backups.")
        else:
            where = new_file or _NAME
            self.stdout.write(
                f"From now on CHANCERY_MASTER_KEY is the new key ({where}). Keep the old for older backups."
            )
        self.stdout.write("Processes that have the old key end within seconds: start them again.")

    def _rehearse(self, new_file: Path | None) -> None:
        if new_file is not None and not new_file.exists():
            require_new_files(str(new_file))
        there = settings.NEW_MASTER_KEY or (read_key(_NAME, new_file) if new_file and new_file.exists() else new_key())
        with transaction.atomic():
            done = self._call_service(there)
            transaction.set_rollback(True)
        self.stdout.write("Nothing was changed. This would be done:")
        self._tell(done)

    def _call_service(self, key: Secret) -> Rotation:
        try:
            return rotate_master_key(actor=self.actor, new_key=key)
        except WrongMasterKey as error:
            raise CommandError(
                f"The database is neither under the running key {fingerprint(settings.MASTER_KEY)} nor under the new "
                f"one {fingerprint(key)}: nothing was changed."
            ) from error

    def _tell(self, done: Rotation) -> None:
        self.stdout.write(
            f"Master key {done.before} -> {done.after}: {done.wrapping_keys} keys of organizations, "
            f"{done.server_secrets} secrets of the installation and {done.audit_keys} signing keys of the log."
        )


def _new_key(new_file: Path | None, own_file: Path | None) -> Secret:
    """Where an earlier run was interrupted, the key that it had."""
    if settings.NEW_MASTER_KEY is not None:
        given: Secret = settings.NEW_MASTER_KEY
        return given
    if new_file is not None:
        return key_in_new_file(_NAME, new_file)
    assert own_file is not None  # noqa: S101  handle() has seen to it
    return key_in_new_file(_NAME, next_to(own_file))

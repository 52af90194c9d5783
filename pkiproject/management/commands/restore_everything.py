"""An archive of export_everything, put into an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from accounts.console import ConsoleCommand
from audit.services import find_losses
from kernel.seal import fingerprint
from kernel.secret import Secret
from pkiproject.archive.console import add_lock_arguments, known_lock
from pkiproject.archive.restoring import Archive, Restored, adopt, restore_everything
from pkiproject.archive.stream import ArchiveBroken
from pkiproject.environment import Misconfigured
from pkiproject.keyfiles import keep, next_to, take_place


class Command(ConsoleCommand):
    help = (
        "Put an archive of export_everything into this database, which must be new: all of it, or nothing. Nothing "
        "else of Chancery may run meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        add_lock_arguments(parser)
        parser.add_argument(
            "--master-key-file",
            metavar="FILE",
            type=Path,
            help="where the archive brings its master key, and Chancery does not keep the key itself: put it here",
        )
        parser.add_argument(
            "--despite-findings", action="store_true", help="even where the log did not verify when it was exported"
        )

    def handle(self, *args: Any, file: str, master_key_file: Path | None, **options: Any) -> None:
        call_command("prepare", only="database", stdout=self.stdout)
        try:
            with Path(file).open("rb") as stream:
                archive = Archive(stream, known_lock(options))
                key, kept_in = _choose_key(archive, master_key_file)
                if kept_in is not None:
                    keep(kept_in, key)
                    adopt(key)
                restored = restore_everything(
                    actor=self.actor, archive=archive, master_key=key, despite_findings=options["despite_findings"]
                )
        except ArchiveBroken as error:
            raise CommandError(f"{error} Nothing was restored.") from error
        except Misconfigured as error:
            raise CommandError("\n".join(error.complaints)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        self._tell(restored)
        self._put_key_in_place(kept_in)
        self._tell_losses()

    def _tell(self, restored: Restored) -> None:
        rows = sum(facts.rows for facts in restored.tables.values())
        self.stdout.write(
            f"Restored: {rows} rows of {len(restored.tables)} tables, as they were at {restored.about.made_at}. "
            "All of them were read back and are what the archive says."
        )
        if restored.findings:
            self.stdout.write(f"The audit log does not verify, in {len(restored.findings)} places.")
        else:
            self.stdout.write("The audit log verifies, and the master key opens what is sealed.")

    def _put_key_in_place(self, kept_in: Path | None) -> None:
        own_file: Path | None = settings.MASTER_KEY_FILE
        if kept_in is None:
            return
        if own_file is None:
            self.stdout.write(f"Set CHANCERY_MASTER_KEY_FILE to {kept_in} before anything is started.")
            return
        replaced = take_place(own_file)
        self.stdout.write(f"The master key is in {own_file}; the one that nothing was sealed under is in {replaced}.")

    def _tell_losses(self) -> None:
        losses = find_losses()
        for loss in losses:
            self.stdout.write(f"{loss} What happened in between is lost.")
        if losses:
            self.stdout.write(
                "These logs are not sealed until you accept that (manage.py accept_log_loss), or restore a newer "
                "archive; docs/operations.md says how to choose."
            )


def _choose_key(archive: Archive, master_key_file: Path | None) -> tuple[Secret, Path | None]:
    """The master key of the archive, and the file it must be put into; None where this process has it already."""
    running: Secret = settings.MASTER_KEY
    if fingerprint(running) == archive.about.master_key:
        return running, None
    if archive.master_key is None:
        raise CommandError(
            f"The archive is sealed under the master key {archive.about.master_key}, which is not in it, and this "
            f"process has {fingerprint(running)}. Give the right one as CHANCERY_MASTER_KEY. Nothing was restored."
        )
    if settings.MASTER_KEY_FILE is not None:
        return archive.master_key, next_to(settings.MASTER_KEY_FILE)
    if master_key_file is None:
        raise CommandError(
            "The archive brings its master key: say by --master-key-file where to. Nothing was restored."
        )
    return archive.master_key, master_key_file

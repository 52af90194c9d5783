"""The audit log as a file that anyone can check."""

from __future__ import annotations

import os
from datetime import date, datetime
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from accounts.console import ConsoleCommand
from accounts.selectors import get_organization
from audit.selectors import all_logs
from audit.services import export
from kernel.ref import Ref


class Command(ConsoleCommand):
    help = "Export the audit log as JSON lines with its signatures; audit/verifier.py checks them anywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--organization", metavar="SLUG", help="only its log")
        which.add_argument("--log", type=int, metavar="NUMBER", help="only this log; 0 is the system's")
        parser.add_argument(
            "--since", type=read_day_or_moment, metavar="TIME", help="2026-04-18, or with a time and zone"
        )
        parser.add_argument("--out", required=True, metavar="FILE", help="a new file; - is standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = export(actor=self.actor, logs=self._logs(options), since=options["since"])
        if options["out"] == "-":
            for line in lines:
                self.stdout.write(line.decode(), ending="")
            return
        with _new_file(options["out"]) as file:
            file.writelines(lines)

    def _logs(self, options: dict[str, Any]) -> list[int]:
        if options["organization"] is not None:
            return [get_organization(Ref("slug", options["organization"]), visible_to=self.actor).pk]
        known = all_logs()
        if options["log"] is None:
            return known
        if options["log"] not in known:
            raise CommandError(f"There is no log {options['log']}.")
        return [options["log"]]


def read_day_or_moment(text: str) -> date | datetime:
    """`2026-04-18`, `2026-04-18T10:02:34Z`. Raises ValueError; a time without a zone is none."""
    found = parse_date(text) if len(text) == len("2026-04-18") else parse_datetime(text)
    if found is None or (isinstance(found, datetime) and found.tzinfo is None):
        raise ValueError(text)
    return found


def _new_file(path: str) -> BinaryIO:
    """Names and addresses of people stand in it, so only its owner may read it."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise CommandError(f"{path} cannot be created: {error.strerror}.") from error

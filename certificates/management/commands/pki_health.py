"""Say whether the office is well; exit status 1 where it is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.console import ConsoleCommand
from certificates.health import findings


class Command(ConsoleCommand):
    help = "Check keys, CRLs, OCSP responders and the audit log."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--verify-log", action="store_true", help="verify the whole audit log as well")

    def handle(self, *args: Any, **options: Any) -> None:
        found = findings(at=timezone.now(), verify_log=options["verify_log"])
        for finding in found:
            self.stdout.write(f"{finding.subject}: {finding.message}")
        if found:
            raise CommandError(f"{len(found)} findings")
        self.stdout.write("All is well.")

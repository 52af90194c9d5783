"""Is the audit log what was signed? Exit status 1 where it is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import selectors, verifier
from audit.services import verify


class Command(BaseCommand):
    help = (
        "Verify the audit log: signatures, positions, tree, checkpoints, and that events and rows tell of each other. "
        "With --export, verify an export instead, as audit/verifier.py does by itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--log", type=int, metavar="NUMBER", help="only this log: an organization's number, 0 for the system's"
        )
        parser.add_argument("--export", metavar="FILE", help="verify this export, without the database")
        parser.add_argument("--proof", metavar="FILE", help="verify this proof, without the database")
        parser.add_argument(
            "--checkpoint", metavar="FILE", action="append", default=[], help="with --export: one that you kept"
        )
        parser.add_argument(
            "--public-key", metavar="HEX", action="append", default=[], help="with --export or --proof: one you believe"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"] or options["proof"]:
            self._verify_file(options)
            return
        if options["checkpoint"] or options["public_key"]:
            raise CommandError("--checkpoint and --public-key go with --export or --proof.")
        if options["log"] is not None and options["log"] not in selectors.all_logs():
            raise CommandError(f"There is no log {options['log']}.")
        verification = verify(options["log"])
        self.stdout.write(str(verification))
        if not verification.is_sound:
            raise CommandError(f"{len(verification.findings)} findings; docs/audit.md says what to do")

    def _verify_file(self, options: dict[str, Any]) -> None:
        arguments = [options["export"]] if options["export"] else ["--proof", options["proof"]]
        for name in ("checkpoint", "public_key"):
            for value in options[name]:
                arguments += [f"--{name.replace('_', '-')}", value]
        if status := verifier.main(arguments, self.stdout.write):
            raise CommandError("The file does not verify.", returncode=status)

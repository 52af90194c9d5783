"""Let an audit log go on after a restore that lost its newest events."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.console import ConsoleCommand
from audit.services import accept_loss, find_losses


class Command(ConsoleCommand):
    help = (
        "Let audit logs go on from where they end here, though checkpoints outside the database cover more. What was "
        "lost is told in each log, and the checkpoint is kept. Without --reason, only say what was lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--log", type=int, metavar="NUMBER", help="only this log; 0 is the system's")
        parser.add_argument("--reason", metavar="TEXT", help="why; it stands in the log for ever")

    def handle(self, *args: Any, log: int | None, reason: str | None, **options: Any) -> None:
        losses = [loss for loss in find_losses() if log in (None, loss.log)]
        if not losses:
            self.stdout.write("No log has lost anything that a checkpoint outside the database knows of.")
            return
        for loss in losses:
            self.stdout.write(str(loss))
        if reason is None:
            raise CommandError("Nothing was changed: give a --reason to accept this.")
        for loss in losses:
            kept = accept_loss(actor=self.actor, log=loss.log, reason=reason)
            self.stdout.write(f"Log {loss.log} goes on; the checkpoint of what was lost is {kept}: keep it.")

"""From nothing to a running Chancery."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from pkiproject.masterkey import require_right_master_key
from pkiproject.processes import why_port_is_not_free


class Command(BaseCommand):
    help = "Prepare what has to be there, make the first administrator, and run the web server and a worker."

    def handle(self, *args: Any, **options: Any) -> None:
        # Before the password of the first administrator is made and shown, nothing that can be foreseen may fail.
        if problem := why_port_is_not_free():
            raise CommandError(problem)
        call_command("prepare", stdout=self.stdout)
        require_right_master_key()
        call_command("first_administrator", stdout=self.stdout)
        call_command("serve", stdout=self.stdout)

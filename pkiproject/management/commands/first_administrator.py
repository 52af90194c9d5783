"""The one account that is there before anyone can make accounts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.services import FirstAdministrator, create_first_administrator
from kernel.actor import SYSTEM


class Command(BaseCommand):
    help = "Make the first administrator, where there is no user yet, and show the password once, on a terminal."

    def handle(self, *args: Any, **options: Any) -> None:
        administrator = create_first_administrator(actor=SYSTEM)
        if administrator is None:
            return
        self.stdout.write(f"\nThe first administrator is {administrator.email}.")
        if self.stdout.isatty():
            self.stdout.write("The password, good for one day and to be changed at the first sign-in:")
            self.stdout.write(f"\n    {_password(administrator)}\n")
        else:
            # Output that is not a terminal ends in somebody's log.
            path = _keep(administrator, settings.STATE_DIR / "first-password")
            self.stdout.write(f"The password, good for one day, is in {path}: sign in, change it, delete the file.\n")


def _password(administrator: FirstAdministrator) -> str:
    return administrator.password.reveal().decode()


def _keep(administrator: FirstAdministrator, path: Path) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_password(administrator) + "\n")
    return path

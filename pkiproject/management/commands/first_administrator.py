"""The one account that is there before anyone can make accounts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.services.people import create_first_administrator
from kernel.actor import SYSTEM
from kernel.secret import Secret


class Command(BaseCommand):
    help = "Make the first administrator, where there is no user yet, and show the password once, on a terminal."

    def handle(self, *args: Any, **options: Any) -> None:
        made = create_first_administrator(actor=SYSTEM, email=settings.FIRST_ADMINISTRATOR)
        if made is None:
            return
        user, password = made
        self.stdout.write(f"\nThe first administrator is {user.email}.")
        if self.stdout.isatty():
            self.stdout.write("The password, good for one day and to be changed at the first sign-in:")
            self.stdout.write(f"\n    {password.reveal().decode()}\n")
        else:
            # Output that is not a terminal ends in somebody's log.
            path = settings.STATE_DIR / "first-password"
            _keep(password, path)
            self.stdout.write(f"The password, good for one day, is in {path}: sign in, change it, delete the file.\n")


def _keep(password: Secret, path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(password.reveal() + b"\n")

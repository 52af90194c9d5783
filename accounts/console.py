"""The commands of `manage.py`: who runs them, and how they speak.

Whoever can run them holds the database and the master key already, so the console acts as a superuser
under a name of its own, and everything it does stands in the audit log.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from accounts.models import Organization
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.selectors import get_organization
from kernel.actor import Actor, ActorKind
from kernel.errors import DomainError, Invalid
from kernel.ref import Ref
from kernel.secret import Secret

_UNITS: Final = {"h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_LONGEST: Final = 1000 * 365 * 86_400


def console_actor(organization: Organization | None = None) -> Actor:
    """The person at the console, in one organization or above all of them."""
    return Actor(
        kind=ActorKind.CONSOLE,
        id=0,
        label=f"console ({getpass.getuser()})",
        organization_id=organization.pk if organization else None,
        permissions=ORGANIZATION_PERMISSIONS,
        is_superuser=True,
    )


class ConsoleCommand(BaseCommand):
    """A command that calls services. A refusal of theirs is told in plain words, with exit status 1."""

    actor: Actor

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.actor = console_actor()
        try:
            self.find_out(options)
            return super().execute(*args, **options)
        except Invalid as error:
            lines = [f"{each.field}: {each.message}" for each in error.errors]
            raise CommandError("\n".join(lines or [str(error)])) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(f"The database does not answer as it should; is it prepared? ({error})") from error

    def find_out(self, options: Mapping[str, Any]) -> None:
        """What every command of a kind must know before it begins."""


class OrganizationCommand(ConsoleCommand):
    """A command that works in one organization, named by its slug; where there is only one, nobody has to name it."""

    organization: Organization

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--organization", metavar="SLUG", help="the organization; not needed where there is only one"
        )

    def find_out(self, options: Mapping[str, Any]) -> None:
        self.organization = _choose_organization(options.get("organization"))

    @property
    def here(self) -> Actor:
        """The console, inside the organization."""
        return console_actor(self.organization)


def read_duration(text: str) -> timedelta:
    """`12h`, `90d`, `52w`, `10y` (of 365 days). Raises CommandError."""
    match = re.fullmatch(r"(\d{1,6})([hdwy])", text)
    if not match:
        raise CommandError(f"{text!r} is not a duration such as 12h, 90d or 10y.")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise CommandError(f"{text!r} is longer than 1000 years.")
    return timedelta(seconds=seconds)


def read_secret_file(path: str | None) -> Secret | None:
    """The first line of a file; a secret on the command line would be seen by every process of the machine."""
    if path is None:
        return None
    try:
        return Secret(Path(path).read_text().splitlines()[0])
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise CommandError(f"No passphrase could be read from {path}.") from error


def write_new_file(path: str, content: bytes, *, private: bool = False) -> None:
    """Create the file; one that exists is never written over. A private one is readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    except OSError as error:
        raise CommandError(f"{path} cannot be created: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def require_new_files(*paths: str | None) -> None:
    """Say no before anything is issued, not after it."""
    wanted = [Path(path) for path in paths if path is not None]
    for path in wanted:
        if path.exists():
            raise CommandError(f"{path} exists already.")
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise CommandError(f"{path} cannot be created: its folder is not there, or cannot be written.")
    if len({path.resolve() for path in wanted}) < len(wanted):
        raise CommandError(f"{wanted[0]} cannot be two files.")


def _choose_organization(slug: str | None) -> Organization:
    if slug is not None:
        try:
            return get_organization(Ref("slug", slug), visible_to=console_actor())
        except DomainError as error:
            raise CommandError(f"There is no organization {slug!r}.") from error
    found = list(Organization.objects.order_by("id")[:2])
    if len(found) != 1:
        raise CommandError("Name the organization with --organization SLUG.")
    return found[0]

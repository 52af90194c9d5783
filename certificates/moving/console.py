"""How a move is told at the console."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from accounts.console import read_secret_file
from certificates.moving.orders import Moved
from kernel.errors import DomainError
from kernel.secret import Secret

_MOST_SHOWN = 20


def add_moving_arguments(parser: CommandParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="do everything, tell what came of it, and take it back")
    parser.add_argument("--with-keys", action="store_true", help="keep the private keys of certificates too, sealed")
    parser.add_argument("--base-url", help="where CRL, OCSP and certificate of the CA will be found")


def tell(moved: Moved | DomainError, say: Callable[[str], object], name: str) -> None:
    """One CA, and what did not come with it; or why it did not come."""
    if isinstance(moved, DomainError):
        say(f"{name}: left out: {moved}")
        return
    say(f"{moved.name}: {moved.subject}{'' if moved.is_new else ' (was here already)'}")
    say(f"  certificates: {moved.certificates} moved in, {moved.known} were here, {len(moved.skipped)} left out")
    say(f"  revocations: {moved.revocations} moved in; CRL numbers go on above {moved.crl_number}")
    for each in moved.skipped[:_MOST_SHOWN]:
        say(f"  left out: {each.label}: {each.reason}")
    if len(moved.skipped) > _MOST_SHOWN:
        say(f"  left out: {len(moved.skipped) - _MOST_SHOWN} more")
    for address in moved.left_behind[:_MOST_SHOWN]:
        say(f"  cannot be answered here: {address}")


def password(path: str | None, *, ask: bool) -> Secret | None:
    """From the file, or from whoever sits there. Raises CommandError."""
    if path is not None or not ask:
        return read_secret_file(path)
    return Secret(getpass.getpass("Password of the CA's key: "))


def existing(path: str | None) -> Path | None:
    """Raises CommandError where it is not there."""
    if path is None:
        return None
    found = Path(path)
    if not found.exists():
        raise CommandError(f"{path} is not there.")
    return found

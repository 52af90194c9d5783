"""What the two commands share: how an archive is locked, and where its key comes from."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from accounts.console import read_secret_file
from kernel.secret import Secret
from pkiproject.archive.stream import Lock
from pkiproject.environment import Misconfigured
from pkiproject.keyfiles import key_in_new_file, read_key

_SHORTEST_PASSWORD: Final = 12
_NAME: Final = "KEY"


def add_lock_arguments(parser: CommandParser) -> None:
    lock = parser.add_mutually_exclusive_group()
    lock.add_argument("--password-file", metavar="FILE", help="the password is its first line; asked for otherwise")
    lock.add_argument("--key-file", metavar="FILE", type=Path, help="32 bytes in hex or base64, in place of a password")


def new_lock(options: dict[str, Any]) -> Lock:
    """The lock of a new archive; a key file that is not there is made. Raises CommandError."""
    if options["key_file"] is not None:
        return Lock(_key(options["key_file"], may_be_made=True), is_key=True)
    password = _password(options, twice=True)
    if len(password.reveal()) < _SHORTEST_PASSWORD:
        raise CommandError(f"The password needs at least {_SHORTEST_PASSWORD} characters.")
    return Lock(password)


def known_lock(options: dict[str, Any]) -> Lock:
    """The lock of an archive that there is. Raises CommandError."""
    if options["key_file"] is not None:
        return Lock(_key(options["key_file"], may_be_made=False), is_key=True)
    return Lock(_password(options, twice=False))


def _key(path: Path, *, may_be_made: bool) -> Secret:
    try:
        return key_in_new_file(_NAME, path) if may_be_made else read_key(_NAME, path)
    except Misconfigured as error:
        raise CommandError("\n".join(error.complaints)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _password(options: dict[str, Any], *, twice: bool) -> Secret:
    given = read_secret_file(options["password_file"])
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise CommandError("Give --password-file or --key-file: there is no terminal to ask for a password.")
    password = Secret(getpass.getpass("Password of the archive: "))
    if twice and Secret(getpass.getpass("The same again: ")) != password:
        raise CommandError("These were two passwords.")
    return password

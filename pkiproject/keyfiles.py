"""The keys that a first start on one machine makes for itself, beside its SQLite database."""

from __future__ import annotations

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from kernel.secret import Secret
from pkiproject.environment import KEY_SIZE, Environment, Misconfigured


def key_beside_database(name: str, path: Path, *, database: Path) -> Secret:
    """The key of the variable `name`, from the file at `path`; made there (mode 0600) if there is no database yet.

    Raises Misconfigured where the database is there and the file is not: a new key would open nothing of what is
    sealed in it.
    """
    if not path.exists():
        if database.exists():
            raise Misconfigured([f"{name} is not set and {path} is missing, though {database} was made with that key."])
        _make(path)
        print(f"Made {path}: keep a copy in a safe place, for nothing opens without it.", file=sys.stderr)  # noqa: T201
    return read_key(name, path)


def read_key(name: str, path: Path) -> Secret:
    """The key in a file. Raises Misconfigured, with a sentence about the variable `name`, where there is none."""
    environment = Environment({f"{name}_FILE": str(path)})
    key = environment.key(name)
    environment.close()
    if key is None:
        raise Misconfigured([f"{name} is not set and {path} is empty."])
    return key


def key_in_new_file(name: str, path: Path) -> Secret:
    """The key in the file at `path`; made there (mode 0600) where there is none. Raises Misconfigured, OSError."""
    if not path.exists():
        _make(path)
    return read_key(name, path)


def next_to(path: Path) -> Path:
    """Where the key stands that is going to take the place of the one at `path`."""
    return path.with_name(f"{path.name}.new")


def keep(path: Path, key: Secret) -> None:
    """Put the key into a new file (mode 0600). One that is there already must hold the same.

    Raises Misconfigured, OSError.
    """
    _make(path, key)
    if read_key(path.name, path) != key:
        raise Misconfigured([f"{path} is there already and holds another key, perhaps of a change that did not end."])


def take_place(path: Path) -> Path:
    """Put the key at `next_to(path)` in the place of the one at `path`, and return where the old one is now.

    At every moment there is a key at `path`, and both are on the disk. Raises OSError.
    """
    kept = path.with_name(f"{path.name}.until-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    os.link(path, kept)
    next_to(path).replace(path)
    _sync(path.parent)
    return kept


def _make(path: Path, key: Secret | None = None) -> None:
    """A file of the key, or of a new one; a file that is there stays as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write((secrets.token_hex(KEY_SIZE) if key is None else key.reveal().hex()) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, not a rename: of two processes that start at once, the first one's key stays.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

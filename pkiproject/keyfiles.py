"""The keys that a first start on one machine makes for itself, beside its SQLite database."""

from __future__ import annotations

import os
import secrets
import sys
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
    environment = Environment({f"{name}_FILE": str(path)})
    key = environment.key(name)
    environment.close()
    if key is None:
        raise Misconfigured([f"{name} is not set and {path} is empty."])
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_SIZE) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, not a rename: of two processes that start at once, the first one's key stays.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

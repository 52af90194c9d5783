"""Files that are there as a whole or not at all, and locks between processes."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chancery_client.cli.failures import Failure, WrongUsage

PRIVATE = 0o600
PUBLIC = 0o644


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Put this content in the place of what is there: readers see the old file or the new one, after a crash too.

    A file that exists keeps its mode and its owner: a key that a group may read stays so, but none that is for
    everybody's eyes. A new one gets `mode`.

    Raises:
        Failure: the folder cannot be written to.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _dress(name, path, mode)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}.") from error


def refuse_overwriting(*paths: Path, force: bool) -> None:
    """Raises WrongUsage where one of them is there already, and nobody said --force."""
    # A link that leads nowhere would be followed, to wherever whoever made it wants the file.
    there = [str(path) for path in paths if os.path.lexists(path)]
    if there and not force:
        raise WrongUsage(
            f"{' and '.join(there)} {'exists' if len(there) == 1 else 'exist'} already.",
            hint="Name another place with --out, or add --force.",
        )


def read_file(path: Path, *, what: str) -> bytes:
    """Raises WrongUsage where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUsage(f"{what} {path} cannot be read: {error.strerror or error}.") from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time, for as long as this lasts; others wait.

    Raises:
        Failure: the lock file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(str(path), os.O_RDWR | os.O_CREAT, PRIVATE)
    except OSError as error:
        raise Failure(f"{path} cannot be locked: {error.strerror or error}.") from error
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)  # which gives the lock back


def _dress(name: str, path: Path, mode: int) -> None:
    try:
        before = path.stat()
    except FileNotFoundError:
        os.chmod(name, mode)
        return
    kept, not_for = stat.S_IMODE(before.st_mode), stat.S_IRWXO
    if hasattr(os, "chown"):
        try:
            os.chown(name, before.st_uid, before.st_gid)
        except PermissionError:
            not_for |= stat.S_IRWXG  # which is another group now
    os.chmod(name, kept & ~not_for if mode == PRIVATE else kept)


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a crash; Windows has no such call."""
    if sys.platform != "win32":
        handle = os.open(str(folder), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

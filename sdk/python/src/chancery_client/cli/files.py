"""Files that are there as a whole or not at all, and locks between processes."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from chancery_client.cli.failures import Failure, WrongUsage

PRIVATE = 0o600
PUBLIC = 0o644
# What others may have put in the place of a file: a link to elsewhere, a pipe that nobody writes to.
_NO_LINK, _NO_WAIT = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Put this content in the place of what is there: readers see the old file or the new one, after a crash too.

    A file that exists keeps its mode and its owner: a key that a group may read stays so, but none that is for
    everybody's eyes. A new one gets `mode`.

    Raises:
        Failure: the folder cannot be written to.
    """
    path = path.resolve()
    _put(path, content, lambda name: _dress(name, path, mode))


def write_own(path: Path, content: bytes, *, mode: int) -> None:
    """A file of this program's own, as a whole: never through a link, which others may have put into a shared folder.

    Raises:
        Failure: the folder cannot be written to, or what is there is somebody else's.
    """
    _put(path, content, lambda name: os.chmod(name, mode))


def read_own(path: Path) -> bytes | None:
    """What an earlier run has written there; None where there is nothing, a link, or what another user has written."""
    try:
        handle = os.open(str(path), os.O_RDONLY | _NO_LINK | _NO_WAIT)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read() if _is_own(handle) else None


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


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time, for as long as this lasts, by a file that is gone afterwards.

    Nobody but this user can open it, for whoever could might hold it for ever.

    Raises:
        Failure: the lock file cannot be made, or is somebody else's.
    """
    handle = _hold(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # before it is given back: who waits for it finds that it is gone, and makes another
        os.close(handle)


def _hold(path: Path) -> int:
    while True:
        try:
            handle = os.open(str(path), os.O_RDWR | os.O_CREAT | _NO_LINK | _NO_WAIT, PRIVATE)
        except OSError as error:
            raise Failure(f"{path} cannot be locked: {error.strerror or error}.") from error
        try:
            if not _is_own(handle):
                hint = "Where no other renewal runs, remove it."
                raise Failure(f"The lock {path} belongs to another user.", hint=hint)
            _lock(handle)
            if _is_there(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_own(handle: int) -> bool:
    """Whether this user has made the file, and it is one."""
    found = os.fstat(handle)
    return stat.S_ISREG(found.st_mode) and (not hasattr(os, "geteuid") or found.st_uid == os.geteuid())


def _is_there(handle: int, path: Path) -> bool:
    """Whether the file that is open has this name still."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), there)


def _put(path: Path, content: bytes, dress: Callable[[str], None]) -> None:
    """Write it beside, give it its mode and owner, and move it into its place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            dress(name)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise Failure(f"{path} cannot be written: {path.parent} is no folder.") from error
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}.") from error


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

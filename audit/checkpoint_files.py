"""The last checkpoint of each log outside the database, where a restore or a rewrite of it does not reach."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings

_NAME: Final = "checkpoint"


def read(origin: str) -> str | None:
    """The note that was written last; None if none was."""
    try:
        return _path(origin).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def write(origin: str, note: str) -> None:
    """Put `note` in place of the one before, whole or not at all. Raises OSError."""
    path = _path(origin)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_NAME)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def set_aside(origin: str) -> Path:
    """Take the checkpoint out of the sealer's way, and keep it; where it is now. Raises OSError."""
    path = _path(origin)
    kept = path.with_name(f"{_NAME}.lost-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    path.rename(kept)
    return kept


def logs_beside(origin: str) -> list[int]:
    """The numbers of the logs of the same installation that have a checkpoint here."""
    found = _path(origin).parent.parent.glob(f"*/{_NAME}")
    return sorted(int(path.parent.name) for path in found if path.parent.name.isdecimal())


def _path(origin: str) -> Path:
    # The layout of C2SP tlog-tiles: the origin is the prefix, the checkpoint stands under it.
    return Path(settings.AUDIT_CHECKPOINT_DIR) / origin / _NAME

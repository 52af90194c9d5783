"""A process with another master key than the database was made under does not start, and does not go on."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connections

from accounts.vault import WrongMasterKey, check_master_key, is_master_key
from pkiproject.environment import Misconfigured
from pkiproject.keyfiles import next_to, read_key

log = logging.getLogger(__name__)

_WRONG: Final = (
    "CHANCERY_MASTER_KEY is not the key that this database was made under: nothing in it would open. "
    "Give the right key, or the right database."
)
_INTERRUPTED: Final = (
    "The database has got another master key, which is in {path}: whoever was giving it one was interrupted. "
    "`manage.py rotate_master_key` ends what was begun."
)
_SECONDS: Final = 5.0


def require_right_master_key() -> None:
    """Ends the process with a sentence where the key is another. Where the database cannot be reached, or is not
    migrated yet, there is nothing to compare with; every secret asks again when it is opened.
    """
    if sentence := why_master_key_is_wrong():
        raise SystemExit(sentence)


def watch_master_key() -> None:
    """Ask again every few seconds, in a thread, and end the process where the key was rotated meanwhile.

    SIGTERM, so that what is running comes to its end; whoever starts the process again must give it the right key.
    """
    threading.Thread(target=_watch, name="master key", daemon=True).start()


def why_master_key_is_wrong() -> str | None:
    """A sentence; None where the key is right, or where nobody can say."""
    try:
        check_master_key()
    except WrongMasterKey:
        path: Path | None = settings.MASTER_KEY_FILE
        if path is not None and _is_right(next_to(path)):
            return _INTERRUPTED.format(path=next_to(path))
        return _WRONG
    except DatabaseError:
        return None
    return None


def _is_right(path: Path) -> bool:
    try:
        return path.exists() and is_master_key(read_key("CHANCERY_MASTER_KEY", path))
    except Misconfigured:
        return False


def _watch() -> None:
    while True:
        # Not time.sleep: this ends with the interpreter, and never before.
        threading.Event().wait(_SECONDS)
        try:
            sentence = why_master_key_is_wrong()
        except Exception:
            # Whatever it is, requests and tasks will say it better; this thread must go on.
            log.warning("the master key could not be checked", exc_info=True)
            continue
        finally:
            connections.close_all()
        if sentence:
            log.critical("%s This process ends.", sentence)
            os.kill(os.getpid(), signal.SIGTERM)
            return

"""The PKCS#11 token that the settings name: module loaded, logged in and a session open, once for each process.

Loading, login and session begin with the first use, after any fork. The library tells the module that one thread at a
time will call it (PKCS#11 v2.40, C_Initialize without arguments), so a process uses its session under one lock; other
processes have their own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from django.conf import settings

from kernel.errors import Unavailable
from kernel.text import _

# A token that hangs must not take every thread with it.
_PATIENCE: Final = 30.0


class _Process:
    """What this process holds of the token; a forked child begins with nothing."""

    def __init__(self, *, is_forked: bool = False) -> None:
        self.lock = threading.Lock()
        self.is_forked = is_forked
        self.session: Any = None


_process = _Process()


def _after_fork() -> None:
    global _process
    _process = _Process(is_forked=True)


os.register_at_fork(after_in_child=_after_fork)


def require_configured() -> None:
    """Raises Unavailable where the settings name no token."""
    if not settings.PKCS11_MODULE:
        raise Unavailable(_("No PKCS#11 token is configured here."), code="backend-missing")


def library() -> ModuleType:
    """python-pkcs11, which comes with the extra `pkcs11`. Raises Unavailable where it is not installed."""
    try:
        import pkcs11
    except ImportError as error:
        raise Unavailable(_("PKCS#11 needs the Python package python-pkcs11."), code="backend-missing") from error
    return pkcs11


@contextmanager
def session() -> Iterator[Any]:
    """The session of this process, for one thread at a time.

    Raises Unavailable: nothing is configured, the token is not there, or it says no.
    """
    require_configured()
    pkcs11 = library()
    process = _process
    if not process.lock.acquire(timeout=_PATIENCE):
        raise Unavailable(_("The PKCS#11 token does not answer."), code="token-busy")
    try:
        yield _opened(process, pkcs11)
    except pkcs11.PKCS11Error as error:
        # Whatever it was, the next one begins with a new session.
        process.session = None
        text = _("The PKCS#11 token failed: %(error)s.")
        raise Unavailable(text, code="token-failed", error=type(error).__name__) from error
    finally:
        process.lock.release()


def _opened(process: _Process, pkcs11: ModuleType) -> Any:
    if process.session is None:
        module = pkcs11.lib(settings.PKCS11_MODULE)
        if process.is_forked:
            # The module believes in the parent's login and sessions, which are not this process's.
            module.reinitialize()
            process.is_forked = False
        process.session = _logged_in(module.get_token(token_label=settings.PKCS11_TOKEN), pkcs11)
    return process.session


def _logged_in(token: Any, pkcs11: ModuleType) -> Any:
    """A session that may make keys. A login belongs to the process, not to the session that made it."""
    try:
        return token.open(rw=True, user_pin=settings.PKCS11_PIN.reveal().decode())
    except pkcs11.UserAlreadyLoggedIn:
        return token.open(rw=True)

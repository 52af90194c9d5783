"""Wrong passphrases are counted: five in a quarter of an hour, and the door stays shut for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.cache import cache

from kernel.errors import Denied, TooMany
from kernel.text import _

_MOST: Final = 5
_WINDOW: Final = 15 * 60


class WrongPassphrase(Denied):
    """The passphrase does not open this key."""

    code = "wrong-passphrase"


@contextmanager
def counted(name: str, *, what: str) -> Iterator[None]:
    """Count every WrongPassphrase that the block raises under this name; `what` is what people call the thing.

    Raises TooMany in place of entering the block for a sixth guess.
    """
    counter = f"passphrase-guesses:{name}"
    if cache.get(counter, 0) >= _MOST:
        text = _("Too many wrong passphrases for %(ca)s; try again in a quarter of an hour.")
        raise TooMany(text, retry_after=_WINDOW, code="passphrase-locked", ca=what)
    try:
        yield
    except WrongPassphrase:
        cache.add(counter, 0, _WINDOW)
        cache.incr(counter)
        raise
    cache.delete(counter)

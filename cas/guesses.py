"""Guesses at passphrases: five wrong ones in a quarter of an hour, however many try at once.

There are five places. Whoever tries takes one first; a wrong guess keeps its place for a quarter of an hour, a right
one gives it back. So nobody slips in between a question and a count, and no count has to be right.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.cache import cache

from kernel.errors import Denied, TooMany, Unavailable
from kernel.text import _

log = logging.getLogger(__name__)

_MOST: Final = 5
_WINDOW: Final = 15 * 60
# Longer than any try takes: a process that died in the middle of one does not keep its place for ever.
_TRYING_SECONDS: Final = 120
# So long somebody waits for others who are trying at this moment.
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05
_TRYING, _WRONG = "trying", "wrong"


class WrongPassphrase(Denied):
    """The passphrase does not open this key."""

    code = "wrong-passphrase"


@contextmanager
def counted(name: str, *, what: str) -> Iterator[None]:
    """Let the block try a passphrase; it says by WrongPassphrase that it was a wrong one. `what` people call the thing.

    A right one does not give wrong ones back: else who guesses would only wait for somebody who knows. Raises TooMany
    in place of entering the block, Unavailable where the cache is gone: what cannot be counted is not tried.
    """
    place = _take_place(f"passphrase-guesses:{name}", what)
    is_wrong = False
    try:
        yield
    except WrongPassphrase:
        is_wrong = True
        raise
    finally:
        _leave(place, is_wrong=is_wrong)


def _take_place(name: str, what: str) -> str:
    places = [f"{name}:{number}" for number in range(_MOST)]
    until = time.monotonic() + _PATIENCE_SECONDS
    try:
        while True:
            for place in places:
                if cache.add(place, _TRYING, _TRYING_SECONDS):
                    return place
            if list(cache.get_many(places).values()) == [_WRONG] * _MOST:
                text = _("Too many wrong passphrases for %(ca)s; try again in a quarter of an hour.")
                raise TooMany(text, retry_after=_WINDOW, code="passphrase-locked", ca=what)
            if time.monotonic() >= until:
                text = _("Too many passphrases are being tried for %(ca)s at this moment.")
                raise TooMany(text, retry_after=1, code="passphrase-busy", ca=what)
            time.sleep(_PAUSE_SECONDS)
    except TooMany:
        raise
    except Exception as error:
        # Whatever client the cache has.
        text = _("Wrong passphrases cannot be counted at the moment, so none is tried.")
        raise Unavailable(text, code="guesses-not-counted") from error


def _leave(place: str, *, is_wrong: bool) -> None:
    try:
        if is_wrong:
            cache.set(place, _WRONG, _WINDOW)
        else:
            cache.delete(place)
    except Exception:
        # The place is free again after a while; what was tried is answered all the same.
        log.warning("a try of a passphrase could not be counted: no cache", exc_info=True)

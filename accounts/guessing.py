"""Counting guesses, in the cache that all web processes share. What cannot be counted is not let in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

from accounts.address_ranges import network_of

WINDOW_SECONDS: Final = 15 * 60
# Wrong passwords within a quarter of an hour: for one name from one address; for one name from anywhere; from one
# address for any names. The first stops somebody who guesses; the others many who guess together, and one who tries
# everybody, and are so wide that nobody is kept out by others.
TRIES: Final = 10
TRIES_OF_NAME: Final = 100
TRIES_OF_ADDRESS: Final = 100


@dataclass(frozen=True, slots=True)
class Tries:
    """So many in a quarter of an hour (or the window that is named), by whoever or for whatever `parts` say.

    Each is counted before it is made, and given back where it was a right one: nobody slips in between a question
    and a count, however many try at once.
    """

    key: str
    most: int
    window: int = WINDOW_SECONDS

    @classmethod
    def of(cls, kind: str, *parts: object, most: int, window: int = WINDOW_SECONDS) -> Tries:
        who = "\0".join(str(part) for part in parts)
        return cls(f"tries:{kind}:{hashlib.sha256(who.encode()).hexdigest()}", most, window)

    def take(self) -> bool:
        """Count a try; False where there were as many already, and nothing may be tried."""
        cache.add(self.key, 0, self.window)
        try:
            count = cache.incr(self.key)
        except ValueError:
            # It lapsed between the two.
            return self.take()
        if count > self.most:
            self.give_back()
            return False
        return True

    def give_back(self) -> None:
        with suppress(ValueError):
            cache.decr(self.key)

    def forget(self) -> None:
        cache.delete(self.key)


@dataclass(frozen=True, slots=True)
class PasswordTries:
    """What a try at somebody's password counts against, on whichever way it comes."""

    here: Tries
    everywhere: Tries
    of_address: Tries

    @classmethod
    def of(cls, name: str, address: str | None) -> PasswordTries:
        name, network = one_name(name), network_of(address)
        return cls(
            here=Tries.of("name-at-address", network, name, most=TRIES),
            everywhere=Tries.of("name", name, most=TRIES_OF_NAME),
            of_address=Tries.of("address", network, most=TRIES_OF_ADDRESS),
        )

    def take(self) -> bool:
        """Count a try; False where nothing may be tried."""
        return take_all([self.here, self.everywhere, self.of_address])

    def was_right(self) -> None:
        self.here.forget()
        self.everywhere.give_back()
        self.of_address.give_back()


def one_name(name: str) -> str:
    """A name as it is counted: as databases compare names without case, to which `ı` is an `i` and `ſ` an `s`."""
    return name.strip().upper()


def take_all(several: Iterable[Tries]) -> bool:
    """Count a try in each; in none where one of them has no more."""
    taken: list[Tries] = []
    for tries in several:
        if not tries.take():
            for each in taken:
                each.give_back()
            return False
        taken.append(tries)
    return True

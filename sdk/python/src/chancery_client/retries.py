"""When a call is made again, and how long is waited before."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Callable, Optional

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})


def _full_jitter(longest: float) -> float:
    return random.uniform(0, longest)  # noqa: S311 (spreads clients out; nothing is kept secret by it)


@dataclass(frozen=True)
class Retries:
    """How often and how patiently a call is repeated that found nobody, or nobody who had time.

    Before each repetition a random part of `first_delay` is waited, of twice that, and so on up to `longest_delay`; or
    what the server asks for (`Retry-After`), up to `longest_wait`. Where it asks for more, the error is raised at once.
    Times are in seconds.
    """

    limit: int = 4
    first_delay: float = 0.5
    longest_delay: float = 8.0
    longest_wait: float = 60.0
    jitter: Callable[[float], float] = field(default=_full_jitter, repr=False)

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ValueError("retries: a number that is not negative")

    def delay(self, repetition: int, asked: Optional[float]) -> Optional[float]:
        """Seconds before the repetition with this number, the first being 0; None: it is not to be made."""
        if repetition >= self.limit:
            return None
        if asked is not None:
            return asked if asked <= self.longest_wait else None
        return self.jitter(min(self.longest_delay, self.first_delay * 2**repetition))

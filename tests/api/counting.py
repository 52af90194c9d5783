"""Requests without a credential from several processes at once, as the web processes of one machine have them.

    python -m tests.api.counting PROCESSES REQUESTS [PATH]

Prints the status of every answer.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import django

django.setup()

from django_ratelimit import core as ratelimit  # noqa: E402

from tests.api.wire import Wire  # noqa: E402
from tests.forks import forked, tell  # noqa: E402

PATH = "/api/v2/stats"


def ask(requests: int, path: str) -> None:
    wire = Wire()
    for _ in range(requests):
        tell(wire.send("GET", path, Host="localhost").status_code)


def stop_the_clock() -> None:
    """However long it takes: it is one minute, and what is counted in it is not forgotten."""
    now = time.time()
    ratelimit.time = SimpleNamespace(time=lambda: now)
    ratelimit.EXPIRATION_FUDGE = 600


if __name__ == "__main__":
    stop_the_clock()
    processes, requests = map(int, sys.argv[1:3])
    place = sys.argv[3] if len(sys.argv) > 3 else PATH
    # So that every view is loaded once, and not in each process.
    ask(1, place)
    assert not any(forked([lambda: ask(requests, place)] * processes))

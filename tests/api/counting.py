"""Requests without a credential from several processes at once, as the web processes of one machine have them.

    python -m tests.api.counting PROCESSES REQUESTS [PATH]

Prints the status of every answer.
"""

from __future__ import annotations

import sys

import django

django.setup()

from tests.api.wire import Wire  # noqa: E402
from tests.forks import forked, tell  # noqa: E402

PATH = "/api/v2/stats"


def ask(requests: int, path: str) -> None:
    wire = Wire()
    for _ in range(requests):
        tell(wire.send("GET", path, Host="localhost").status_code)


if __name__ == "__main__":
    processes, requests = map(int, sys.argv[1:3])
    place = sys.argv[3] if len(sys.argv) > 3 else PATH
    # So that every view is loaded once, and not in each process.
    ask(1, place)
    assert not any(forked([lambda: ask(requests, place)] * processes))

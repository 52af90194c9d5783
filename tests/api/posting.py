"""Processes of their own at the test's database, which ask the API under one `Idempotency-Key`.

    python -m tests.api.posting FOLDER together TOKEN PATH BODY PROCESSES
    python -m tests.api.posting FOLDER die TOKEN PATH BODY POINT…

`together` posts the same in as many processes at once, each until it has a final answer, and prints what each of them
got. `die` posts once for each point, with the point for a key, in a process that is killed there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import django

django.setup()

from api.common import idempotency, remembered  # noqa: E402
from audit import services as audit  # noqa: E402
from certificates.services import minting  # noqa: E402
from tests.api.wire import Wire  # noqa: E402
from tests.forks import Point, act_at, forked, tell, wait_for  # noqa: E402
from tests.forks import die as die_here  # noqa: E402

PATIENCE_SECONDS = 200.0

# Where a process can be told to end.
POINTS: dict[str, Point] = {
    "before-lock": (remembered, "_take_turn", False),
    "after-lock": (remembered, "_take_turn", True),
    "before-signing": (minting, "sign_certificate", False),
    "after-signing": (minting, "sign_certificate", True),
    "after-audit": (audit, "record", True),
    "before-keeping": (remembered, "_keep", False),
    "after-keeping": (remembered, "_keep", True),
    "after-commit": (idempotency, "answer_once", True),
}


def together(folder: Path, token: str, path: str, body: str, processes: str) -> None:
    count = int(processes)
    # So that every view is loaded once, and not in each process.
    Wire(token).get("/api/v2/stats")
    works = [lambda number=number: _post_until_answered(folder, number, count, token, path, body)
             for number in range(count)]  # fmt: skip
    ends = forked(works)
    assert not any(ends), ends


def _post_until_answered(folder: Path, number: int, count: int, token: str, path: str, body: str) -> None:
    (folder / f"ready-{number}").touch()
    wait_for(lambda: len(list(folder.glob("ready-*"))) == count, PATIENCE_SECONDS)
    wire, tries = Wire(token), 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        tries += 1
        answer = wire.post(path, body.encode(), **{"Idempotency-Key": "one-for-all"})
        if answer.status_code != 409:
            tell(answer.status_code, answer.headers.get("Location"), sha256(answer.content).hexdigest(), tries)
            return
        time.sleep(int(answer.headers["Retry-After"]))
    raise TimeoutError("it was never answered")


def die(folder: Path, token: str, path: str, body: str, *points: str) -> None:
    for point in points:
        (end,) = forked([lambda point=point: _post_and_die(token, path, body, point)])
        tell(point, end)


def _post_and_die(token: str, path: str, body: str, point: str) -> None:
    act_at(POINTS[point], die_here)
    Wire(token).post(path, json.loads(body) | {"description": point}, **{"Idempotency-Key": point})


WORKS: dict[str, Callable[..., None]] = {"together": together, "die": die}

if __name__ == "__main__":
    WORKS[sys.argv[2]](Path(sys.argv[1]), *sys.argv[3:])

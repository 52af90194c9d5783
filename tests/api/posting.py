"""Processes of their own at the test's database, which ask the API under one `Idempotency-Key`.

    python -m tests.api.posting FOLDER together TOKEN PATH BODY PROCESSES
    python -m tests.api.posting FOLDER die TOKEN PATH BODY POINT…

`together` posts the same in as many processes at once, each until it has a final answer, and prints what each of them
got. `die` posts once for each point, with the point for a key, in a process that is killed there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import django
from django.db import connections

django.setup()

from api.common import idempotency, remembered  # noqa: E402
from audit import services as audit  # noqa: E402
from certificates.services import minting  # noqa: E402
from tests.api.wire import Wire  # noqa: E402

PATIENCE_SECONDS = 40.0

# Where a process can be told to end: the module and the step, and whether the step itself still happens.
POINTS: dict[str, tuple[Any, str, bool]] = {
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
    ends = _fork(works)
    assert not any(ends), ends


def _post_until_answered(folder: Path, number: int, count: int, token: str, path: str, body: str) -> None:
    (folder / f"ready-{number}").touch()
    _wait_for(lambda: len(list(folder.glob("ready-*"))) == count)
    wire, tries = Wire(token), 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        tries += 1
        answer = wire.post(path, body.encode(), **{"Idempotency-Key": "one-for-all"})
        if answer.status_code != 409:
            _tell(answer.status_code, answer.headers.get("Location"), sha256(answer.content).hexdigest(), tries)
            return
        time.sleep(int(answer.headers["Retry-After"]))
    raise TimeoutError("it was never answered")


def die(folder: Path, token: str, path: str, body: str, *points: str) -> None:
    for point in points:
        (end,) = _fork([lambda point=point: _post_and_die(token, path, body, point)])
        _tell(point, end)


def _post_and_die(token: str, path: str, body: str, point: str) -> None:
    module, name, happens = POINTS[point]
    real = getattr(module, name)

    def replaced(*arguments: Any, **named: Any) -> Any:
        if happens:
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, replaced)
    Wire(token).post(path, json.loads(body) | {"description": point}, **{"Idempotency-Key": point})


def _fork(works: list[Callable[[], None]]) -> list[int]:
    """Do these at once, each in a process of its own, forked because a start takes seconds; how they ended."""
    connections.close_all()
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            _do_and_leave(work)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _do_and_leave(work: Callable[[], None]) -> NoReturn:
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def _tell(*words: object) -> None:
    """A line for the test, in one write, since several processes write to the same pipe."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


WORKS: dict[str, Callable[..., None]] = {"together": together, "die": die}

if __name__ == "__main__":
    WORKS[sys.argv[2]](Path(sys.argv[1]), *sys.argv[3:])

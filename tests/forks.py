"""For programs that a test starts at its database: work in several processes, and work that is killed at a point."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from django.db import connections

# A point: the module and the step of it, and whether the step itself still happens.
Point = tuple[Any, str, bool]


def forked(works: list[Callable[[], None]]) -> list[int]:
    """Do these at once, each in a process of its own, forked because a start takes seconds; how they ended."""
    connections.close_all()
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            _do_and_leave(work)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def act_at(point: Point, act: Callable[[], None]) -> None:
    """From now on this is done before or after the step."""
    module, name, happens = point
    real = getattr(module, name)

    def replaced(*arguments: Any, **named: Any) -> Any:
        if not happens:
            act()
        result = real(*arguments, **named)
        if happens:
            act()
        return result

    setattr(module, name, replaced)


def die() -> None:
    """As a process does that is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(0.01)


def tell(*words: object) -> None:
    """A line for the test, in one write, since several processes write to the same pipe."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def _do_and_leave(work: Callable[[], None]) -> NoReturn:
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

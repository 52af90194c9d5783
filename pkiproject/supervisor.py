"""Runs several programs as one: they start together, and none outlives the others."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from pkiproject.processes import Program

_POLL_SECONDS: Final = 0.1
_GRACE_SECONDS: Final = 15.0
_PR_SET_PDEATHSIG: Final = 1


def supervise(
    programs: Sequence[Program],
    *,
    is_up: Callable[[], bool],
    when_up: Callable[[], None],
    say: Callable[[str], None],
) -> int:
    """Run `programs` until SIGINT, SIGTERM or SIGHUP, or until one of them ends; then stop the others.

    `when_up` is called once, as soon as `is_up()` holds. A program that has not ended `_GRACE_SECONDS` after it was
    asked to is killed. Returns 0 when it was asked to stop, 1 when a program ended by itself. Call it in the main
    thread.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    running = [(program, _start(program)) for program in programs]
    announced = False
    try:
        while not stop.wait(_POLL_SECONDS):
            for program, process in running:
                if process.poll() is not None:
                    say(f"The {program.name} {_ending(process.returncode)}; the rest is stopped.")
                    return 1
            if not announced and is_up():
                announced = True
                when_up()
        return 0
    finally:
        _stop_all([process for _, process in running])
        for number, handler in previous.items():
            signal.signal(number, handler)


def _start(program: Program) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C in the terminal reaches this process alone, which then stops all in order.
    return subprocess.Popen(  # noqa: S603
        program.command, start_new_session=True, preexec_fn=_end_with_parent if sys.platform == "linux" else None
    )


def _end_with_parent() -> None:
    """Even where the parent is killed without a chance to say so (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        # The whole group: a program that was killed has left its own children behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"has ended with status {code}"

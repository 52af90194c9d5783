"""Chancery as its users start it: real processes on a free port, with a state folder of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 240.0


def environment(**settings: str) -> dict[str, str]:
    """The environment of this process with no setting of Chancery but these."""
    ours = ("CHANCERY_", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | settings


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` with these arguments and settings, to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**settings), capture_output=True, text=True, timeout=600, check=False
    )


@dataclass(frozen=True)
class Running:
    """A `manage.py` process that was started, and where its output goes."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def children(self) -> list[int]:
        """In the order in which they were started."""
        return _children(self.process.pid)

    def descendants(self) -> list[int]:
        return _descendants(self.process.pid)

    def wait_for(self, sentence: str) -> None:
        self.wait_until(lambda: sentence in self.output() or self.process.poll() is not None, sentence)
        assert sentence in self.output(), self.output()

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"in vain waited for: {what}\n{self.output()}")
            time.sleep(0.05)

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def running(command: str, *, state: Path, **settings: str) -> Iterator[Running]:
    """`manage.py COMMAND` with its state in `state`; nothing of it is left afterwards."""
    port = free_port()
    log = state.parent / f"{state.name}-{port}.log"
    names = {"CHANCERY_STATE_DIR": str(state), "CHANCERY_PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command.split()],
            cwd=ROOT,
            env=environment(**(names | settings)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    started = Running(process, port, log)
    try:
        yield started
    finally:
        family = [*started.descendants(), process.pid]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not yet reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _descendants(pid: int) -> list[int]:
    children = _children(pid)
    return [*children, *(grandchild for child in children for grandchild in _descendants(child))]

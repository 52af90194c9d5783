"""Several at once on a real PostgreSQL: processes that can be stopped or killed, threads with their own sessions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, connections

from audit import services as audit
from audit.events import EventName

PATIENCE_SECONDS = 240.0
_ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Child:
    """A process at the same database as the test."""

    process: subprocess.Popen[str]
    folder: Path

    def finish(self) -> str:
        """What it printed. Fails the test where it did not end well."""
        output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, errors
        return output.strip()

    def end(self) -> tuple[int, str]:
        """How it ended, and what it wrote to its log."""
        _output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, errors

    def wait_until_stopped(self) -> None:
        """Until it stands at its stopping point."""
        wait_for(lambda: (self.folder / "reached").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[1]

    def let_go(self) -> None:
        (self.folder / "go").touch()


def start_child(folder: Path, *arguments: object, module: str = "tests.certificates.crash.child") -> Child:
    """`python -m MODULE FOLDER …` with the test's own database and keys."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(folder), *map(str, arguments)],
        cwd=_ROOT,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Child(process, folder)


def child_environment() -> dict[str, str]:
    """The environment of a process that shall work at the test's own database, with its keys."""
    database = connection.settings_dict
    login = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    return os.environ | {
        "DATABASE_URL": f"postgresql://{login}@{database['HOST']}:{database['PORT']}/{database['NAME']}",
        "CHANCERY_CHECKPOINT_DIR": str(settings.AUDIT_CHECKPOINT_DIR),
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
    }


@dataclass
class Session:
    """Something that runs in a thread, on a connection of its own."""

    work: Callable[[], Any]
    result: Any = None
    error: BaseException | None = None
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()

    def finish(self) -> Any:
        """Its result, or its exception."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "it hangs"
        if self.error is not None:
            raise self.error
        return self.result

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()


class Gate:
    """A place where a thread stops until the test lets it go."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        self._reached.set()
        assert self._open.wait(PATIENCE_SECONDS), "nobody opened the gate"

    def wait_until_reached(self) -> None:
        assert self._reached.wait(PATIENCE_SECONDS), "nobody came to the gate"

    def open(self) -> None:
        self._open.set()


def stop_before_commit(monkeypatch: pytest.MonkeyPatch, *events: EventName) -> Gate:
    """A gate for the first who records one of these events: all is written then, and nothing is committed."""
    gate, real = Gate(), audit.record
    waiting = [gate]

    def record(actor: Any, event: EventName, *arguments: Any, **facts: Any) -> Any:
        written = real(actor, event, *arguments, **facts)
        if event in events and waiting:
            waiting.pop().pass_through()
        return written

    monkeypatch.setattr(audit, "record", record)
    return gate


def wait_until_blocked(*, sessions: int = 1) -> None:
    """Until so many sessions of this database wait for a lock of another."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def they_wait() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return bool(cursor.fetchone()[0] >= sessions)

    wait_for(they_wait)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)

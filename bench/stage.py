"""What stands while something is measured: a filled database, Redis, Chancery's web server and the floor's."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg

from bench.meters import cpu_seconds, memory_mb, tree
from tests.processes import ROOT, environment
from tests.servers import Server, free_port, postgresql, redis

WEB_PROCESSES, WEB_THREADS = 2, 4
PATIENCE_SECONDS = 240.0
# As a careful owner would run it: every commit is on the disk before it is answered, and the indexes have some room.
POSTGRESQL_OPTIONS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "max_connections": "120",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}
# A register that was measured has grown; beyond this it is filled anew, so that its size stays what its name says.
_MOST_GROWTH = 1.1
_SMALL_CHANGE = 1000
_FLOOR = ("--interface", "wsgi", "--host", "127.0.0.1", "--http", "1", "--log-level", "warning", "--no-ws")


class NotReady(Exception):
    """Something that the bench starts did not come up; the message has its log."""


@dataclass(frozen=True)
class WebServer:
    """A granian of two processes, and where it answers."""

    port: int
    process: subprocess.Popen[bytes]


@dataclass(frozen=True)
class Register:
    """One filled database: what is known of it, and the settings by which a process works on it."""

    database: str
    folder: Path
    office: dict[str, Any]
    environment: dict[str, str]

    def run(self, module: str, *arguments: object) -> Any:
        """The JSON document that `python -m MODULE …` prints. Raises NotReady where it fails."""
        return json.loads(run(self.environment, module, *arguments))


@dataclass(frozen=True)
class Stage:
    """A register with the servers on it."""

    register: Register
    chancery: WebServer
    floor: WebServer
    stores: tuple[int, ...]

    @property
    def database(self) -> str:
        return self.register.database

    @property
    def office(self) -> dict[str, Any]:
        return self.register.office

    def store_cpu_seconds(self) -> float:
        """What PostgreSQL and Redis have used; SQLite works inside the web processes."""
        return cpu_seconds(self.stores)


def web_cpu_seconds(server: WebServer) -> float:
    return cpu_seconds([server.process.pid])


def web_memory_mb(server: WebServer) -> float:
    return memory_mb([server.process.pid])


class House:
    """The folder that keeps the filled databases between runs, and the servers that all stages share."""

    def __init__(self, folder: Path, postgres: Server | None, cache: Server) -> None:
        self.folder, self._postgres, self._cache = folder, postgres, cache
        self._caches_given = 0

    @contextlib.contextmanager
    def stage(self, database: str, rows: int, revoked: int, *, live: int = 1) -> Iterator[Stage]:
        """That register, with Chancery and the floor behind their web servers."""
        register = self.register(database, rows, revoked, live=live)
        run(register.environment, "bench.floor", register.folder / "answer.der")
        with contextlib.ExitStack() as servers:
            chancery = servers.enter_context(_chancery(register))
            floor = servers.enter_context(_floor(register))
            stores = (self._cache.process.pid, *([self._postgres.process.pid] if database == "postgresql" else []))
            yield Stage(register, chancery, floor, stores)

    def register(self, database: str, rows: int, revoked: int, *, live: int = 1) -> Register:
        """A register of so many rows, the first `revoked` of them revoked, and at least `live` in force."""
        name = f"{rows}-{revoked}"
        folder = self.folder / database / name
        settings, office_file = self._settings(database, name, folder), folder / "office.json"
        while True:
            if not office_file.exists() or not _fits_the_models(folder / "migrations.json"):
                say(f"filling {database} with {rows:,} certificates, {revoked:,} of them revoked …")
                self._empty(database, name, folder)
                (folder / "migrations.json").write_text(json.dumps(_migrations()))
            run(settings, "bench.fill", folder, rows, revoked, live)
            office: dict[str, Any] = json.loads(office_file.read_text())
            if office["rows"] <= _MOST_GROWTH * max(rows, revoked + live) + _SMALL_CHANGE:
                return Register(database, folder, office, settings)
            office_file.unlink()

    def _empty(self, database: str, name: str, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        if database == "postgresql":
            assert self._postgres  # noqa: S101
            with psycopg.connect(self._postgres.url, autocommit=True) as administration:
                administration.execute(f'DROP DATABASE IF EXISTS "{name}"')
                administration.execute(f'CREATE DATABASE "{name}"')

    def _settings(self, database: str, name: str, folder: Path) -> dict[str, str]:
        url = f"sqlite:///{folder / 'chancery.sqlite3'}"
        if database == "postgresql":
            assert self._postgres  # noqa: S101
            url = self._postgres.url.rpartition("/")[0] + "/" + name
        self._caches_given += 1
        return environment(
            DJANGO_SETTINGS_MODULE="pkiproject.settings",
            DATABASE_URL=url,
            REDIS_URL=f"{self._cache.url.rpartition('/')[0]}/{self._caches_given % 16}",
            CHANCERY_STATE_DIR=str(folder),
            CHANCERY_BASE_URL="http://localhost:8000",
            CHANCERY_RATE_LIMITS="off",
            CHANCERY_WEB_PROCESSES=str(WEB_PROCESSES),
            CHANCERY_WEB_THREADS=str(WEB_THREADS),
            PYTHONPATH=str(ROOT),
            **_keys(self.folder / "keys.json"),
        )


@contextlib.contextmanager
def house(folder: Path, databases: tuple[str, ...]) -> Iterator[House]:
    """One bench at a time: a second one in the same folder is refused. Raises NotReady."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    # Ends like Ctrl-C does: by way of every `finally`, so that no server is left behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with contextlib.ExitStack() as servers:
        lock = servers.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady(f"another bench works in {folder}") from None
        postgres = None
        if "postgresql" in databases:
            kept_in = folder / "postgresql-server"
            kept_in.mkdir(mode=0o700, exist_ok=True)
            postgres = servers.enter_context(postgresql(kept_in, POSTGRESQL_OPTIONS))
        yield House(folder, postgres, servers.enter_context(redis()))


def say(sentence: str) -> None:
    """Where it stands, for whoever waits."""
    print(sentence, file=sys.stderr, flush=True)


def _fits_the_models(migrations_file: Path) -> bool:
    """Whether the migrations that made a register are still what they were; new ones are simply applied."""
    applied: dict[str, str] = json.loads(migrations_file.read_text())
    return applied.items() <= _migrations().items()


def _migrations() -> dict[str, str]:
    files = sorted(ROOT.glob("*/migrations/0*.py"))
    return {str(file.relative_to(ROOT)): sha256(file.read_bytes()).hexdigest() for file in files}


def _keys(path: Path) -> dict[str, str]:
    """Keys of the bench alone, as old as its folder."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps({f"CHANCERY_{name}_KEY": secrets.token_hex(32) for name in ("MASTER", "SECRET")}))
    keys: dict[str, str] = json.loads(path.read_text())
    return keys


def run(settings: dict[str, str], module: str, *arguments: object) -> str:
    """The output of `python -m MODULE …` with these settings. Raises NotReady where it fails."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=settings, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotReady(f"{module} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _chancery(register: Register) -> contextlib.AbstractContextManager[WebServer]:
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "web"]
    settings = register.environment | {"CHANCERY_PORT": str(port)}
    return _serving(command, settings, port, "/healthz", register.folder / "web.log")


def _floor(register: Register) -> contextlib.AbstractContextManager[WebServer]:
    """The same server with the same number of processes and threads."""
    port = free_port()
    size = ("--port", str(port), "--workers", str(WEB_PROCESSES), "--blocking-threads", str(WEB_THREADS))
    command = [sys.executable, "-m", "granian", *_FLOOR, *size, "bench.floor:application"]
    return _serving(command, register.environment, port, "/stored/1", register.folder / "floor.log")


@contextlib.contextmanager
def _serving(
    command: list[str], settings: dict[str, str], port: int, probe: str, log_file: Path
) -> Iterator[WebServer]:
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _answers(port, probe):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotReady(f"nothing answers on port {port}:\n{log_file.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)
        yield WebServer(port, process)
    finally:
        # A server that does not end at once may leave its workers behind.
        workers = [pid for pid in tree([process.pid]) if pid != process.pid]
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def _answers(port: int, path: str) -> bool:
    probe = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        probe.request("GET", path, headers={"Host": "localhost"})
        return probe.getresponse().status in (200, 404)
    except (OSError, HTTPException):
        return False
    finally:
        probe.close()

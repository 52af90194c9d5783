"""Run Chancery, or one of its parts."""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pkiproject import processes
from pkiproject.supervisor import supervise

_PARTS: Final = {
    "web": processes.web,
    "worker": processes.worker,
    "clock": processes.clock,
    "tls-alpn": processes.tls_alpn,
}


class Command(BaseCommand):
    help = "Run the web server, a worker and the clock together, or one part in the place of this process."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", nargs="?", choices=["all", *_PARTS], default="all")

    def handle(self, *args: Any, part: str, **options: Any) -> None:
        processes.make_queue_folders()
        if part in ("all", "web") and (problem := processes.why_port_is_not_free()):
            raise CommandError(problem)
        if part in ("all", "web"):
            processes.make_metrics_folder()
        if part != "all":
            command = _PARTS[part]().command
            sys.stdout.flush()
            os.execv(command[0], command)  # noqa: S606
        listeners = [processes.tls_alpn()] if settings.TLS_ALPN_PORT else []
        code = supervise(
            [processes.web(), processes.worker(), processes.clock(), *listeners],
            is_up=web_server_answers,
            when_up=self._say_where_to_go,
            say=self.stderr.write,
        )
        self.stdout.write("Chancery has stopped.")
        sys.exit(code)

    def _say_where_to_go(self) -> None:
        self.stdout.write(f"\nChancery is ready: {settings.BASE_URL}/\nCtrl-C stops it.\n")


def web_server_answers() -> bool:
    """Whether the web server of this machine answers a probe now."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    host = anywhere.get(settings.SERVER_HOST, settings.SERVER_HOST)
    probe = HTTPConnection(host, settings.SERVER_PORT, timeout=2)
    try:
        probe.request("GET", "/healthz")
        return probe.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        probe.close()

"""The listener that answers tls-alpn-01."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from acme_client.tls_alpn_listener import TlsAlpnListener


class Command(BaseCommand):
    help = "Answer challenges of tls-alpn-01 (RFC 8737) at CHANCERY_TLS_ALPN_PORT, until it is stopped."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.TLS_ALPN_PORT:
            raise CommandError(
                "Set CHANCERY_TLS_ALPN_PORT: to 443, or to where a proxy sends what asks for acme-tls/1."
            )
        try:
            listener = TlsAlpnListener(settings.SERVER_HOST, settings.TLS_ALPN_PORT)
        except OSError as error:
            place = f"{settings.SERVER_HOST} port {settings.TLS_ALPN_PORT}"
            raise CommandError(f"Cannot listen on {place}: {error.strerror}.") from error
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: listener.stop())
        listener.serve()

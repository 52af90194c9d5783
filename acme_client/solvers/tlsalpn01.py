"""tls-alpn-01 (RFC 8737): our listener answers, from the database, where one runs (`acme_client.tls_alpn_listener`)."""

from __future__ import annotations

from django.conf import settings

from acme_client.models import AcmeChallenge
from acme_client.solvers.protocol import Presented


class TlsAlpnSolver:
    """There is nothing to publish but the row itself. Without a listener somebody else's has to answer."""

    def present(self, challenge: AcmeChallenge) -> Presented:
        return Presented(by_hand=not settings.TLS_ALPN_PORT)

    def is_ready(self, challenge: AcmeChallenge) -> bool:
        return bool(settings.TLS_ALPN_PORT)

    def clean(self, challenge: AcmeChallenge) -> None:
        """An order that is over is not answered for."""

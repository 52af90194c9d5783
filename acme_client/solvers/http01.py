"""http-01 (RFC 8555 section 8.3): any web process answers, from the database (`acme_client.public`)."""

from __future__ import annotations

from acme_client.models import AcmeChallenge
from acme_client.solvers.protocol import Presented


class HttpSolver:
    """There is nothing to publish but the row itself."""

    def present(self, challenge: AcmeChallenge) -> Presented:
        return Presented()

    def is_ready(self, challenge: AcmeChallenge) -> bool:
        return True

    def clean(self, challenge: AcmeChallenge) -> None:
        """An order that is over is not answered for."""

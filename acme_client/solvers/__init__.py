"""How names are proven to public CAs: three ways, one Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from acme_client.models import AcmeOrder
from acme_client.solvers.dns01 import DnsSolver
from acme_client.solvers.http01 import HttpSolver
from acme_client.solvers.protocol import Presented, Solver, SolverError
from acme_client.solvers.tlsalpn01 import TlsAlpnSolver

__all__ = ["SOLVERS", "Presented", "Solver", "SolverError"]

SOLVERS: Final[Mapping[str, Solver]] = {
    AcmeOrder.Challenge.HTTP: HttpSolver(),
    AcmeOrder.Challenge.DNS: DnsSolver(),
    AcmeOrder.Challenge.TLS_ALPN: TlsAlpnSolver(),
}

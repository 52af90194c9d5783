"""All the chains of a CA that has several certificates, or whose ancestors have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from django.db.models import Q

from cas.models import CaCertificate, CertificateAuthority
from cas.selectors import CaChain, ca_certificates

_MOST_CHAINS: Final = 16
# A dozen CAs that certify each other make millions of ways, most of which end nowhere.
_MOST_STEPS: Final = 500
_LONGEST_CHAIN: Final = 10


def chains_of(ca: CertificateAuthority) -> list[CaChain]:
    """Every chain of this CA, the preferred one first: those who trust one root cannot always follow the other.

    At most sixteen, of ten CAs each. Revoked certificates lead nowhere. Empty where the CA has no certificate yet.
    """
    walk = _Walk()
    _follow(ca, (), (), walk)
    return walk.found


@dataclass(slots=True)
class _Walk:
    """The ways up that were found, by the certificates of each CA that was met."""

    edges: dict[int, list[CaCertificate]] = field(default_factory=dict)
    found: list[CaChain] = field(default_factory=list)
    steps: int = 0


def _follow(
    ca: CertificateAuthority,
    authorities: tuple[CertificateAuthority, ...],
    certificates: tuple[x509.Certificate, ...],
    walk: _Walk,
) -> None:
    """Go up by every certificate that may be followed, and keep each way that ends."""
    walk.steps += 1
    if ca in authorities or len(authorities) == _LONGEST_CHAIN:
        return
    if ca.pk not in walk.edges:
        standing = ca_certificates(ca).filter(Q(revoked_at__isnull=True) | Q(preferred=True))
        walk.edges[ca.pk] = list(standing.order_by("-preferred", "-not_after"))
    for row in walk.edges[ca.pk]:
        if len(walk.found) == _MOST_CHAINS or walk.steps > _MOST_STEPS:
            return
        path, way = (*authorities, ca), (*certificates, row.certificate)
        if row.issuer is None or row.issuer_id == ca.pk:
            walk.found.append(CaChain(path, way))
        else:
            _follow(row.issuer, path, way, walk)

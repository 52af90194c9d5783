"""CAs above and below one another: the chains to sign by and to show, and the locks that issuing stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from django.db import connection
from django.db.models import Q

from accounts.models import WrappingKey
from accounts.rows import select, select_together
from cas import addresses, locks
from cas.core.leaf import IssuerFacts
from cas.models import CaCertificate, CaKey, CertificateAuthority
from cas.selectors import ca_certificates, ca_not_found
from kernel.errors import Invalid, Unavailable
from kernel.text import _

Status = CertificateAuthority.Status

_MOST_CHAINS: Final = 16
# A dozen CAs that certify each other make millions of ways, most of which end nowhere.
_MOST_STEPS: Final = 500
_LONGEST_CHAIN: Final = 10

# Those above come first, as in `lock_subtree`, so that nobody waits in a circle. A CA may be younger than its parent:
# the order of the ids does not say who is above.
_CHAIN_IDS_SQL = """
    WITH RECURSIVE chain(id, parent_id, height) AS (
        SELECT id, parent_id, 0 FROM cas_certificateauthority WHERE id IN ({places})
        UNION
        SELECT above.id, above.parent_id, chain.height + 1
        FROM cas_certificateauthority above JOIN chain ON above.id = chain.parent_id WHERE chain.height < 20
    )
    SELECT id, MAX(height) AS height FROM chain GROUP BY id ORDER BY height DESC, id
"""
_CHAIN_SQL = """
    JOIN ({ids}) place ON place.id = cas_certificateauthority.id
    LEFT JOIN cas_cakey ON cas_cakey.id = cas_certificateauthority.key_id
    LEFT JOIN accounts_wrappingkey ON accounts_wrappingkey.organization_id = cas_cakey.organization_id
        AND accounts_wrappingkey.purpose = 'ca-key'
    LEFT JOIN cas_cacertificate ON cas_cacertificate.ca_id = cas_certificateauthority.id AND cas_cacertificate.preferred
    ORDER BY place.height DESC, cas_certificateauthority.id {lock}
"""

_KEY_SHARE = "FOR KEY SHARE OF cas_certificateauthority"


@dataclass(frozen=True, slots=True)
class CaChain:
    """The certificates from a CA up to its root, and whose they are."""

    authorities: tuple[CertificateAuthority, ...]
    certificates: tuple[x509.Certificate, ...]

    def facts(self, *, shard: int = 0) -> IssuerFacts:
        """What the core needs to know of an issuer."""
        ca = self.authorities[0]
        return IssuerFacts(
            certificate=self.certificates[0],
            ancestors=self.certificates[1:],
            crl_url=addresses.crl_url(ca, shard),
            ocsp_url=addresses.ocsp_url(ca),
            ca_issuers_url=addresses.ca_issuers_url(ca),
        )


def chain_of(ca: CertificateAuthority) -> CaChain:
    """The chain to show or hand out; nothing is locked."""
    rows = _chain_rows(_CHAIN_IDS_SQL.format(places="%s"), [ca.pk])
    return certificates_of(_upwards(rows, ca.pk))


def certificates_of(chain: Sequence[CertificateAuthority]) -> CaChain:
    """The preferred certificate of each. Raises Unavailable where one has none yet."""
    found = {ca.pk: ca.fetched_certificate.certificate for ca in chain if ca.fetched_certificate is not None}
    if missing := [ca.pk for ca in chain if ca.pk not in found]:
        places = ", ".join(["%s"] * len(missing))
        preferred = select(CaCertificate, f"WHERE preferred AND ca_id IN ({places})", missing)
        found |= {row.ca_id: row.certificate for row in preferred}
    for ca in chain:
        if ca.pk not in found:
            raise Unavailable(_("%(ca)s has no certificate yet."), code="ca-without-certificate", ca=ca.name)
    return CaChain(tuple(chain), tuple(found[ca.pk] for ca in chain))


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


def lock_chain(ca_id: int) -> tuple[CertificateAuthority, ...]:
    """The CA (with its `key`) and those above it, itself first, locked against a change of their status to the commit.

    PostgreSQL: FOR KEY SHARE from the root downwards, which waits for a revocation's FOR UPDATE and blocks none of its
    own kind. The ORM has no such lock, hence the SQL. SQLite has one writer at a time, so reading is enough there.
    """
    return lock_chains([ca_id])[ca_id]


def lock_chains(ca_ids: Sequence[int]) -> dict[int, tuple[CertificateAuthority, ...]]:
    """`lock_chain` of several CAs at once: one after the other, they could wait in a circle with somebody else."""
    ids = _CHAIN_IDS_SQL.format(places=", ".join(["%s"] * len(ca_ids)))
    locks.share_turn(ids, *ca_ids)
    rows = _chain_rows(ids, ca_ids, lock=_KEY_SHARE if connection.vendor == "postgresql" else "")
    return {ca_id: _upwards(rows, ca_id) for ca_id in ca_ids}


def lock_subtree(ca_id: int) -> list[CertificateAuthority]:
    """The CA and all below it, parents first, locked for a change of their status. Waits for issuances in flight.

    The CA itself is locked before its children are enumerated, so that none can be added meanwhile.
    """
    found: list[CertificateAuthority] = []
    level = [ca_id]
    while level:
        locks.take_turn(level)
        rows = CertificateAuthority.objects.select_for_update(of=("self",)).filter(pk__in=level).order_by("id")
        found += rows
        level = list(
            CertificateAuthority.objects.filter(parent_id__in=level).order_by("id").values_list("pk", flat=True)
        )
    return found


def lock_alone(ca_id: int) -> CertificateAuthority:
    """The CA without those below it, for a change of what it is or of where it stands. Waits for issuances in flight.

    Whoever locks CAs above it as well does that first.
    """
    locks.take_turn([ca_id])
    rows = CertificateAuthority.objects.select_for_update(of=("self",)).select_related("organization", "key")
    return rows.get(pk=ca_id)


def stands_below(ca_id: int, other_id: int) -> bool:
    """Whether the CA is the other one, or below it."""
    with connection.cursor() as cursor:
        cursor.execute(_CHAIN_IDS_SQL.format(places="%s"), [ca_id])
        return other_id in {found for found, _height in cursor.fetchall()}


def subtree_ids(ca_id: int) -> list[int]:
    """The CA and all below it; nothing is locked."""
    found: list[int] = []
    level = [ca_id]
    while level:
        found += level
        below = CertificateAuthority.objects.filter(parent_id__in=level).exclude(pk__in=found)
        level = list(below.order_by("id").values_list("pk", flat=True))
    return found


def require_able_to_sign(chain: Sequence[CertificateAuthority]) -> None:
    """Raises Unavailable where the CA, or one above it, is not in service."""
    for ca in chain:
        if ca.status in (Status.DISABLED, Status.REVOKED, Status.PENDING) or (
            ca is chain[0] and ca.status != Status.ACTIVE
        ):
            text = _("%(ca)s cannot issue: %(blocker)s is %(status)s.")
            raise Unavailable(text, code="ca-not-active", ca=chain[0].name, blocker=ca.name, status=ca.status)


def _chain_rows(ids: str, ca_ids: Sequence[int], lock: str = "") -> dict[int, CertificateAuthority]:
    """The CAs with what is needed to sign by them: key, what that is sealed under, and preferred certificate."""
    rows: dict[int, CertificateAuthority] = {}
    for ca, key, wrapping_key, certificate in select_together(
        (CertificateAuthority, CaKey, WrappingKey, CaCertificate), _CHAIN_SQL.format(ids=ids, lock=lock), ca_ids
    ):
        if key is not None:
            ca.key, key.wrapping_key = key, wrapping_key
        ca.fetched_certificate = certificate
        rows[ca.pk] = ca
    return rows


def _upwards(rows: dict[int, CertificateAuthority], ca_id: int) -> tuple[CertificateAuthority, ...]:
    if ca_id not in rows:
        raise ca_not_found()
    chain = [rows[ca_id]]
    while (parent := chain[-1].parent_id) is not None:
        if len(chain) > len(rows):
            raise Invalid(_("The chain of this CA has a loop."), code="chain-loop")
        if parent not in rows:
            raise Invalid(_("The chain of this CA is too long."), code="chain-too-long")
        chain.append(rows[parent])
    return tuple(chain)

"""What an organization judges certificates by: its own CAs, its trust anchors, and what its register says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509

from cas import selectors
from cas.core.reading import UNREADABLE, raw_field
from cas.core.reasons import parse_reason
from cas.core.validation.evidence import Source, Standing, Statement
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from certificates.models import Revocation
from kernel.actor import Actor

_MOST_ROUNDS: Final = 12
_MOST_CERTIFICATES: Final = 200
_NEVER_TRUSTED: Final = (
    CertificateAuthority.Status.PENDING,
    CertificateAuthority.Status.REVOKED,
    CertificateAuthority.Status.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Trusted:
    """`anchors` is where chains may end; `own` are certificates of CAs that are known here, to build with."""

    anchors: tuple[x509.Certificate, ...]
    own: tuple[CaCertificate, ...]

    @property
    def own_certificates(self) -> tuple[x509.Certificate, ...]:
        return tuple(row.certificate for row in self.own)


def trusted_by(organization_id: int, shown: Iterable[x509.Certificate], *, visible_to: Actor) -> Trusted:
    """Its trust anchors, and of its own CAs those that may stand above what is shown.

    A root whose key is here is an anchor, unless it was revoked. What an actor is let to decides which CAs it builds
    with: to single ones, then those and the ones above them, and no trust anchor.
    """
    own = _own_above(organization_id, shown, _reach(visible_to))
    roots = [row.certificate for row in own if _is_anchor(row)]
    rows = selectors.trust_anchors(visible_to=visible_to).filter(organization_id=organization_id)
    return Trusted(anchors=(*roots, *(row.certificate for row in rows)), own=tuple(own))


def register_statements(
    own: Iterable[CaCertificate], certificates: Iterable[x509.Certificate]
) -> Mapping[tuple[bytes, int], Statement]:
    """What the register says of those that one of these CAs may have issued, by the CA's key and the serial number.

    That a serial number is good is said only where the key is here, and nobody else could have used it.
    """
    keys: dict[int, bytes] = {}
    by_name: dict[str, set[int]] = {}
    with_key = set()
    for row in own:
        keys[row.ca_id] = raw_field(row.certificate, "spki")
        by_name.setdefault(row.ca.subject_hash, set()).add(row.ca_id)
        if row.ca.has_key:
            with_key.add(row.ca_id)
    wanted = {
        (ca_id, f"{certificate.serial_number:x}")
        for certificate in certificates
        for ca_id in by_name.get(_name_hash(certificate), ())
    }
    found = _statements(wanted, with_key)
    return {(keys[ca_id], int(serial, 16)): statement for (ca_id, serial), statement in found.items()}


def _statements(wanted: set[tuple[int, str]], with_key: set[int]) -> dict[tuple[int, str], Statement]:
    ca_ids, serials = {ca_id for ca_id, _serial in wanted}, {serial for _ca_id, serial in wanted}
    issued = IssuedSerial.objects.filter(ca_id__in=ca_ids & with_key, serial__in=serials, is_intent=False)
    found = {
        (ca_id, serial): Statement(standing=Standing.GOOD, source=Source.REGISTER)
        for ca_id, serial in issued.values_list("ca_id", "serial")
    }
    for row in Revocation.objects.filter(ca_id__in=ca_ids, serial__in=serials, lifted_at__isnull=True):
        if row.ca_id is None:
            # What a public CA has revoked stands on its own lists.
            continue
        found[row.ca_id, row.serial] = Statement(
            standing=Standing.REVOKED,
            source=Source.REGISTER,
            since=min(row.at, row.invalidity) if row.invalidity else row.at,
            reason=parse_reason(row.reason),
        )
    return {pair: statement for pair, statement in found.items() if pair in wanted}


def _reach(actor: Actor) -> set[int] | None:
    """The CAs that the actor is let to, and those above them; None: all of the organization."""
    if actor.grants is None:
        return None
    reach, level = set[int](), {grant.ca_id for grant in actor.grants}
    while level:
        reach |= level
        above = CertificateAuthority.objects.filter(pk__in=level, parent__isnull=False)
        level = set(above.values_list("parent_id", flat=True)) - reach
    return reach


def _own_above(organization_id: int, shown: Iterable[x509.Certificate], reach: set[int] | None) -> list[CaCertificate]:
    """Upwards by names, a level at a time: an organization may have very many CAs."""
    rows = CaCertificate.objects.select_related("ca").filter(ca__organization_id=organization_id)
    if reach is not None:
        rows = rows.filter(ca_id__in=reach)
    found: dict[int, CaCertificate] = {}
    known, level = set[str](), {_name_hash(certificate) for certificate in shown}
    for _round in range(_MOST_ROUNDS):
        here = rows.filter(ca__subject_hash__in=level).order_by("-preferred", "-pk")[:_MOST_CERTIFICATES]
        new = {row.pk: row for row in here if row.pk not in found}
        found |= new
        known |= level
        level = {_name_hash(row.certificate) for row in new.values()} - known
        if not level or len(found) >= _MOST_CERTIFICATES:
            break
    return list(found.values())


def _is_anchor(row: CaCertificate) -> bool:
    return (
        row.kind == CaCertificate.Kind.SELF_SIGNED
        and row.revoked_at is None
        and row.ca.has_key
        and row.ca.status not in _NEVER_TRUSTED
    )


def _name_hash(certificate: x509.Certificate) -> str:
    """How the CA that has issued it would be found by its name."""
    try:
        return sha256(raw_field(certificate, "issuer")).hexdigest()
    except UNREADABLE:
        return ""

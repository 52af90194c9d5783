"""The step that reserves serial numbers. Nothing is signed that has not been through here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from django.db import IntegrityError, transaction

from accounts.rows import insert
from cas import intents
from cas.core.signing import LintedDraft
from cas.models import CertificateAuthority, IssuedSerial
from kernel.errors import Conflict
from kernel.text import _


def new_serial() -> int:
    """159 random bits: unguessable, positive, at most 20 octets (RFC 5280 4.1.2.2)."""
    return x509.random_serial_number()


def serial_text(serial: int) -> str:
    """As serials are stored: lower-case hex without padding."""
    return f"{serial:x}"


def reserve_serial(
    ca: CertificateAuthority,
    serial: int,
    kind: IssuedSerial.Kind,
    *,
    not_after: datetime,
    tbs_sha256: str,
    shard: int = 0,
    is_new: bool = False,
) -> IssuedSerial:
    """Claim (ca, serial) for exactly these to-be-signed bytes; the database's unique constraint is the referee.

    Where the CA's key signs outside this process, the claim is committed before this returns (`cas.intents`). Not so
    for a CA that `is_new`: what it signs in the transaction that makes it is its own certificate, of no use to anyone
    who does not know the CA. Raises Conflict, after which the transaction can only be rolled back, and Unavailable.
    """
    row = IssuedSerial(
        organization_id=ca.organization_id,
        ca=ca,
        serial=serial_text(serial),
        kind=kind,
        not_after=not_after,
        tbs_sha256=tbs_sha256,
        shard=shard,
    )
    _reserve(ca, [row], is_new=is_new)
    return row


def reserve_leaf_serials(ca: CertificateAuthority, drafts: Sequence[LintedDraft]) -> None:
    """`reserve_serial` for end-entity certificates, all of them or none."""
    _reserve(
        ca,
        [
            IssuedSerial(
                organization_id=ca.organization_id,
                ca=ca,
                serial=serial_text(draft.plan.serial),
                kind=IssuedSerial.Kind.LEAF,
                not_after=draft.plan.not_after,
                tbs_sha256=draft.tbs_sha256,
                shard=shard_of(draft.plan.serial, ca),
            )
            for draft in drafts
        ],
    )


def shard_of(serial: int, ca: CertificateAuthority) -> int:
    """Which CRL shard a new certificate of this CA points to; 0 is the full CRL."""
    return serial % ca.crl_shards + 1 if ca.crl_shards else 0


def _reserve(ca: CertificateAuthority, reservations: Sequence[IssuedSerial], *, is_new: bool = False) -> None:
    if not is_new and ca.key is not None and ca.key.signs_outside and _announced(reservations):
        return
    try:
        # Without a savepoint: nobody goes on in a transaction whose serial number was taken.
        with transaction.atomic(savepoint=False):
            insert(reservations)
    except IntegrityError as error:
        raise Conflict(_("The serial number has been used."), code="serial-used") from error


def _announced(reservations: Sequence[IssuedSerial]) -> bool:
    """Whether an intent was committed. Not for a CA that this transaction makes, as where it `is_new`."""
    try:
        intents.announce(reservations)
    except intents.NobodyKnowsIt:
        return False
    intents.fulfil(reservations)
    return True

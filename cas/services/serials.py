"""The step that reserves a serial number. Nothing is signed that has not been through here."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from django.db import IntegrityError, transaction

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
) -> IssuedSerial:
    """Claim (ca, serial) for exactly these to-be-signed bytes; the database's unique constraint is the referee.

    Raises Conflict.
    """
    try:
        with transaction.atomic():
            return IssuedSerial.objects.create(
                organization_id=ca.organization_id,
                ca=ca,
                serial=serial_text(serial),
                kind=kind,
                not_after=not_after,
                tbs_sha256=tbs_sha256,
                shard=shard,
            )
    except IntegrityError as error:
        raise Conflict(_("The serial number has been used."), code="serial-used") from error


def shard_of(serial: int, ca: CertificateAuthority) -> int:
    """Which CRL shard a new certificate of this CA points to; 0 is the full CRL."""
    return serial % ca.crl_shards + 1 if ca.crl_shards else 0

"""Certificates of public CAs, taken into the register as they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from django.db import IntegrityError, transaction

from audit import services as audit
from cas.core.formats import to_der, to_pem
from cas.core.general_names import general_name_text
from cas.core.keys import algorithm_of, public_key_sha256, supported
from cas.core.names import common_name, format_name, name_to_mapping
from cas.core.reading import extension_of
from cas.services.serials import serial_text
from certificates.models import Certificate, CertificateBody, ImportedChain
from certificates.services.issuance import record_issued
from certificates.services.minting import name_rows, sealed_key, tag_rows
from kernel.actor import Actor
from kernel.errors import Conflict
from kernel.secret import Secret
from kernel.text import _

Custody = Certificate.KeyCustody

_LONGEST_COMMON_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicArrival:
    """A certificate that was ordered, found to be the one, with its chain (issuer first) and its key (PKCS#8 DER).

    `renew_at` None: nobody renews it by itself.
    """

    organization_id: int
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: Secret | None
    replaces: Certificate | None
    tags: tuple[str, ...]
    description: str
    renew_at: datetime | None


@transaction.atomic
def store_public_certificate(*, actor: Actor, requester: Actor, arrival: PublicArrival) -> Certificate:
    """The certificate as a row, in the name of whoever has ordered it; its key waits there to be collected.

    Raises Conflict: it is in the register already.
    """
    sans = tuple(extension_of(arrival.certificate.extensions, x509.SubjectAlternativeName) or ())
    row = _row(requester, arrival, sans)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This certificate is in the register already."), code="certificate-known") from error
    CertificateBody.of(row, to_der(arrival.certificate)).save(force_insert=True)
    for each in (*name_rows(row, sans), *tag_rows(row)):
        each.save(force_insert=True)
    if arrival.chain:
        pem = to_pem(*arrival.chain)
        ImportedChain.objects.create(certificate=row, organization_id=row.organization_id, pem=pem)
    if arrival.private_key is not None:
        sealed_key(row, arrival.private_key).save(force_insert=True)
    record_issued(actor, row)
    return row


def _row(requester: Actor, arrival: PublicArrival, sans: tuple[x509.GeneralName, ...]) -> Certificate:
    certificate = arrival.certificate
    public_key = supported(certificate.public_key())
    return Certificate(
        organization_id=arrival.organization_id,
        serial=serial_text(certificate.serial_number),
        subject=format_name(certificate.subject),
        subject_attributes=name_to_mapping(certificate.subject),
        common_name=(common_name(certificate.subject) or "")[:_LONGEST_COMMON_NAME],
        sans=[general_name_text(san) for san in sans],
        issuer_name=format_name(certificate.issuer),
        key_algorithm=algorithm_of(public_key),
        key_hash=public_key_sha256(public_key),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=sha256(to_der(certificate)).hexdigest(),
        source=Certificate.Source.ACME,
        key_custody=Custody.SUBSCRIBER if arrival.private_key is None else Custody.WAITING,
        requester_kind=requester.kind,
        requester_id=requester.id,
        requester_label=requester.label,
        owner_id=requester.person_id,
        replaces=arrival.replaces,
        tags=list(arrival.tags),
        description=arrival.description,
        auto_renew=arrival.renew_at is not None,
        renew_at=arrival.renew_at,
        event=audit.new_event_id(),
    )

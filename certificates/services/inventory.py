"""Certificates of others, many at once: taken into the register one by one, and each told for itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from cryptography import x509

from accounts import policy
from accounts.selectors import get_organization
from cas.core.chain import order_chain
from cas.core.formats import load_certificates, to_der, to_pem
from cas.core.keyfiles import KeyFile, holds_key, read_key_file
from cas.core.keys import same_key, serialize_private_key, supported
from cas.core.names import format_name
from cas.core.reading import UNREADABLE, is_authority
from certificates.import_orders import ImportOrder, InventoryOrder
from certificates.models import Certificate
from certificates.selectors import certificates
from certificates.services.editing import active_member, no_such_member
from certificates.services.imports import import_certificate
from certificates.services.labels import label_errors
from kernel.actor import Actor
from kernel.errors import Conflict, DomainError, Invalid
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import Text

LONGEST: Final = 2 * 1024 * 1024
MOST: Final = 250


class Fate(StrEnum):
    """What became of a certificate that was handed over."""

    IMPORTED = "imported"
    KNOWN = "known"
    # Of a CA: it goes into the chains that lead to it, and is no entry of the register.
    AUTHORITY = "authority"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Arrived:
    """One certificate of a file, by its subject and its SHA-256 fingerprint, and what became of it.

    `certificate` is its row, where there is one that the actor may see.
    """

    subject: str
    fingerprint: str
    fate: Fate
    certificate: Certificate | None = None
    reasons: tuple[Text, ...] = ()
    with_key: bool = False


def import_file(*, actor: Actor, order: InventoryOrder) -> list[Arrived]:
    """Take the certificates of a file into the register, each in its own transaction, in the order of the file.

    Raises NotFound (organization), Denied, Invalid: the file cannot be read (`file`, `private_key`, `password`), is
    longer than 2 MB or holds more than 250 certificates; nobody has this address (`owner`); `tags`, `description`.
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=organization.pk)
    if errors := label_errors(order.tags, order.description):
        raise Invalid(errors=errors)
    if order.owner is not None and active_member(organization.pk, order.owner) is None:
        raise no_such_member()
    key_file, found = _read(order)
    authorities = [each for each in found if _is_authority(each)]
    return [_take(actor, order, each, authorities, key_file) for each in dict.fromkeys(found)]


def _read(order: InventoryOrder) -> tuple[KeyFile | None, Sequence[x509.Certificate]]:
    raw = order.file.reveal()
    if not holds_key(raw):
        return None, load_certificates(raw, field="file", longest=LONGEST, most=MOST)
    key_file = read_key_file(order.file, order.password)
    return key_file, key_file.certificates


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return is_authority(certificate)
    except UNREADABLE:
        return False


def _take(
    actor: Actor,
    order: InventoryOrder,
    certificate: x509.Certificate,
    authorities: Collection[x509.Certificate],
    key_file: KeyFile | None,
) -> Arrived:
    der = to_der(certificate)
    arrived = Arrived(format_name(certificate.subject), sha256(der).hexdigest(), Fate.IMPORTED)
    if certificate in authorities:
        return replace(arrived, fate=Fate.AUTHORITY)
    try:
        key = _key_of(certificate, key_file) if order.keeps_key else None
        wanted = ImportOrder(
            organization=order.organization,
            certificate=der,
            private_key=key,
            chain=to_pem(*order_chain(certificate, authorities)).encode(),
            owner=order.owner,
            tags=order.tags,
            description=order.description,
        )
        row = import_certificate(actor=actor, order=wanted)
    except Conflict as refusal:
        known = certificates(visible_to=actor).filter(fingerprint=arrived.fingerprint).first()
        return replace(arrived, fate=Fate.KNOWN, certificate=known, reasons=(refusal.message,))
    except DomainError as refusal:
        return replace(arrived, fate=Fate.REFUSED, reasons=_reasons(refusal))
    return replace(arrived, certificate=row, with_key=key is not None)


def _key_of(certificate: x509.Certificate, key_file: KeyFile | None) -> Secret | None:
    """The key of the file, where it is that of the certificate. Raises Invalid."""
    public_key = supported(certificate.public_key(), field="certificate")
    if key_file is None or not same_key(key_file.key.public_key(), public_key):
        return None
    return serialize_private_key(key_file.key, encoding="der")


def _reasons(refusal: DomainError) -> tuple[Text, ...]:
    if isinstance(refusal, Invalid) and refusal.errors:
        return tuple(each.message for each in refusal.errors)
    return (refusal.message,)

"""CAs that another CA certifies, an offline root for one: a key and a CSR first, the certificate when it comes."""

from __future__ import annotations

from cryptography import x509
from django.db import transaction

from accounts import policy
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from cas import keystore
from cas.chains import lock_alone
from cas.core import names
from cas.core.formats import read_certificates
from cas.core.signing import sign_csr
from cas.models import CaCertificate, CertificateAuthority
from cas.orders import PendingAuthorityOrder
from cas.services.founding import (
    LONGEST_NAME,
    insert_authority,
    name_hash,
    new_key,
    reference,
    terms_errors,
    wrong_status,
)
from cas.services.outside import FIELD, about_key, accept_certificates
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid, field_error
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

Status = CertificateAuthority.Status


def create_pending_authority(
    *, actor: Actor, order: PendingAuthorityOrder, predecessor: CertificateAuthority | None = None
) -> CertificateAuthority:
    """A CA with a key and without a certificate; `sign_authority_csr` is what goes to the CA that is to certify it.

    Raises NotFound (organization), Denied, Invalid with every violation, Conflict (the name is taken), Unavailable.
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(
        actor,
        Permission.CAS_CREATE,
        organization_id=organization.pk,
        ca_id=predecessor.pk if predecessor else None,
    )
    errors = terms_errors(order, order.key_backend) + names.name_errors(order.subject)
    if not order.subject.rdns:
        errors.append(field_error("subject", "blank", _("a CA must have a name (RFC 5280 4.1.2.6)")))
    if errors:
        raise Invalid(errors=errors)
    with new_key(actor, order) as key, transaction.atomic():
        kept = keystore.keep_key(key, organization=organization, passphrase=order.passphrase)
        ca = insert_authority(
            order,
            organization=organization,
            subject=names.rebuilt(order.subject),
            public_key=key.public_key,
            key=kept,
            status=Status.PENDING,
            predecessor=predecessor,
        )
        audit.record(
            actor,
            EventName.CA_REQUESTED,
            reference(ca),
            organization_id=organization.pk,
            event_id=ca.event,
            successor_of=predecessor.name if predecessor else None,
            subject=ca.subject,
            key_algorithm=ca.key_algorithm,
            key_backend=kept.backend,
        )
        return ca


@transaction.atomic
def sign_authority_csr(
    *, actor: Actor, ca: CertificateAuthority, passphrase: Secret | None = None
) -> x509.CertificateSigningRequest:
    """A CSR for this CA, as often as it is asked for: for its first certificate, or for one that follows.

    Raises Denied (permission, passphrase), Unavailable (the key is locked, or not here), TooMany.
    """
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    with keystore.open_signer(ca, passphrase=passphrase, for_itself=ca.status == Status.PENDING) as signer:
        subject = signer.certificate.subject if signer.certificate else _subject(ca)
        request = sign_csr(subject, signer)
    audit.record(actor, EventName.CA_CSR_SIGNED, reference(ca), organization_id=ca.organization_id)
    return request


@transaction.atomic
def complete_authority(*, actor: Actor, ca: CertificateAuthority, certificates: bytes) -> CertificateAuthority:
    """The certificate of a pending CA has come: PEM, DER or PKCS#7, with its chain where that is not known here.

    Unknown CAs above it are added as CAs from outside. Raises Denied, Invalid on `certificates` with every reason
    against them, Conflict (it is not pending; a CA above is revoked).
    """
    policy.require(actor, Permission.CAS_CREATE, organization_id=ca.organization_id, ca_id=ca.pk)
    row, event = _take(ca, certificates, expected=Status.PENDING)
    row.ca.status = Status.ACTIVE
    row.ca.save(update_fields=["status"])
    _record(actor, EventName.CA_COMPLETED, row, event)
    return row.ca


@transaction.atomic
def add_authority_certificate(*, actor: Actor, ca: CertificateAuthority, certificates: bytes) -> CaCertificate:
    """Another certificate for a CA in service, from the CA that certified it or from another; it becomes preferred.

    Raises Denied, Invalid on `certificates`, Conflict (it is not in service; the certificate is known).
    """
    policy.require(actor, Permission.CAS_CREATE, organization_id=ca.organization_id, ca_id=ca.pk)
    row, event = _take(ca, certificates, expected=Status.ACTIVE)
    _record(actor, EventName.CA_CERTIFICATE_ADDED, row, event)
    return row


@transaction.atomic
def cancel_authority(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """Nobody waits for the certificate of a pending CA any more: its key is destroyed, and its name is free again.

    A key on a token stays where it is. Raises Denied, Conflict (the CA is not pending).
    """
    policy.require(actor, Permission.CAS_CREATE, organization_id=ca.organization_id, ca_id=ca.pk)
    row = lock_alone(ca.pk)
    if row.status != Status.PENDING:
        raise wrong_status(row)
    resource, key = reference(row), row.key
    row.status, row.key, row.passphrase_protected = Status.CANCELLED, None, False
    row.name = f"{row.name[: LONGEST_NAME - 30]} (cancelled {row.pk})"
    row.save(update_fields=["status", "key", "passphrase_protected", "name"])
    if key is not None:
        key.delete()
    audit.record(actor, EventName.CA_CANCELLED, resource, organization_id=row.organization_id, subject=row.subject)
    return row


def _take(ca: CertificateAuthority, certificates: bytes, *, expected: str) -> tuple[CaCertificate, str]:
    given = read_certificates(certificates, field=FIELD)
    if not ca.has_key:
        raise Conflict(_("The key of %(ca)s is not kept here."), code="ca-without-key", ca=ca.name)
    own = about_key(given, ca.key_hash)
    if not own:
        raise Invalid.of(FIELD, "other-key", _("none of the certificates is about the key of %(ca)s"), ca=ca.name)
    event = audit.new_event_id()
    return accept_certificates(ca, own, given, status=expected, event=event), event


def _subject(ca: CertificateAuthority) -> x509.Name:
    """The name of a CA that has no certificate to read it from."""
    subject = names.parse_name(ca.subject)
    if name_hash(subject) != ca.subject_hash:
        raise Conflict(_("The name of %(ca)s cannot be read any more."), code="name-unreadable", ca=ca.name)
    return subject


def _record(actor: Actor, name: EventName, row: CaCertificate, event: str) -> None:
    audit.record(
        actor,
        name,
        reference(row.ca),
        organization_id=row.organization_id,
        event_id=event,
        issuer=row.issuer.name if row.issuer else None,
        serial=row.serial,
        fingerprint=row.fingerprint,
        not_after=row.not_after,
    )

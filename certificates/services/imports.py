"""Certificates that were issued elsewhere, or by a CA of ours before it came here, taken into the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509
from django.db import IntegrityError, transaction

from accounts import policy
from accounts.models import Organization
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from cas import selectors as cas_selectors
from cas.chains import lock_chain
from cas.core.chain import is_issued_by, order_chain
from cas.core.formats import read_certificate, read_certificates, to_der, to_pem
from cas.core.general_names import general_name_text
from cas.core.keyfiles import read_key_file
from cas.core.keys import PublicKey, algorithm_of, public_key_sha256, same_key, serialize_private_key, supported
from cas.core.names import common_name, format_name, name_to_mapping
from cas.core.reading import extension_of, is_authority
from cas.models import CertificateAuthority, IssuedSerial
from cas.services.founding import wrong_status
from cas.services.serials import serial_text
from certificates.import_orders import ImportOrder
from certificates.models import Certificate, CertificateBody, ImportedChain
from certificates.selectors import open_revocation
from certificates.services.editing import active_member, no_such_member
from certificates.services.issuance import reference
from certificates.services.labels import label_errors
from certificates.services.minting import name_rows, sealed_key, tag_rows
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

Custody = Certificate.KeyCustody
State = Certificate.State

_LONGEST_SERIAL: Final = 40
_LONGEST_COMMON_NAME: Final = 64
# What was reserved under these kinds is a CA's own or a responder's.
_LEAVES: Final = frozenset({IssuedSerial.Kind.LEAF, IssuedSerial.Kind.IMPORTED})


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What was handed over, read and found to belong together."""

    certificate: x509.Certificate
    public_key: PublicKey
    sans: tuple[x509.GeneralName, ...]
    chain: tuple[x509.Certificate, ...]
    private_key: Secret | None

    @property
    def der(self) -> bytes:
        return to_der(self.certificate)

    @property
    def serial(self) -> str:
        return serial_text(self.certificate.serial_number)


@transaction.atomic
def import_certificate(*, actor: Actor, order: ImportOrder) -> Certificate:
    """Take a certificate into the register. Under `order.ca` it can be revoked like every other, if that CA's key is
    here; one that the CA has revoked already comes in revoked. What is in the register without a CA is put under it.

    Raises NotFound (organization, CA), Denied, Invalid with everything that is wrong on `certificate`, `private_key`,
    `password`, `chain`, `ca` and `owner`, Conflict (it is known already; the CA has used its serial number for another
    certificate, or is revoked).
    """
    organization, ca = _place(actor, order)
    arrival = _read(order, ca)
    if ca is not None and lock_chain(ca.pk)[0].status == CertificateAuthority.Status.REVOKED:
        raise wrong_status(ca)
    known = _known(organization, arrival)
    if known is not None:
        return _link(actor, known, ca)
    try:
        with transaction.atomic():
            return _store(actor, order, organization, ca, arrival)
    except IntegrityError as error:
        # Somebody else was faster by a moment.
        raise _is_known() from error


def _place(actor: Actor, order: ImportOrder) -> tuple[Organization, CertificateAuthority | None]:
    organization = get_organization(order.organization, visible_to=actor)
    ca = cas_selectors.get_ca(order.ca, visible_to=actor) if order.ca else None
    if ca is not None and ca.organization_id != organization.pk:
        raise cas_selectors.ca_not_found()
    if ca is None:
        policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=organization.pk)
    else:
        policy.require(actor, Permission.CAS_WRITE, organization_id=organization.pk, ca_id=ca.pk)
    return organization, ca


def _read(order: ImportOrder, ca: CertificateAuthority | None) -> _Arrival:
    certificate = read_certificate(order.certificate)
    public_key = supported(certificate.public_key(), field="certificate")
    sans = tuple(extension_of(certificate.extensions, x509.SubjectAlternativeName) or ())
    errors = [*_certificate_errors(certificate, sans), *label_errors(order.tags, order.description)]
    private_key = _read_key(order, public_key, errors)
    chain = _read_chain(order, certificate, errors)
    if ca is not None and not any(
        is_issued_by(certificate, each.certificate) for each in cas_selectors.ca_certificates(ca)
    ):
        errors.append(field_error("ca", "bad-signature", _("%(ca)s has not signed this certificate."), ca=ca.name))
    if errors:
        raise Invalid(errors=errors)
    return _Arrival(certificate, public_key, sans, chain, private_key)


def _certificate_errors(certificate: x509.Certificate, sans: Sequence[x509.GeneralName]) -> list[FieldError]:
    field, errors = "certificate", []
    if is_authority(certificate):
        text = _("This is the certificate of a CA: add it to the CAs, or trust it as an anchor.")
        errors.append(field_error(field, "is-authority", text))
    if not 0 <= certificate.serial_number < 16**_LONGEST_SERIAL:
        text = _("The serial number is longer than 20 octets, or negative (RFC 5280 4.1.2.2).")
        errors.append(field_error(field, "bad-serial", text))
    names = [format_name(certificate.subject), common_name(certificate.subject) or "", *map(general_name_text, sans)]
    if any("\0" in name for name in names):
        errors.append(field_error(field, "unprintable", _("A name in it holds a NUL character.")))
    return errors


def _read_key(order: ImportOrder, public_key: PublicKey, errors: list[FieldError]) -> Secret | None:
    if order.private_key is None:
        return None
    try:
        key = read_key_file(order.private_key, order.password).key
    except Invalid as error:
        errors += error.errors
        return None
    if not same_key(key.public_key(), public_key):
        errors.append(field_error("private_key", "key-mismatch", _("This is not the key of the certificate.")))
    return serialize_private_key(key, encoding="der")


def _read_chain(
    order: ImportOrder, certificate: x509.Certificate, errors: list[FieldError]
) -> tuple[x509.Certificate, ...]:
    """The CAs above the certificate, issuer first; whatever stands beside them is an error."""
    if not order.chain:
        return ()
    try:
        given = [each for each in read_certificates(order.chain, field="chain") if each != certificate]
    except Invalid as error:
        errors += error.errors
        return ()
    chain = order_chain(certificate, given)
    if set(chain) != set(given):
        text = _("Not every certificate in it has signed another one that leads to this certificate.")
        errors.append(field_error("chain", "not-in-chain", text))
    return chain


def _known(organization: Organization, arrival: _Arrival) -> Certificate | None:
    rows = Certificate.objects.select_for_update(of=("self",)).filter(organization=organization)
    return rows.filter(fingerprint=sha256(arrival.der).hexdigest()).first()


def _is_known() -> Conflict:
    return Conflict(_("This certificate is in the register already."), code="certificate-known")


def _link(actor: Actor, row: Certificate, ca: CertificateAuthority | None) -> Certificate:
    """Put what came without a CA under the one that has signed it."""
    if ca is None or row.ca_id is not None:
        raise _is_known()
    _reserve(ca, row, row.body.x509)
    row.ca = ca
    _take_state(row)
    row.save(update_fields=["ca", "state"])
    _bind_revocation(row)
    audit.record(
        actor,
        EventName.CERTIFICATE_UPDATED,
        reference(row),
        organization_id=row.organization_id,
        fields=["ca"],
        ca=ca.pk,
    )
    return row


def _store(
    actor: Actor,
    order: ImportOrder,
    organization: Organization,
    ca: CertificateAuthority | None,
    arrival: _Arrival,
) -> Certificate:
    row = _row(actor, order, organization, arrival)
    row.ca = ca
    if ca is not None:
        _reserve(ca, row, arrival.certificate)
        _take_state(row)
    row.save(force_insert=True)
    CertificateBody.of(row, arrival.der).save(force_insert=True)
    for rows in (name_rows(row, arrival.sans), tag_rows(row)):
        for each in rows:
            each.save(force_insert=True)
    if arrival.chain:
        ImportedChain.objects.create(certificate=row, organization=organization, pem=to_pem(*arrival.chain))
    if arrival.private_key is not None:
        sealed_key(row, arrival.private_key).save(force_insert=True)
    _bind_revocation(row)
    audit.record(
        actor,
        EventName.CERTIFICATE_IMPORTED,
        reference(row),
        organization_id=organization.pk,
        event_id=row.event,
        ca=row.ca_id,
        subject=row.subject,
        issuer=row.issuer_name,
        fingerprint=row.fingerprint,
        key_hash=row.key_hash,
        not_after=row.not_after,
        state=str(row.state),
        with_key=arrival.private_key is not None,
    )
    return row


def _row(actor: Actor, order: ImportOrder, organization: Organization, arrival: _Arrival) -> Certificate:
    certificate = arrival.certificate
    return Certificate(
        organization=organization,
        serial=arrival.serial,
        subject=format_name(certificate.subject),
        subject_attributes=name_to_mapping(certificate.subject),
        common_name=(common_name(certificate.subject) or "")[:_LONGEST_COMMON_NAME],
        sans=[general_name_text(san) for san in arrival.sans],
        issuer_name=format_name(certificate.issuer),
        key_algorithm=algorithm_of(arrival.public_key),
        key_hash=public_key_sha256(arrival.public_key),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=sha256(arrival.der).hexdigest(),
        source=Certificate.Source.IMPORTED,
        key_custody=Custody.STORED if arrival.private_key is not None else Custody.SUBSCRIBER,
        requester_kind=actor.kind,
        requester_id=actor.id,
        requester_label=actor.label,
        owner_id=_owner(actor, order, organization),
        tags=list(dict.fromkeys(order.tags)),
        description=order.description,
        event=audit.new_event_id(),
    )


def _owner(actor: Actor, order: ImportOrder, organization: Organization) -> int | None:
    if order.owner is None:
        return actor.person_id
    person = active_member(organization.pk, order.owner)
    if person is None:
        raise no_such_member()
    return person.pk


def _reserve(ca: CertificateAuthority, row: Certificate, certificate: x509.Certificate) -> None:
    """The CA's serial number is this certificate's from now on. Raises Conflict: it is another one's."""
    issued = IssuedSerial.objects.select_for_update(of=("self",)).filter(ca=ca, serial=row.serial).first()
    if issued is None:
        IssuedSerial.objects.create(
            organization_id=ca.organization_id,
            ca=ca,
            serial=row.serial,
            kind=IssuedSerial.Kind.IMPORTED,
            not_after=row.not_after,
        )
        return
    is_other = issued.tbs_sha256 not in ("", sha256(certificate.tbs_certificate_bytes).hexdigest())
    if is_other or issued.kind not in _LEAVES or Certificate.objects.filter(ca=ca, serial=row.serial).exists():
        text = _("%(ca)s has used the serial number 0x%(serial)s for another certificate.")
        raise Conflict(text, code="serial-used", ca=ca.name, serial=row.serial)
    if issued.is_intent:
        issued.is_intent = False
        issued.save(update_fields=["is_intent"])


def _take_state(row: Certificate) -> None:
    """As the CA's own revocations have it."""
    revocation = open_revocation(row.ca_id, row.serial) if row.ca_id is not None else None
    if revocation is not None:
        row.state = State.HELD if revocation.reason == "certificateHold" else State.REVOKED


def _bind_revocation(row: Certificate) -> None:
    if row.state == State.ISSUED or row.ca_id is None:
        return
    revocation = open_revocation(row.ca_id, row.serial)
    if revocation is not None:
        revocation.certificate = row
        revocation.save(update_fields=["certificate"])

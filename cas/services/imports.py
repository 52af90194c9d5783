"""A CA that worked elsewhere moves in: its key, its certificates, and the serial numbers that it has used."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import policy
from accounts.models import Organization
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from cas import keystore, selectors
from cas.core.formats import read_certificates
from cas.core.keyfiles import KeyFile, WrongPassword, read_key_file
from cas.core.keys import PublicKey, public_key_sha256
from cas.core.weak_keys import weaknesses
from cas.guesses import WrongPassphrase, counted
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import AuthorityImportOrder, KnownSerial
from cas.services.founding import insert_authority, reference, take_over_terms, terms_errors
from cas.services.outside import (
    FIELD,
    about_key,
    accept_certificates,
    find_authority,
    find_certificate,
    note_serial,
)
from cas.services.serials import serial_text
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.permissions import Permission
from kernel.text import _

Status = CertificateAuthority.Status

_CHUNK: Final = 2000
# RFC 5280 4.1.2.2: at most 20 octets, the first bit of which is a sign.
_SERIAL_LIMIT: Final = 2**159
# Who encrypted the file chose what a guess costs.
_DECRYPTING: Final = threading.BoundedSemaphore(2)


def open_key_file(actor: Actor, order: AuthorityImportOrder) -> KeyFile:
    """A step: the key and the certificates to import. It may take a second, so it comes before the transaction.

    Raises NotFound (organization), Denied, WrongPassphrase (of the file; they are counted), TooMany, Invalid with the
    reasons against the terms, the file or the key.
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.CAS_CREATE, organization_id=organization.pk)
    if errors := [*terms_errors(order), *_serial_errors(order.issued)]:
        raise Invalid(errors=errors)
    file = _open_file(actor, order)
    if errors := _key_errors(file.key.public_key(), organization):
        raise Invalid(_("This key cannot be a CA's here."), errors=errors)
    return file


@transaction.atomic
def import_authority(*, actor: Actor, order: AuthorityImportOrder, file: KeyFile) -> CertificateAuthority:
    """The CA as it was, with its key here; one that was known without its key gets it. `file`: see `open_key_file`.

    Raises NotFound (organization), Denied, Invalid with the reasons against the certificates, Conflict (a CA has this
    key or name already).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.CAS_CREATE, organization_id=organization.pk)
    given = [*file.certificates]
    given += read_certificates(order.certificates, field=FIELD) if order.certificates else ()
    own = _own_certificates(given, file.key.public_key(), timezone.now())
    return _import(actor, order, organization, file, own, given)


def _open_file(actor: Actor, order: AuthorityImportOrder) -> KeyFile:
    """Guesses are counted for whoever makes them: there is no row yet that they could be guesses at."""
    if order.password is None:
        return read_key_file(order.key_file, None)
    with counted(f"key-file:{actor.pk}", what=order.name), _DECRYPTING:
        try:
            return read_key_file(order.key_file, order.password)
        except WrongPassword as error:
            text = _("This is not the password of the key file of %(ca)s, or the file is damaged.")
            raise WrongPassphrase(text, ca=order.name) from error


def _key_errors(key: PublicKey, organization: Organization) -> list[FieldError]:
    errors = weaknesses(key)
    blocked = selectors.blocked_key(public_key_sha256(key), organization_id=organization.pk)
    if blocked is not None:
        text = _("this key is blocked: %(reason)s")
        errors.append(field_error("private_key", "blocked-key", text, reason=blocked.reason))
    return errors


def _own_certificates(given: Sequence[x509.Certificate], key: PublicKey, now: datetime) -> list[x509.Certificate]:
    """Those about the key, without the expired ones that others have followed."""
    own = about_key(given, public_key_sha256(key))
    if not own:
        raise Invalid.of(FIELD, "other-key", _("none of the certificates is about the key in the file"))
    if len({each.subject for each in own}) > 1:
        raise Invalid.of(FIELD, "several-subjects", _("the certificates about this key bear different names"))
    return [each for each in own if each.not_valid_after_utc >= now] or own[-1:]


def _import(
    actor: Actor,
    order: AuthorityImportOrder,
    organization: Organization,
    file: KeyFile,
    own: Sequence[x509.Certificate],
    given: Sequence[x509.Certificate],
) -> CertificateAuthority:
    known = find_authority(organization, own[0])
    _require_importable(known)
    kept = keystore.keep_key(keystore.take_key(file.key), organization=organization, passphrase=order.passphrase)
    if known is None:
        ca = insert_authority(
            order, organization=organization, subject=own[0].subject, public_key=file.key.public_key(), key=kept
        )
        event = ca.event
    else:
        ca = take_over_terms(known, order, kept)
        event = audit.new_event_id()
    if new := [each for each in own if find_certificate(ca, each) is None]:
        accept_certificates(ca, new, given, status=ca.status, event=event)
    noted = note_serials(ca, order.issued, own[-1].not_valid_after_utc)
    ca = CertificateAuthority.objects.select_related("organization", "key").get(pk=ca.pk)
    audit.record(
        actor,
        EventName.CA_IMPORTED,
        reference(ca),
        organization_id=organization.pk,
        event_id=event,
        subject=ca.subject,
        key_algorithm=ca.key_algorithm,
        key_hash=ca.key_hash,
        serials=noted,
        was_known=known is not None,
    )
    return ca


def _require_importable(known: CertificateAuthority | None) -> None:
    if known is None:
        return
    if known.has_key:
        text = _("This CA, by its name and key, is known here already as %(name)s.")
        raise Conflict(text, code="ca-known", name=known.name)
    if known.status == Status.REVOKED:
        raise Conflict(_("%(ca)s is revoked."), code="ca-revoked", ca=known.name)


def note_serials(ca: CertificateAuthority, issued: Sequence[KnownSerial], not_after: datetime) -> int:
    """A step: what the CA has signed elsewhere, as far as it is told or known. How many serial numbers that are."""
    for row in CaCertificate.objects.filter(issuer=ca):
        note_serial(ca, row.certificate)
    for start in range(0, len(issued), _CHUNK):
        IssuedSerial.objects.bulk_create(
            (
                IssuedSerial(
                    organization_id=ca.organization_id,
                    ca=ca,
                    serial=serial_text(each.serial),
                    kind=IssuedSerial.Kind.IMPORTED,
                    not_after=each.not_after or not_after,
                )
                for each in issued[start : start + _CHUNK]
            ),
            ignore_conflicts=True,
        )
    return IssuedSerial.objects.filter(ca=ca).count()


def _serial_errors(issued: Sequence[KnownSerial]) -> list[FieldError]:
    text = _("a serial number is positive and has at most 20 octets")
    return [
        field_error(f"issued[{index}]", "out-of-range", text)
        for index, each in enumerate(issued)
        if not 0 < each.serial < _SERIAL_LIMIT
    ]

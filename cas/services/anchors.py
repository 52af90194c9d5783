"""Trust anchors: added from PEM, several at once, and trusted no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.models import Organization
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas import selectors
from cas.core.chain import is_issued_by
from cas.core.formats import read_certificates, to_der
from cas.core.keys import algorithm_of, supported
from cas.core.names import common_name, format_name
from cas.core.reading import extension_of, is_authority, is_self_issued
from cas.core.weak_keys import weaknesses
from cas.models import TrustAnchor
from cas.orders import TrustAnchorOrder
from cas.services.serials import serial_text
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_FIELD: Final = "certificates"
_LONGEST_NAME: Final = 120


@transaction.atomic
def add_trust_anchors(*, actor: Actor, order: TrustAnchorOrder) -> list[TrustAnchor]:
    """Trust these CAs, all of them or none; one that is given twice counts once.

    Raises NotFound (organization), Denied, Invalid with everything that is wrong (`certificates[2]` is the third),
    Conflict (one is trusted already).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.CAS_WRITE, organization_id=organization.pk)
    given = list(dict.fromkeys(read_certificates(order.certificates, field=_FIELD)))
    if errors := _name_errors(order.name, len(given)) + _certificate_errors(given, timezone.now()):
        raise Invalid(errors=errors)
    rows = [_row(organization, certificate, order.name) for certificate in given]
    _insert(rows)
    audit.record_many(
        actor,
        [
            audit.Happening(
                event=EventName.TRUST_ANCHOR_ADDED,
                resource=_reference(row),
                event_id=row.event,
                metadata={"subject": row.subject, "fingerprint": row.fingerprint, "not_after": row.not_after},
            )
            for row in rows
        ],
        organization_id=organization.pk,
    )
    return rows


@transaction.atomic
def retire_trust_anchor(*, actor: Actor, anchor: TrustAnchor) -> TrustAnchor:
    """Trust it no more; it may be added again. Raises Denied, Conflict (retired already)."""
    policy.require(actor, Permission.CAS_WRITE, organization_id=anchor.organization_id)
    row = TrustAnchor.objects.select_for_update().get(pk=anchor.pk)
    if row.retired_at is not None:
        raise Conflict(_("%(anchor)s is retired already."), code="already-retired", anchor=row.name)
    row.retired_at = timezone.now()
    row.save(update_fields=["retired_at"])
    audit.record(
        actor,
        EventName.TRUST_ANCHOR_RETIRED,
        _reference(row),
        organization_id=row.organization_id,
        fingerprint=row.fingerprint,
    )
    return row


def _name_errors(name: str, count: int) -> list[FieldError]:
    if name and count > 1:
        text = _("A name is for one certificate; several are called by their common names.")
        return [field_error("name", "several-certificates", text)]
    return text_errors("name", name, longest=_LONGEST_NAME)


def _certificate_errors(given: Sequence[x509.Certificate], now: datetime) -> list[FieldError]:
    known = [_why_not(certificate, f"{_FIELD}[{number}]", now) for number, certificate in enumerate(given)]
    return [error for errors in known for error in errors]


def _why_not(certificate: x509.Certificate, field: str, now: datetime) -> list[FieldError]:
    try:
        key = supported(certificate.public_key(), field=field)
    except Invalid as error:
        return list(error.errors)
    errors = [FieldError(field, weakness.code, weakness.message) for weakness in weaknesses(key)]
    if not is_authority(certificate) or not _may_sign_certificates(certificate):
        errors.append(field_error(field, "not-an-authority", _("this is not the certificate of a CA")))
    if certificate.not_valid_after_utc < now:
        errors.append(field_error(field, "expired", _("this certificate has expired")))
    if is_self_issued(certificate) and not is_issued_by(certificate, certificate):
        errors.append(field_error(field, "bad-signature", _("its own key has not signed it")))
    return errors


def _may_sign_certificates(certificate: x509.Certificate) -> bool:
    """Where key usage stands, keyCertSign must be in it (RFC 5280 4.2.1.3)."""
    usage = extension_of(certificate.extensions, x509.KeyUsage)
    return usage is None or usage.key_cert_sign


def _row(organization: Organization, certificate: x509.Certificate, name: str) -> TrustAnchor:
    der, subject = to_der(certificate), format_name(certificate.subject)
    return TrustAnchor(
        organization=organization,
        name=name or (common_name(certificate.subject) or subject)[:_LONGEST_NAME],
        subject=subject,
        issuer_name=format_name(certificate.issuer),
        serial=serial_text(certificate.serial_number),
        key_algorithm=algorithm_of(certificate.public_key()),
        fingerprint=sha256(der).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        der=der,
        event=audit.new_event_id(),
    )


def _insert(rows: Sequence[TrustAnchor]) -> None:
    organization = rows[0].organization_id
    known = selectors.trusted_fingerprints(organization, [row.fingerprint for row in rows])
    for row in rows:
        if row.fingerprint in known:
            raise _known(row)
    try:
        with transaction.atomic():
            for row in rows:
                row.save(force_insert=True)
    except IntegrityError as error:
        # Somebody else was faster by a moment.
        raise _known(row) from error


def _known(row: TrustAnchor) -> Conflict:
    return Conflict(_("%(anchor)s is trusted already."), code="trust-anchor-known", anchor=row.subject[:200])


def _reference(row: TrustAnchor) -> Resource:
    return Resource("trust_anchor", row.pk, row.name, serial=row.serial, public_id=row.public_id)

"""Revocation of certificates and of whole CAs. CRL and OCSP follow from the rows that are written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas import selectors as cas_selectors
from cas.chains import lock_chain, lock_chains, lock_subtree, subtree_ids
from cas.core.crl import entry_der
from cas.core.reasons import AUTHORITY_REASONS, LEAF_REASONS, reason_name
from cas.models import BlockedKey, CaCertificate, CertificateAuthority, IssuedSerial
from cas.services.founding import reference as ca_reference
from cas.services.founding import wrong_status
from certificates import selectors
from certificates.models import Certificate, Revocation
from certificates.orders import RevokeAuthorityOrder, RevokeOrder
from certificates.services.ca_revocations import (
    fall_back,
    falling_with,
    issuers_of,
    list_ca_certificate,
    reserved_shard,
)
from certificates.services.issuance import reference
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Reason = x509.ReasonFlags
State = Certificate.State

_CHUNK: Final = 2000
_LONGEST_COMMENT: Final = 1000


class AlreadyRevoked(Conflict):
    """It is revoked, and nothing can be done about that."""

    code = "already-revoked"


def authority_reason_errors(reason: Reason) -> list[FieldError]:
    """A step: what is wrong with the reason that a CA, or one of its certificates, is revoked for."""
    if reason in AUTHORITY_REASONS:
        return []
    return [field_error("reason", "reason-not-allowed", _("A CA cannot be revoked for this reason."))]


def comment_errors(comment: str) -> list[FieldError]:
    return text_errors("comment", comment, longest=_LONGEST_COMMENT, several_lines=True)


@transaction.atomic
def revoke_certificate(*, actor: Actor, order: RevokeOrder) -> Certificate:
    """Revoke, or put on hold where the reason is certificateHold; an expired certificate can be revoked too.

    OCSP says so from the commit on. Raises NotFound, Denied, Invalid (the reason, the comment, the invalidity date),
    AlreadyRevoked, Conflict (on hold already; issued elsewhere).
    """
    row = _lock(actor, order.certificate)
    now = timezone.now()
    require_sound(order, now)
    ca = require_revocable(row, order.reason)
    hold = _end_hold(row, now)
    revocation = _open_revocation(row, ca, order, at=hold.at if hold else now)
    row.state = State.HELD if order.reason is Reason.certificate_hold else State.REVOKED
    row.save(update_fields=["state"])
    if order.reason is Reason.key_compromise:
        block_key(row, revocation.event)
    event = EventName.CERTIFICATE_HELD if row.state == State.HELD else EventName.CERTIFICATE_REVOKED
    audit.record(
        actor,
        event,
        reference(row),
        organization_id=row.organization_id,
        event_id=revocation.event,
        reason=reason_name(order.reason),
        comment=order.comment,
        invalidity=order.invalidity,
    )
    return row


def require_revocable(row: Certificate, reason: Reason) -> CertificateAuthority:
    """A step: the CA that will say so. Raises AlreadyRevoked, Conflict (issued elsewhere; on hold already)."""
    if row.ca is None or not row.ca.has_key:
        raise Conflict(
            _("This certificate was issued elsewhere; only its own CA can revoke it."), code="foreign-issuer"
        )
    if row.state == State.REVOKED:
        raise AlreadyRevoked(_("The certificate is revoked already."))
    if row.state == State.HELD and reason is Reason.certificate_hold:
        raise Conflict(_("The certificate is on hold already."), code="already-on-hold")
    return row.ca


@transaction.atomic
def release_certificate(*, actor: Actor, certificate: Ref) -> Certificate:
    """Lift a hold: the certificate is good again, and the next CRL leaves it out.

    Raises NotFound, Denied, AlreadyRevoked, Conflict (it is not on hold).
    """
    row = _lock(actor, certificate)
    if row.state == State.REVOKED:
        raise AlreadyRevoked(_("The certificate is revoked; only a hold can be lifted."))
    if row.state != State.HELD:
        raise Conflict(_("The certificate is not on hold."), code="not-on-hold")
    hold = Revocation.objects.get(ca_id=row.ca_id, serial=row.serial, lifted_at__isnull=True)
    _lift(hold, timezone.now())
    row.state = State.ISSUED
    row.save(update_fields=["state"])
    audit.record(actor, EventName.CERTIFICATE_RELEASED, reference(row), organization_id=row.organization_id)
    return row


@transaction.atomic
def revoke_authority(*, actor: Actor, order: RevokeAuthorityOrder) -> CertificateAuthority:
    """Revoke a CA with every CA and every certificate below it; nothing commits under it afterwards.

    A CA below that was certified by another one as well goes on under that one, without the certificates that fall. A
    root is revoked by nobody but us: it stands on no CRL, so whoever trusts it must be told. Raises NotFound,
    Denied, Invalid (the reason, the comment), AlreadyRevoked, Conflict (it has never had a certificate).
    """
    ca = cas_selectors.get_ca(order.ca, visible_to=actor)
    policy.require(actor, Permission.CAS_REVOKE, organization_id=ca.organization_id, ca_id=ca.pk)
    if errors := comment_errors(order.comment) + authority_reason_errors(order.reason):
        raise Invalid(errors=errors)
    # Its revocation is its issuers' to list; whoever revokes one of them locks downwards, so this begins there too.
    if issuers := issuers_of(subtree_ids(ca.pk)):
        lock_chains(issuers)
    subtree = lock_subtree(ca.pk)
    if subtree[0].status == CertificateAuthority.Status.REVOKED:
        raise AlreadyRevoked(_("The CA is revoked already."))
    if not subtree[0].was_certified:
        raise wrong_status(subtree[0])
    now = timezone.now()
    fallen = falling_with(subtree[0], subtree, now)
    for below in subtree:
        if below.pk in fallen and below.status != CertificateAuthority.Status.REVOKED:
            _revoke_one_authority(actor, below, order, now, because_of=subtree[0])
    _take_crosses(actor, fallen, order, now, because_of=subtree[0])
    return subtree[0]


def _lock(actor: Actor, certificate: Ref) -> Certificate:
    """The certificate, locked after its CA: whoever revokes a CA locks in this order too, so neither waits for ever."""
    row = selectors.get_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_REVOKE, organization_id=row.organization_id, ca_id=row.ca_id)
    if row.ca_id is not None:
        lock_chain(row.ca_id)
    return selectors.lock_certificate(Ref("pk", row.pk), visible_to=actor)


def require_sound(order: RevokeOrder, now: datetime) -> None:
    """A step. Raises Invalid: the reason, the comment, the invalidity date."""
    errors = comment_errors(order.comment)
    if order.reason not in (LEAF_REASONS | {Reason.ca_compromise} if order.may_blame_ca else LEAF_REASONS):
        text = _("An end-entity certificate cannot be revoked for this reason.")
        errors.append(field_error("reason", "reason-not-allowed", text))
    if order.invalidity is not None and order.invalidity > now:
        errors.append(field_error("invalidity_date", "in-the-future", _("The invalidity date lies in the future.")))
    if errors:
        raise Invalid(errors=errors)


def _end_hold(row: Certificate, now: datetime) -> Revocation | None:
    """A hold that becomes final keeps its date: what was signed meanwhile stays in doubt (X.509, 8.5.2)."""
    if row.state != State.HELD:
        return None
    hold = Revocation.objects.get(ca_id=row.ca_id, serial=row.serial, lifted_at__isnull=True)
    _lift(hold, now)
    return hold


def _lift(hold: Revocation, now: datetime) -> None:
    hold.lifted_at = now
    # No CRL has left it out yet, so its scopes are due.
    hold.first_crl = None
    hold.first_shard_crl = None
    hold.save(update_fields=["lifted_at", "first_crl", "first_shard_crl"])


def _open_revocation(row: Certificate, ca: CertificateAuthority, order: RevokeOrder, *, at: datetime) -> Revocation:
    at = at.replace(microsecond=0)
    return Revocation.objects.create(
        organization_id=row.organization_id,
        ca=ca,
        serial=row.serial,
        certificate=row,
        at=at,
        reason=reason_name(order.reason),
        comment=order.comment,
        invalidity=order.invalidity,
        not_after=row.not_after,
        entry_der=entry_der(int(row.serial, 16), at, order.reason, order.invalidity),
        shard=reserved_shard(row.ca_id, row.serial),
        event=audit.new_event_id(),
    )


def block_key(row: Certificate, event_id: str) -> None:
    """A step: nothing is certified for this key any more."""
    BlockedKey.objects.get_or_create(
        organization_id=row.organization_id,
        key_hash=row.key_hash,
        defaults={"reason": f"keyCompromise: certificate {row.serial}", "event": event_id},
    )


def _revoke_one_authority(
    actor: Actor,
    ca: CertificateAuthority,
    order: RevokeAuthorityOrder,
    now: datetime,
    *,
    because_of: CertificateAuthority,
) -> None:
    event_id = audit.new_event_id()
    at = now.replace(microsecond=0)
    reason = order.reason if ca == because_of else _reason_below(order.reason, AUTHORITY_REASONS)
    for certificate in CaCertificate.objects.select_related("issuer").filter(ca=ca):
        list_ca_certificate(certificate, reason, order.comment, at=at, event=event_id)
    because = f"revoked with {because_of.name}"
    revoked = _revoke_leaves(ca, _reason_below(order.reason, LEAF_REASONS), because, at, event_id) if ca.has_key else 0
    ca.status = CertificateAuthority.Status.REVOKED
    ca.save(update_fields=["status"])
    audit.record(
        actor,
        EventName.CA_REVOKED,
        ca_reference(ca),
        organization_id=ca.organization_id,
        event_id=event_id,
        reason=reason_name(reason),
        comment=order.comment,
        because_of=because_of.name if ca != because_of else None,
        certificates=revoked,
    )


def _take_crosses(
    actor: Actor,
    fallen: set[int],
    order: RevokeAuthorityOrder,
    now: datetime,
    *,
    because_of: CertificateAuthority,
) -> None:
    """What the fallen CAs certified of CAs that stand without them."""
    at = now.replace(microsecond=0)
    rows = CaCertificate.objects.select_related("ca", "issuer").filter(issuer_id__in=fallen, revoked_at__isnull=True)
    for row in rows.exclude(ca_id__in=fallen).exclude(ca__status=CertificateAuthority.Status.REVOKED):
        event_id = audit.new_event_id()
        reason = _reason_below(order.reason, AUTHORITY_REASONS)
        list_ca_certificate(row, reason, order.comment, at=at, event=event_id)
        fall_back(row.ca, now, without=fallen)
        audit.record(
            actor,
            EventName.CA_CERTIFICATE_REVOKED,
            ca_reference(row.ca),
            organization_id=row.organization_id,
            event_id=event_id,
            issuer=row.issuer.name if row.issuer else None,
            serial=row.serial,
            fingerprint=row.fingerprint,
            reason=reason_name(reason),
            because_of=because_of.name,
        )


def _reason_below(reason: Reason, allowed: frozenset[Reason]) -> Reason:
    """What is below did not lose its own key; it is revoked because something above it was."""
    lost_key = {Reason.key_compromise, Reason.ca_compromise}
    return reason if reason in allowed and reason not in lost_key else Reason.unspecified


def _revoke_leaves(ca: CertificateAuthority, reason: Reason, comment: str, at: datetime, event_id: str) -> int:
    """Revoke every certificate of the CA that is not revoked yet, holds included; how many there were."""
    total = 0
    for chunk in _chunks_of_unrevoked(ca):
        held_since = _end_holds(ca, chunk, at)
        serials = [row.serial for row in chunk]
        shards = dict(IssuedSerial.objects.filter(ca=ca, serial__in=serials).values_list("serial", "shard"))
        Revocation.objects.bulk_create(
            Revocation(
                organization_id=row.organization_id,
                ca=ca,
                serial=row.serial,
                certificate=row,
                at=held_since.get(row.serial, at),
                reason=reason_name(reason),
                comment=comment,
                not_after=row.not_after,
                entry_der=entry_der(int(row.serial, 16), held_since.get(row.serial, at), reason, None),
                shard=shards.get(row.serial, 0),
                event=event_id,
            )
            for row in chunk
        )
        Certificate.objects.filter(pk__in=[row.pk for row in chunk]).update(state=State.REVOKED)
        total += len(chunk)
    return total


def _end_holds(ca: CertificateAuthority, chunk: list[Certificate], now: datetime) -> dict[str, datetime]:
    """Since when those that are on hold are so: a hold that becomes final keeps its date."""
    held = [row.serial for row in chunk if row.state == State.HELD]
    holds = list(Revocation.objects.filter(ca=ca, serial__in=held, lifted_at__isnull=True))
    for hold in holds:
        _lift(hold, now)
    return {hold.serial: hold.at for hold in holds}


def _chunks_of_unrevoked(ca: CertificateAuthority) -> Iterator[list[Certificate]]:
    last = 0
    while True:
        rows = Certificate.objects.select_for_update(of=("self",)).filter(ca=ca, pk__gt=last)
        chunk = list(rows.exclude(state=State.REVOKED).order_by("pk")[:_CHUNK])
        if not chunk:
            return
        last = chunk[-1].pk
        yield chunk

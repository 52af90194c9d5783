"""What public CAs have revoked because we asked them to: the register says it, and their own CRLs and OCSP tell it."""

from __future__ import annotations

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas.core.reasons import reason_name
from certificates import selectors
from certificates.models import Certificate, Revocation
from certificates.orders import RevokeOrder
from certificates.services.issuance import reference
from certificates.services.revocation import AlreadyRevoked, block_key, require_sound
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Reason = x509.ReasonFlags
State = Certificate.State


def require_publicly_revocable(actor: Actor, order: RevokeOrder) -> Certificate:
    """A step: the certificate, which the actor may have revoked by its public CA.

    Raises NotFound, Denied, Invalid (the reason, the comment), AlreadyRevoked, Conflict (it is no public CA's).
    """
    row = selectors.get_certificate(order.certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_REVOKE, organization_id=row.organization_id, ca_id=row.ca_id)
    require_sound(order, timezone.now())
    if order.reason is Reason.certificate_hold:
        raise Invalid.of("reason", "reason-not-allowed", _("A public CA revokes for good."))
    if row.source != Certificate.Source.ACME:
        raise Conflict(_("This certificate did not come from a public CA by ACME."), code="not-public")
    if row.state == State.REVOKED:
        raise AlreadyRevoked(_("The certificate is revoked already."))
    return row


@transaction.atomic
def record_public_revocation(*, actor: Actor, order: RevokeOrder) -> Certificate:
    """Its CA has revoked it: so the register says from now on. Raises what `require_publicly_revocable` does."""
    row = require_publicly_revocable(actor, order)
    row = selectors.lock_certificate(Ref("pk", row.pk), visible_to=actor)
    if row.state == State.REVOKED:
        raise AlreadyRevoked(_("The certificate is revoked already."))
    event_id = audit.new_event_id()
    Revocation.objects.create(
        organization_id=row.organization_id,
        serial=row.serial,
        certificate=row,
        at=timezone.now().replace(microsecond=0),
        reason=reason_name(order.reason),
        comment=order.comment,
        invalidity=order.invalidity,
        not_after=row.not_after,
        entry_der=b"",
        event=event_id,
    )
    row.state = State.REVOKED
    row.save(update_fields=["state"])
    if order.reason is Reason.key_compromise:
        block_key(row, event_id)
    audit.record(
        actor,
        EventName.CERTIFICATE_REVOKED,
        reference(row),
        organization_id=row.organization_id,
        event_id=event_id,
        reason=reason_name(order.reason),
        comment=order.comment,
        invalidity=order.invalidity,
    )
    return row

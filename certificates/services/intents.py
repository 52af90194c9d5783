"""Signatures that were announced and never stored: their certificates are in nobody's hands, and must never be."""

from __future__ import annotations

from cryptography.x509 import ReasonFlags
from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas.core.crl import entry_der
from cas.core.reasons import reason_name
from cas.models import CertificateAuthority
from cas.selectors import lost_intents
from cas.services.founding import reference
from certificates.models import Revocation
from kernel.actor import Actor
from kernel.permissions import Permission


@transaction.atomic
def abandon_intents(*, actor: Actor, ca: CertificateAuthority) -> list[str]:
    """Revoke every serial number that was announced and whose certificate was not stored; which ones these are.

    Such a certificate was signed or was not, and has left no process of ours; if it ever appears, it is revoked. Those
    of the last minutes may still be on their way and are left alone. Raises Denied.
    """
    policy.require(actor, Permission.CAS_REVOKE, organization_id=ca.organization_id, ca_id=ca.pk)
    now = timezone.now()
    lost = list(lost_intents(at=now).select_for_update(of=("self",)).filter(ca=ca))
    at, event = now.replace(microsecond=0), audit.new_event_id()
    Revocation.objects.bulk_create(
        Revocation(
            organization_id=ca.organization_id,
            ca=ca,
            serial=row.serial,
            at=at,
            reason=reason_name(ReasonFlags.unspecified),
            comment="announced and never stored",
            not_after=row.not_after,
            entry_der=entry_der(int(row.serial, 16), at),
            shard=row.shard,
            event=event,
        )
        for row in lost
    )
    for row in lost:
        row.is_intent = False
        row.save(update_fields=["is_intent"])
    serials = [row.serial for row in lost]
    if lost:
        audit.record(
            actor,
            EventName.INTENTS_ABANDONED,
            reference(ca),
            organization_id=ca.organization_id,
            event_id=event,
            serials=serials,
        )
    return serials

"""Whether a certificate is renewed by itself, and how long before its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas.services.restrictions import restriction_of
from certificates import selectors
from certificates.models import Certificate, Renewal
from certificates.services.issuance import reference
from certificates.services.minting import renewal_time
from certificates.services.renewal import foresee_renewal, require_renewable
from certificates.services.renewing import order_by_itself
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Custody = Certificate.KeyCustody

USUAL_AHEAD: Final = timedelta(days=30)
_SHORTEST_AHEAD: Final = timedelta(hours=1)


@transaction.atomic
def schedule_renewal(*, actor: Actor, certificate: Ref, ahead: timedelta = USUAL_AHEAD) -> Certificate:
    """Let it be renewed by itself so long before its end, but not in the first two thirds of its life. Its successor
    will be, too. What failed before is tried at once.

    Raises NotFound, Denied, Invalid (also what an issuance policy of the actor forbids), Conflict (it cannot have a
    successor, was issued elsewhere, or its CA waits for its passphrase whenever it signs), Unavailable.
    """
    # Before the row is locked: what judges it locks the CA, which comes first wherever both are locked.
    _require_allowed(actor, certificate)
    row = _permitted(actor, certificate)
    if ahead < _SHORTEST_AHEAD:
        raise Invalid.of("ahead", "too-short", _("An hour before the end is the latest."))
    require_renewable(row, again=False)
    if row.source == Certificate.Source.IMPORTED:
        raise Conflict(_("This certificate was issued elsewhere; only its own CA can renew it."), code="foreign-issuer")
    if row.ca is not None and row.ca.passphrase_protected:
        text = _("%(ca)s needs its passphrase for each signature: nobody is there to say it.")
        raise Conflict(text, code="ca-needs-passphrase", ca=row.ca.name)
    row.auto_renew, row.renew_at = True, renewal_time(row.not_before, row.not_after, ahead)
    row.save(update_fields=["auto_renew", "renew_at"])
    Renewal.objects.filter(certificate=row).delete()
    _record(actor, row, EventName.RENEWAL_SCHEDULED, renew_at=row.renew_at)
    return row


@transaction.atomic
def unschedule_renewal(*, actor: Actor, certificate: Ref) -> Certificate:
    """Let nobody but people renew it. Raises NotFound, Denied."""
    row = _permitted(actor, certificate)
    row.auto_renew, row.renew_at = False, None
    row.save(update_fields=["auto_renew", "renew_at"])
    Renewal.objects.filter(certificate=row).delete()
    _record(actor, row, EventName.RENEWAL_UNSCHEDULED)
    return row


def _require_allowed(actor: Actor, certificate: Ref) -> None:
    """What is renewed by itself is renewed for its owner, whom no policy binds: so whoever is bound by one leaves to
    that only what they might renew as it is now.
    """
    if restriction_of(actor) is None:
        return
    row = selectors.get_certificate(certificate, visible_to=actor)
    if row.template is not None and row.key_custody == Custody.SUBSCRIBER and not row.template.renew_same_key:
        # Nothing is issued: people are told that a CSR is wanted.
        return
    foresee_renewal(order_by_itself(row, row.template), visible_to=actor)


def _permitted(actor: Actor, certificate: Ref) -> Certificate:
    row = selectors.lock_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_RENEW, organization_id=row.organization_id, ca_id=row.ca_id)
    return row


def _record(actor: Actor, row: Certificate, event: EventName, **facts: Any) -> None:
    audit.record(actor, event, reference(row), organization_id=row.organization_id, **facts)

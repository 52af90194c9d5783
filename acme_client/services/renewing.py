"""Successors of public certificates: ordered like them, by hand or when the time has come.

`Certificate.renew_at` says when: a third of its life before its end, or when its CA wants it (`windows`). A renewal is
an order; there is one at a time of one certificate, and after one that has failed `closing` says when the next may be.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import policy
from accounts.selectors import other_maker, within_reach
from acme_client.models import AcmeOrder
from acme_client.selectors import get_order
from acme_client.services.closing import put_off
from acme_client.services.finishing import requester_of
from acme_client.services.ordering import judge, write
from acme_client.services.orders import order_like
from certificates.models import Certificate
from certificates.selectors import get_certificate
from certificates.services.renewing import GRACE
from kernel.actor import Actor
from kernel.errors import Conflict, DomainError
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

log = logging.getLogger(__name__)

_AT_ONCE: Final = 50


def renew_public_certificate(*, actor: Actor, certificate: Ref) -> AcmeOrder:
    """A new order for the same names by the same account; a key that was made here is made anew, one that came by CSR
    comes by the same CSR again. The old certificate goes on until it ends or is revoked.

    Raises NotFound, Denied, Conflict (it is no public CA's, is revoked, has a successor, or a renewal is under way; the
    account is not active), Invalid (names that the organization has not proven any more).
    """
    row = get_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_RENEW, organization_id=row.organization_id, ca_id=row.ca_id)
    before = _order_of(row)
    wanted = judge(actor, before.account, replace(order_like(before, replaces=row.pk), tags=tuple(row.tags)))
    with transaction.atomic():
        order = write(actor, actor, wanted)
    return get_order(Ref("pk", order.pk), visible_to=actor)


def renew_due_public_certificates(*, actor: Actor) -> int:
    """Order successors of what is due, as far as the actor reaches; how many orders there are now.

    One that cannot be ordered is tried again, later each time, and stops no other. A month after its end a certificate
    is given up.
    """
    now = timezone.now()
    rows = Certificate.objects.filter(
        source=Certificate.Source.ACME,
        auto_renew=True,
        state=Certificate.State.ISSUED,
        organization__closed_at__isnull=True,
        renew_at__lte=now,
        not_after__gt=now - GRACE,
    ).exclude(replaced_by__state__in=[Certificate.State.ISSUED, Certificate.State.HELD])
    due = within_reach(rows, actor).order_by("renew_at", "pk")[:_AT_ONCE]
    return sum(_renew(actor, row) for row in due)


def _renew(actor: Actor, row: Certificate) -> bool:
    try:
        before = _order_of(row)
        maker_id = other_maker(before.requester_kind, before.requester_id)
        requester = replace(requester_of(before), maker_id=maker_id)
        wanted = judge(requester, before.account, replace(order_like(before, replaces=row.pk), tags=tuple(row.tags)))
        with transaction.atomic():
            write(actor, requester, wanted)
            # Its order is the queue from now on; `closing` sets the time again where that fails.
            Certificate.objects.filter(pk=row.pk).update(renew_at=None)
    except Exception as error:
        if not isinstance(error, DomainError):
            log.exception("public certificate %s was not renewed", row.pk)
        else:
            log.warning("public certificate %s was not renewed: %s", row.pk, error)
        put_off(row)
        return False
    return True


def _order_of(row: Certificate) -> AcmeOrder:
    order = AcmeOrder.objects.select_related("account__organization").filter(certificate=row).first()
    if row.source != Certificate.Source.ACME or order is None:
        raise Conflict(_("This certificate did not come from a public CA by ACME."), code="not-public")
    return order

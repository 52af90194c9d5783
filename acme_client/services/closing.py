"""The end of an order that has failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import queue
from accounts.queue import Backoff
from accounts.said import cut
from acme_client.models import AcmeOrder
from acme_client.services.ordering import record
from audit.events import EventName
from certificates.models import Certificate
from certificates.services.public_requests import fail_public_request
from kernel.actor import Actor

_LONGEST_REASON: Final = 1000
# After which a renewal that has failed is tried again.
_BACKOFF: Final = Backoff(timedelta(hours=1), timedelta(days=1))


@transaction.atomic
def close_invalid(actor: Actor, row: AcmeOrder, reason: str) -> None:
    """A step: the order has failed, for this reason; what was published for it is to be taken away. Raises Lost."""
    row = queue.still_held(row)
    now = timezone.now()
    queue.settle(
        row,
        due_at=now,
        status=AcmeOrder.Status.INVALID,
        closed_at=now,
        sealed_key=None,
        last_error=cut(reason, _LONGEST_REASON),
    )
    if row.request is not None:
        fail_public_request(actor, row.request, row.last_error)
    if row.replaces is not None:
        put_off(row.replaces)
    record(actor, EventName.ACME_ORDER_FAILED, row, reason=row.last_error)


def put_off(certificate: Certificate) -> None:
    """A step: its renewal has failed, and is tried again later, the more often it has failed the later."""
    failures = AcmeOrder.objects.filter(replaces=certificate, status=AcmeOrder.Status.INVALID).count()
    renew_at = timezone.now() + _BACKOFF.after(max(failures - 1, 0))
    Certificate.objects.filter(pk=certificate.pk, auto_renew=True).update(renew_at=renew_at)

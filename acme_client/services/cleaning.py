"""After an order: what was published for it is taken away, and the server is asked when it wants the next one."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import queue
from acme_client.models import AcmeChallenge, AcmeOrder
from acme_client.services.windows import look_for_window
from acme_client.solvers import SOLVERS
from kernel.actor import Actor

_MOST_FAILURES: Final = 12


def clean_up(actor: Actor, row: AcmeOrder) -> None:
    """A step of an order that is closed. What cannot be taken away is given up one day, and said in the order.

    Raises AcmeError, SolverError, Lost.
    """
    left = AcmeChallenge.objects.select_related("authorization", "dns_provider").filter(
        authorization__order=row, presented_at__isnull=False, cleaned_at__isnull=True
    )
    if row.attempts < _MOST_FAILURES:
        for challenge in left:
            SOLVERS[challenge.type].clean(challenge)
            with transaction.atomic():
                queue.still_held(row)
                challenge.cleaned_at = timezone.now()
                challenge.save(update_fields=["cleaned_at"])
    due_at = look_for_window(row)
    with transaction.atomic():
        row = queue.still_held(row)
        # Why it has failed stays to be read, and what could not be taken away.
        is_clean = not left.filter(cleaned_at__isnull=True).exists()
        last_error = "" if is_clean and row.status == AcmeOrder.Status.VALID else row.last_error
        queue.settle(row, due_at=due_at, last_error=last_error)

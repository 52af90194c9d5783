"""What the clock starts."""

from __future__ import annotations

from celery import shared_task

from accounts.turns import turn
from acme_client.services import advancing, renewing
from kernel.actor import SYSTEM


@shared_task(ignore_result=True)
def advance_orders() -> None:
    with turn("public orders") as is_ours:
        if is_ours:
            advancing.advance_due(actor=SYSTEM)


@shared_task(ignore_result=True)
def renew_public_certificates() -> None:
    renewing.renew_due_public_certificates(actor=SYSTEM)

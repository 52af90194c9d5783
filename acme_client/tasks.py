"""What the clock starts."""

from __future__ import annotations

from celery import shared_task

from acme_client.services import advancing, renewing
from kernel.actor import SYSTEM


@shared_task(ignore_result=True)
def advance_orders() -> None:
    advancing.advance_due(actor=SYSTEM)


@shared_task(ignore_result=True)
def renew_public_certificates() -> None:
    renewing.renew_due_public_certificates(actor=SYSTEM)

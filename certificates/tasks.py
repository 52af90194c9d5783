"""What the clock starts."""

from __future__ import annotations

from celery import shared_task

from accounts.turns import turn
from certificates.services import sweeps


@shared_task(ignore_result=True)
def publish_due_crls() -> None:
    sweeps.publish_due_crls()


@shared_task(ignore_result=True)
def rotate_responders() -> None:
    sweeps.rotate_responders()


@shared_task(ignore_result=True)
def fulfil_approved() -> None:
    sweeps.fulfil_approved()


@shared_task(ignore_result=True)
def renew_due_certificates() -> None:
    sweeps.renew_due_certificates()


@shared_task(ignore_result=True)
def look_where_used() -> None:
    with turn("placements") as is_ours:
        if is_ours:
            sweeps.look_where_used()


@shared_task(ignore_result=True)
def take_tallies() -> None:
    sweeps.take_tallies()

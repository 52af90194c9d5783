"""The timetable's way in."""

from __future__ import annotations

from celery import shared_task

from audit import services
from kernel.actor import SYSTEM


@shared_task(ignore_result=True)
def seal() -> None:
    services.seal(actor=SYSTEM)

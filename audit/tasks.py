"""The timetable's way in."""

from __future__ import annotations

from celery import shared_task

from audit import services
from kernel.actor import SYSTEM


@shared_task(ignore_result=True)
def seal() -> None:
    services.seal(actor=SYSTEM)


@shared_task(ignore_result=True)
def check_due_logs() -> None:
    services.check_due_logs(actor=SYSTEM)


@shared_task(ignore_result=True)
def check_log(log: int) -> None:
    """What somebody has asked for who may, and whom it would keep waiting."""
    services.check_log(actor=SYSTEM, log=log)

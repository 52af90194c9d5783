"""What the clock starts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from pkiproject import life


@shared_task(ignore_result=True)
def show_life() -> None:
    life.show_life(at=timezone.now())

"""What the clock starts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from api.common.remembered import forget_expired


@shared_task(ignore_result=True)
def forget_answers() -> None:
    forget_expired(at=timezone.now())

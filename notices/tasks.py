"""What the clock starts."""

from __future__ import annotations

from celery import shared_task

from accounts.turns import turn
from notices.services import deliveries, following, rules, telling


@shared_task(ignore_result=True)
def tell_due() -> None:
    rules.give_first_rules()
    telling.close_what_is_over()
    telling.tell_due()


@shared_task(ignore_result=True)
def follow_events() -> None:
    following.follow_events()


@shared_task(ignore_result=True)
def send_due_deliveries() -> None:
    with turn("deliveries") as is_ours:
        if is_ours:
            deliveries.send_due_deliveries()


@shared_task(ignore_result=True)
def forget_old_deliveries() -> None:
    deliveries.forget_old_deliveries()

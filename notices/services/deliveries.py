"""Messages on their way: sent, tried again, given up, sent once more.

Of each channel a few are taken at a time, by one thread, so that a receiver who is slow, or gone, keeps nobody else
waiting.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import policy, queue
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _
from notices.models import Channel, Delivery
from notices.selectors import get_delivery
from notices.services.sending import Message, Outcome, prepare, transmit

log = logging.getLogger(__name__)

Status = Delivery.Status

# The pauses after each failure: three days in all.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240, *[360] * 11))
KEPT: Final = timedelta(days=90)
_FORGOTTEN_AT_ONCE: Final = 5_000
_JITTER: Final = 0.1
_LANES: Final = 16
_THREADS: Final = 4
_OF_ONE_LANE: Final = 20
_LANE_SECONDS: Final = 10.0
# Longer than all lanes take together.
_LEASE: Final = timedelta(minutes=5)
_NOT_SENT: Final = None

# The organization, and the channel or else the recipient: what is sent one after the other.
Lane = tuple[int, int | None]


def send_due_deliveries() -> int:
    """Send what is due, and say how much went out. What fails is tried again, and holds up nobody else's."""
    lanes = [_claimed(lane) for lane in _lanes()]
    work = [_prepared(lane) for lane in lanes if lane]
    with ThreadPoolExecutor(_THREADS) as pool:
        outcomes = pool.map(_run, [[message for _row, message in lane] for lane in work])
        return sum(_keep(lane, each) for lane, each in zip(work, outcomes, strict=True))


@transaction.atomic
def repeat_delivery(*, actor: Actor, delivery: Ref) -> Delivery:
    """Send once more what was delivered or given up: the same message, with the same id.

    Raises NotFound, Denied, Conflict (it is still to be sent).
    """
    found = get_delivery(delivery, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=found.organization_id)
    row = Delivery.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if row.status == Status.WAITING:
        raise Conflict(_("This is being sent anyhow."), code="delivery-waiting")
    queue.settle(row, due_at=timezone.now(), status=Status.WAITING, last_status=None, delivered_at=None)
    audit.record(
        actor,
        EventName.DELIVERY_REPEATED,
        Resource("delivery", row.pk, row.subject, public_id=row.public_id),
        organization_id=row.organization_id,
        channel=found.channel.name if found.channel else None,
        recipient=row.recipient,
    )
    return row


def forget_old_deliveries() -> int:
    """Delete what was delivered or given up long ago; how many there were."""
    # What is old has the lowest numbers: there is no index on its age, and none is needed.
    oldest = Delivery.objects.order_by("pk").values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE]
    old = Delivery.objects.filter(pk__in=list(oldest), due_at__isnull=True, created_at__lt=timezone.now() - KEPT)
    deleted, _of_each = old.delete()
    return deleted


def _lanes() -> list[Lane]:
    """Those in which something is due: of each organization one before a second, those that work first."""
    due = queue.due(Delivery.objects.filter(status=Status.WAITING), at=timezone.now()).order_by()
    found = list(due.values_list("organization_id", "channel_id", "channel__last_error").distinct())
    random.shuffle(found)
    found.sort(key=lambda each: bool(each[2]))
    turns: Counter[int] = Counter()
    ordered: list[tuple[bool, int, Lane]] = []
    for organization, channel, error in found:
        ordered.append((bool(error), turns[organization], (organization, channel)))
        turns[organization] += 1
    ordered.sort(key=lambda each: each[:2])
    return [lane for *_order, lane in ordered[:_LANES]]


def _claimed(lane: Lane) -> list[Delivery]:
    organization, channel = lane
    rows = Delivery.objects.filter(status=Status.WAITING, organization_id=organization)
    rows = rows.filter(channel__isnull=True) if channel is None else rows.filter(channel_id=channel)
    return list(queue.claim_each(rows, lasting=_LEASE, most=_OF_ONE_LANE))


def _prepared(lane: Sequence[Delivery]) -> list[tuple[Delivery, Message | Outcome]]:
    now = timezone.now()
    return [(row, _prepare(row, now)) for row in lane]


def _prepare(row: Delivery, at: datetime) -> Message | Outcome:
    try:
        return prepare(row, at=at)
    except Exception as error:
        log.exception("delivery %s cannot be sent", row.pk)
        return Outcome(queue.sentence_of(error))


def _run(lane: Sequence[Message | Outcome]) -> list[Outcome | None]:
    """What came of each; None for those that were left for another time, after a failure or a long while."""
    started = time.monotonic()
    outcomes: list[Outcome | None] = []
    is_stopped = False
    for message in lane:
        if isinstance(message, Outcome):
            outcomes.append(message)
        elif is_stopped:
            outcomes.append(_NOT_SENT)
        else:
            outcome = transmit(message)
            outcomes.append(outcome)
            # Mail servers refuse single recipients; of others one failure says enough for now.
            is_stopped = (not outcome.succeeded and not message.recipient) or (
                time.monotonic() - started > _LANE_SECONDS
            )
    return outcomes


def _keep(lane: Sequence[tuple[Delivery, Message | Outcome]], outcomes: Sequence[Outcome | None]) -> int:
    sent = 0
    failed = next((each for each in outcomes if each is not None and each.error), None)
    for (row, _message), outcome in zip(lane, outcomes, strict=True):
        if outcome is None:
            queue.postpone(row, pause=PAUSES[0] if failed else timedelta())
            continue
        try:
            _note(row, outcome)
            sent += outcome.succeeded
        except queue.Lost:
            log.info("delivery %s was taken over", row.pk)
    return sent


@transaction.atomic
def _note(claimed: Delivery, outcome: Outcome) -> None:
    row = queue.still_held(claimed)
    now = timezone.now()
    if row.channel_id is not None:
        Channel.objects.filter(pk=row.channel_id).exclude(last_error=outcome.error).update(last_error=outcome.error)
    if outcome.succeeded:
        queue.settle(row, status=Status.DELIVERED, delivered_at=now, last_status=outcome.status)
        return
    attempts = row.attempts + 1
    kept: dict[str, Any] = {"attempts": attempts, "last_error": outcome.error, "last_status": outcome.status}
    if outcome.is_final or attempts > len(PAUSES):
        queue.settle(row, status=Status.DEAD, **kept)
        return
    queue.settle(row, due_at=now + _pause(attempts, outcome), **kept)


def _pause(attempts: int, outcome: Outcome) -> timedelta:
    planned = PAUSES[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  nobody gains by guessing it
    return max(planned, timedelta(seconds=outcome.retry_after or 0))

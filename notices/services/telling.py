"""Rules look, tell what they find, and what is over is closed.

A rule is claimed like any row of a queue. What it has found, the messages about it and how far it has looked are
written in one transaction: a worker that dies before its end has told nothing, and another one tells it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import queue
from accounts.models import Organization
from certificates.filters import parse_filter
from certificates.search import patience
from notices.conditions import FINDERS, authorities, certificates, orders, placements, renewals, requests, trail
from notices.documents import of_notice, together
from notices.findings import Found
from notices.models import Channel, Delivery, Mute, Notice, Rule
from notices.recipients import members_among
from notices.subjects import Subject

log = logging.getLogger(__name__)

_LEASE: Final = timedelta(minutes=10)
_AT_ONCE: Final = 500
_RHYTHM: Final = timedelta(minutes=1)
# What crosses a threshold of days is early enough by this.
_SLOW_RHYTHM: Final = timedelta(minutes=10)
_BACKOFF: Final = queue.Backoff(first=timedelta(minutes=1), longest=timedelta(hours=1))
_CHUNK: Final = 500


def tell_due() -> int:
    """Let the rules whose turn it is look; how many notices came of it. One that fails does not stop the others."""
    told = 0
    rules = Rule.objects.filter(is_active=True, organization__closed_at__isnull=True)
    for pk in queue.in_turn(rules, most=_AT_ONCE):
        rule = queue.claim(Rule.objects.filter(is_active=True), pk, lasting=_LEASE)
        if rule is None:
            continue
        try:
            told += _look(rule)
        except queue.Lost:
            log.info("notification rule %s was taken over", rule.pk)
        except Exception as error:
            log.exception("notification rule %s could not look", rule.pk)
            queue.postpone(rule, pause=_BACKOFF.after(rule.attempts), error=queue.sentence_of(error))
    return told


def close_what_is_over() -> int:
    """Close the notices whose condition does not hold any more; how many there were."""
    now = timezone.now()
    still_open = Notice.objects.filter(closed_at__isnull=True)
    whole = {
        Subject.CERTIFICATE_EXPIRING: certificates.over(now),
        Subject.REQUEST_WAITING: requests.over(),
        Subject.RENEWAL_FAILED: renewals.over(),
        Subject.RENEWAL_NEEDED: renewals.over(),
        Subject.NOT_SERVED: placements.over(),
    }
    closed = sum(
        rows.filter(subject=subject, closed_at__isnull=True).update(closed_at=now) for subject, rows in whole.items()
    )
    single = [*authorities.over(now), *orders.over(now), *trail.over()]
    for start in range(0, len(single), _CHUNK):
        closed += still_open.filter(pk__in=single[start : start + _CHUNK]).update(closed_at=now)
    return closed


@transaction.atomic
def _look(claimed: Rule) -> int:
    rule = queue.still_held(claimed)
    now = timezone.now()
    if rule.subject != Subject.CERTIFICATE_EXPIRING:
        told = tell(rule, _found(rule, now))
        rhythm = _SLOW_RHYTHM if rule.subject == Subject.CA_EXPIRING else _RHYTHM
        queue.settle(rule, due_at=now + rhythm, looked_at=now)
        return told
    with patience(parse_filter(rule.filter, at=now)):
        seen = certificates.look(rule, now)
    told = tell(rule, seen.found)
    if not seen.is_all:
        # More than is told at once: the next look begins where this one began, without what was told.
        queue.settle(rule, due_at=now)
        return told
    marks = {"looked_at": now, "looked_through": seen.through}
    if seen.was_whole:
        marks["looked_at_all"] = now
    queue.settle(rule, due_at=now + _SLOW_RHYTHM, **marks)
    return told


def _found(rule: Rule, now: datetime) -> list[Found]:
    if rule.subject not in FINDERS:
        return []
    # What nobody may ask a page for that long, no rule asks every minute.
    with patience(parse_filter(rule.filter, at=now)):
        return FINDERS[rule.subject](rule, now)


def tell(rule: Rule, found: Sequence[Found]) -> int:
    """A step, with the rule locked: make a notice of each that it has not told yet, and the messages about them.

    How many there were. What nobody wants to hear of is left out.
    """
    new = _unmuted(rule, _untold(rule, found))
    if not new:
        return 0
    notices = Notice.objects.bulk_create(_notice(rule, each) for each in new)
    _close_farther(rule, notices)
    owners = {notice.pk: each.owner for notice, each in zip(notices, new, strict=True)}
    Delivery.objects.bulk_create(_messages(rule, notices, owners))
    return len(notices)


def _untold(rule: Rule, found: Iterable[Found]) -> list[Found]:
    by_occasion = {each.occasion: each for each in found}
    occasions = list(by_occasion)
    told: set[str] = set()
    for start in range(0, len(occasions), _CHUNK):
        rows = Notice.objects.filter(organization_id=rule.organization_id, rule=rule)
        told.update(rows.filter(occasion__in=occasions[start : start + _CHUNK]).values_list("occasion", flat=True))
    return [each for occasion, each in by_occasion.items() if occasion not in told]


def _unmuted(rule: Rule, found: list[Found]) -> list[Found]:
    muted = set(Mute.objects.filter(organization_id=rule.organization_id).values_list("object_id", flat=True))
    return [each for each in found if each.object_id not in muted]


def _notice(rule: Rule, found: Found) -> Notice:
    return Notice(
        organization_id=rule.organization_id,
        rule=rule,
        subject=rule.subject,
        level=found.level,
        kind=found.kind,
        object_id=found.object_id,
        label=found.label,
        threshold=found.threshold,
        facts=dict(found.facts),
        occasion=found.occasion,
    )


def _close_farther(rule: Rule, notices: Sequence[Notice]) -> None:
    """The nearest threshold alone stands on the page."""
    nearest = defaultdict[int, list[Any]](list)
    for notice in notices:
        if notice.threshold is not None:
            nearest[notice.threshold].append(notice.object_id)
    for threshold, objects in nearest.items():
        for start in range(0, len(objects), _CHUNK):
            rows = Notice.objects.filter(rule=rule, closed_at__isnull=True, threshold__gt=threshold)
            rows = rows.filter(organization_id=rule.organization_id, object_id__in=objects[start : start + _CHUNK])
            rows.update(closed_at=timezone.now())


def _messages(rule: Rule, notices: Sequence[Notice], owners: dict[int, str]) -> list[Delivery]:
    organization = Organization.objects.get(pk=rule.organization_id)
    documents = {notice.pk: of_notice(notice, organization) for notice in notices}
    messages: list[Delivery] = []
    for channel in _channels(rule):
        if channel.kind == Channel.Kind.WEBHOOK:
            messages += (_about_one(channel, notice, documents[notice.pk]) for notice in notices)
            continue
        recipients = channel.recipients if channel.kind == Channel.Kind.MAIL else [""]
        messages += (_about_all(rule, notices, documents, channel, each) for each in recipients)
    if rule.tells_owner:
        messages += _to_owners(rule, notices, documents, owners)
    return messages


def _channels(rule: Rule) -> list[Channel]:
    """Those of the rule, and those that have asked for its subject."""
    asked = Channel.objects.filter(organization_id=rule.organization_id, is_active=True)
    spoken_over = set(rule.rule_channels.values_list("channel_id", flat=True))
    return [each for each in asked.order_by("pk") if each.pk in spoken_over or rule.subject in each.subjects]


def _about_one(channel: Channel, notice: Notice, document: dict[str, Any]) -> Delivery:
    return Delivery(
        organization_id=notice.organization_id,
        channel=channel,
        notice=notice,
        subject=notice.subject,
        document=document,
        due_at=timezone.now(),
    )


def _about_all(
    rule: Rule,
    notices: Sequence[Notice],
    documents: dict[int, dict[str, Any]],
    channel: Channel | None,
    recipient: str,
) -> Delivery:
    return Delivery(
        organization_id=rule.organization_id,
        channel=channel,
        recipient=recipient,
        notice=notices[0] if len(notices) == 1 else None,
        subject=rule.subject,
        document=together([documents[notice.pk] for notice in notices]),
        due_at=timezone.now(),
    )


def _to_owners(
    rule: Rule, notices: Sequence[Notice], documents: dict[int, dict[str, Any]], owners: dict[int, str]
) -> list[Delivery]:
    """One message to each owner who is still a member."""
    members = members_among(filter(None, owners.values()), rule.organization_id)
    of_owner = defaultdict[str, list[Notice]](list)
    for notice in notices:
        if owners[notice.pk].lower() in members:
            of_owner[owners[notice.pk]].append(notice)
    return [_about_all(rule, theirs, documents, None, owner) for owner, theirs in of_owner.items()]

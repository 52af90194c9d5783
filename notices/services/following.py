"""What happened, told to the channels that have asked for it: in the order of the audit log, each event once.

A channel remembers its place in the log, and moves it on in the transaction that writes its messages. Nothing stands
in the way of a signature for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from audit.models import AuditEvent
from certificates.models import CertificateBody
from notices.documents import document
from notices.findings import label_of
from notices.happenings import events_from, facts_of, subject_of
from notices.models import Channel, Delivery
from notices.subjects import HAPPENINGS, Subject

log = logging.getLogger(__name__)

# Of one channel, before others have their turn.
_MOST_BATCHES: Final = 10


def follow_events() -> int:
    """How many messages were made."""
    made = 0
    ends: dict[int, int] = {}
    rows = Channel.objects.filter(is_active=True).exclude(subjects=[]).order_by("pk")
    for pk, number, place, subjects in rows.values_list("pk", "organization_id", "next_position", "subjects"):
        if HAPPENINGS.isdisjoint(subjects):
            continue
        if number not in ends:
            ends[number] = _end(number)
        if place >= ends[number]:
            continue
        try:
            made += _follow(pk)
        except Exception:
            log.exception("channel %s was not told what happened", pk)
    return made


def _end(organization_id: int) -> int:
    last = AuditEvent.objects.filter(log=organization_id).aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1


def _follow(pk: int) -> int:
    made = 0
    for _batch in range(_MOST_BATCHES):
        messages = _next_batch(pk)
        if messages is None:
            break
        made += messages
    return made


@transaction.atomic
def _next_batch(pk: int) -> int | None:
    """How many messages the next events made; None where there are none, or somebody else is at it."""
    rows = Channel.objects.select_for_update(skip_locked=True).filter(pk=pk, is_active=True).order_by("pk")
    channel = rows.first()
    events = [] if channel is None else events_from(channel.organization_id, channel.next_position)
    if channel is None or not events:
        return None
    messages = list(_messages(channel, events))
    Delivery.objects.bulk_create(messages)
    channel.next_position = (events[-1].position or 0) + 1
    channel.save(update_fields=["next_position"])
    return len(messages)


def _messages(channel: Channel, events: Sequence[AuditEvent]) -> list[Delivery]:
    wanted = [(event, subject) for event in events if (subject := subject_of(event)) and subject in channel.subjects]
    made = [event.resource_id for event, subject in wanted if subject is not Subject.CERTIFICATE_REVOKED]
    bodies = {
        body.certificate_id: body
        for body in CertificateBody.objects.filter(
            organization_id=channel.organization_id, certificate_id__in=[pk for pk in made if pk is not None]
        )
    }
    return [_message(channel, event, subject, bodies) for event, subject in wanted]


def _message(channel: Channel, event: AuditEvent, subject: Subject, bodies: dict[int, CertificateBody]) -> Delivery:
    about: dict[str, Any] = event.document["resource"]
    facts = facts_of(event)
    body = bodies.get(event.resource_id or 0)
    if body is not None and channel.kind == Channel.Kind.WEBHOOK:
        # So that what waits for it needs no second question to put it where it is used.
        facts["certificate"] = body.x509.public_bytes(Encoding.PEM).decode()
    told = document(
        event_id=event.event_id,
        event=subject,
        at=event.at,
        organization=channel.organization,
        kind=event.resource_type,
        object_id=about.get("public_id") or "",
        name=label_of(event.resource_label),
        facts=facts,
    )
    return Delivery(
        organization_id=channel.organization_id,
        channel=channel,
        subject=subject,
        document=told,
        due_at=timezone.now(),
    )

"""Events to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import transaction

from audit.events import EventName
from audit.models import AuditEvent
from audit.resource import Resource
from audit.services import Happening, record, record_many
from kernel.actor import Actor, ActorKind

LOG = 7

ALICE = Actor(
    kind=ActorKind.USER,
    id=12,
    label="alice@example.com",
    organization_id=LOG,
    permissions=frozenset(),
    person_id=12,
    ip="203.0.113.42",
    trace_id="01J5TRACE",
)


class ChangeOfMind(Exception):
    """What rolls a test's transaction back."""


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that does not last."""
    with suppress(ChangeOfMind), transaction.atomic():
        yield
        raise ChangeOfMind


def happen(
    *,
    label: str = "www.example.com",
    organization_id: int | None = LOG,
    event: EventName = EventName.CERTIFICATE_ISSUED,
    **metadata: object,
) -> AuditEvent:
    with transaction.atomic():
        resource = Resource("certificate", 1024, label, serial="3fa1b2")
        return record(ALICE, event, resource, organization_id=organization_id, **metadata)


def happen_often(times: int, *, log: int = LOG) -> list[AuditEvent]:
    """So many events at once, labelled with their numbers."""
    resources = (Resource("certificate", number, str(number), serial=f"{number:x}") for number in range(times))
    happenings = [Happening(event=EventName.CERTIFICATE_ISSUED, resource=resource) for resource in resources]
    with transaction.atomic():
        return record_many(ALICE, happenings, organization_id=log)

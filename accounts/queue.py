"""Rows that are queues: claimed in a short transaction, worked on outside of any, given back by who still holds them.

Who claims a row has it until its lease ends; whatever is written afterwards is written only while the lease still
holds. So a worker that dies loses nothing, and one that was slow undoes nothing.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from typing import Any, Final, TypeVar

from django.db import models, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.said import Said, cut
from kernel.errors import DomainError, Invalid

# How far from the plan a pause may end, so that what failed together is not tried together.
_JITTER: Final = 0.25
_MOST_DOUBLINGS: Final = 30
_NO_LEASE: Final[dict[str, object]] = {"lease": None, "lease_until": None}


class Queued(models.Model):
    """A row that a worker takes up at `due_at`. Null: there is nothing to do, or it waits for a person.

    Each has a `last_error` of its own length besides.
    """

    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    # Since the last step that succeeded.
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)

    class Meta:
        abstract = True


M = TypeVar("M", bound=Queued)


class Lost(Exception):
    """Somebody else has taken the row over: what was done meanwhile is for that one to find and to go on with."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after a failure: twice as long after each, up to the longest; each time a bit more or less."""

    first: timedelta
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """The pause after so many failures in a row that came before this one."""
        pause = min(self.first * 2 ** min(failures, _MOST_DOUBLINGS), self.longest)
        return pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  nobody gains by guessing it


def due(rows: QuerySet[M], *, at: datetime) -> QuerySet[M]:
    """Those of these rows whose time has come and that nobody has in hand; what has waited longest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=at)
    return rows.filter(free, due_at__lte=at).order_by("due_at", "pk")


def in_turn(rows: QuerySet[M], *, most: int) -> list[int]:
    """The numbers of those of these rows that are due, at most so many: of each organization one before a second of
    any, so that whoever has a thousand lets the others wait for one.
    """
    waiting = due(rows, at=timezone.now())
    homes = list(waiting.order_by().values_list("organization_id", flat=True).distinct())
    random.shuffle(homes)
    of_each = [waiting.filter(organization_id=home).values_list("pk", flat=True)[:most] for home in homes[:most]]
    turns = (pk for turn in zip_longest(*of_each) for pk in turn if pk is not None)
    return list(islice(turns, most))


def claim_each(rows: QuerySet[M], *, lasting: timedelta, most: int) -> Iterator[M]:
    """Those of these rows that are due, in turn, each claimed at the moment when it is taken, at most so many."""
    for pk in in_turn(rows, most=most):
        row = claim(rows, pk, lasting=lasting)
        if row is not None:
            yield row


@transaction.atomic
def claim(rows: QuerySet[M], pk: int, *, lasting: timedelta, at_once: bool = False) -> M | None:
    """The row, with a lease of so long; None where it is not due, or somebody else has it.

    `at_once`: also before its time. `rows` follow no foreign keys: a lock would be one on those rows too.
    """
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    wanted = rows.filter(free) if at_once else due(rows, at=now)
    # In this order, or the model's own joins what it is sorted by.
    row = wanted.select_for_update(skip_locked=True).order_by("pk").filter(pk=pk).first()
    if row is None:
        return None
    row.lease, row.lease_until = uuid.uuid4(), now + lasting
    row.save(update_fields=["lease", "lease_until"])
    return row


def still_held(row: M) -> M:
    """A step, inside a transaction: the row as it is now, locked, while the lease is ours. Raises Lost."""
    rows = type(row)._default_manager.select_for_update(of=("self",))
    locked = rows.filter(pk=row.pk, lease=row.lease).order_by("pk").first()
    if locked is None:
        raise Lost
    return locked


def settle(row: Queued, *, due_at: datetime | None = None, **changes: object) -> None:
    """A step, inside a transaction with the row locked: give it back, as after a success but for what is named here.

    `due_at`: when there is something to do again; None: never.
    """
    outcome = {**_NO_LEASE, "attempts": 0, "last_error": "", "due_at": due_at, **changes}
    for name, value in outcome.items():
        setattr(row, name, value)
    row.save(update_fields=list(outcome))


def release(row: Queued) -> None:
    """Give a row back as it is: what a person has claimed waits as it waited before."""
    type(row)._default_manager.filter(pk=row.pk, lease=row.lease).update(**_NO_LEASE)


def postpone(row: Queued, *, pause: timedelta, error: str = "", longest: int = 500) -> None:
    """Give a row back that is to be tried again after the pause; where the lease is not ours any more, do nothing.

    With an error it counts as a failure, without one it was only too early.
    """
    changes: dict[str, Any] = {**_NO_LEASE, "due_at": timezone.now() + pause}
    if error:
        changes |= {"attempts": F("attempts") + 1, "last_error": cut(error, longest)}
    type(row)._default_manager.filter(pk=row.pk, lease=row.lease).update(**changes)


def sentence_of(error: Exception) -> str:
    """What people may read of an error: what is not ours may hold anything, so of that its kind alone."""
    if isinstance(error, Invalid):
        # Its own sentence is about the whole; what is wrong stands in those about its fields.
        return str(error)
    return Said(error.message) if isinstance(error, DomainError) else type(error).__name__

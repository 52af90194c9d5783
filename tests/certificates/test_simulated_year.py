"""A year goes by, with a week in which nothing worked: whatever renews itself never lapses for want of a worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from certificates.models import Certificate, Renewal
from certificates.services.renewing import renew_due_certificates
from certificates.services.scheduling import unschedule_renewal
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.clock import Clock
from tests.office import Office, open_office

DAY = timedelta(days=1)
LIVES = (7, 47, 90, 397)
# A renewal begins at a moment that is drawn within the hour after it is due, and the worker comes round.
SLACK = timedelta(hours=1, minutes=1)


class Year:
    """From one thing that is due to the next, but for the outage."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.end = clock.now + 365 * DAY
        self.outage = (clock.now + 180 * DAY, clock.now + 187 * DAY)

    def pass_by(self, *, until: datetime | None = None) -> None:
        while (moment := self._next()) is not None and moment < (until or self.end):
            self.clock.move_to(moment)
            if self.outage[0] <= self.clock.now < self.outage[1]:
                self.clock.move_to(self.outage[1])
            renew_due_certificates(actor=SYSTEM)

    def _next(self) -> datetime | None:
        untouched = Certificate.objects.filter(renew_at__isnull=False, renewal__isnull=True).order_by("renew_at")
        begun = Renewal.objects.order_by("due_at")
        moments = [*untouched.values_list("renew_at", flat=True)[:1], *begun.values_list("due_at", flat=True)[:1]]
        return min(moments, default=None)


def lineage(first: Certificate) -> list[Certificate]:
    line = [first]
    while (following := line[-1].replaced_by.all()[:2]) and following[0] is not None:
        assert len(following) == 1, "renewed twice"
        line.append(following[0])
    return line


@pytest.mark.django_db
def test_everything_is_renewed_in_time_and_once(monkeypatch):
    clock = Clock(monkeypatch)
    office = open_office(lint="off")
    year = Year(clock)
    firsts = {
        days: office.issue(f"d{days}.acme.test", validity=days * DAY, renew_ahead=30 * DAY).certificate
        for days in LIVES
    }
    year.pass_by(until=year.outage[0] - 20 * DAY)
    # Of those that live for a day, a year is as long as any weeks: the worst ones are watched.
    firsts[1] = office.issue("d1.acme.test", validity=DAY, renew_ahead=30 * DAY).certificate
    year.pass_by(until=year.outage[1] + 20 * DAY)
    _leave(office, firsts.pop(1), year)
    year.pass_by()
    assert not Renewal.objects.exclude(standing=Renewal.Standing.DUE).exists()
    for days, first in firsts.items():
        _require_line(year, first, days)


def _leave(office: Office, first: Certificate, year: Year) -> None:
    line = _require_line(year, first, 1)
    unschedule_renewal(actor=office.owner, certificate=Ref("pk", line[-1].pk))


def _require_line(year: Year, first: Certificate, days: int) -> list[Certificate]:
    """Every one in time, one after the other, up to now."""
    line = lineage(first)
    assert line[-1].not_after >= year.clock.now, f"{days} days: nothing is good now"
    for old, new in pairwise(line):
        _require_in_time(year, old, new)
    part = max(days * DAY * 2 / 3, days * DAY - 30 * DAY)
    assert len(line) <= (year.clock.now - first.not_before) / part + 2, f"{days} days: too many"
    return line


def _require_in_time(year: Year, old: Certificate, new: Certificate) -> None:
    due = old.not_after - min(30 * DAY, (old.not_after - old.not_before) / 3)
    begins, ends = year.outage
    latest = max(due, ends) if begins <= due + SLACK and due < ends else due
    assert new.not_before >= due - timedelta(seconds=2), "too early"
    assert new.not_before <= latest + SLACK, "too late"
    # Only what ended while nothing worked may have lapsed.
    assert new.not_before < old.not_after or begins <= old.not_after <= ends + SLACK

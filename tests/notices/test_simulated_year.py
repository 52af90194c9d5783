"""A year of ends that nobody renews, with a week in which nothing worked."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest

from certificates.models import Certificate
from notices.models import Notice
from notices.services.telling import close_what_is_over, tell_due
from notices.subjects import Subject
from tests.notices.making import Clock, rule
from tests.office import Office

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
THRESHOLDS = (30, 14, 7, 1)
# Around the outage as well: they cross one threshold in it, or two, or end in it.
LIVES = (60, 90, 181, 186, 188, 190, 195, 205, 215, 300, 330)
OUTAGE = range(180, 187)


def should_be_told(row: Certificate, looks: list) -> list[int]:
    """At each look the nearest threshold crossed that was not told yet, also of what has ended unseen."""
    told: list[int] = []
    for look in looks:
        crossed = [days for days in THRESHOLDS if row.not_after - days * DAY <= look]
        if crossed and min(crossed) not in told:
            told.append(min(crossed))
    return told


def test_each_threshold_is_told_once_and_an_outage_skips_none_for_ever(office: Office, clock: Clock):
    rule(office)
    rows = [office.issue(f"d{days}.acme.test", validity=days * DAY).certificate for days in LIVES]
    clock.go(hours=1)
    looks = []
    for day in range(365):
        clock.go(days=1)
        if day in OUTAGE:
            continue
        looks.append(clock.at)
        # Whatever is looked at twice is told once.
        for _again in range(2 if day % 10 == 0 or day == OUTAGE.stop else 1):
            tell_due()
        close_what_is_over()
    told = defaultdict(list)
    for notice in Notice.objects.filter(subject=Subject.CERTIFICATE_EXPIRING).order_by("pk"):
        told[notice.label].append(notice.threshold)
    assert told == {row.common_name: should_be_told(row, looks) for row in rows if should_be_told(row, looks)}
    assert told["d300.acme.test"] == list(THRESHOLDS)
    assert told["d190.acme.test"][-2:] == [7, 1]
    assert not Notice.objects.filter(closed_at=None).exists()

"""What renews itself is told of where it does not; and what is not served where it is used."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.services.private_ranges import allow_private_range
from cas.services.authorities import disable_ca, enable_ca
from certificates.models import Placement
from certificates.services.placements import add_placement, check_due_placements
from certificates.services.renewing import renew_due_certificates
from kernel.actor import SYSTEM
from kernel.ref import Ref
from notices.models import Notice
from notices.services.telling import close_what_is_over, tell_due
from notices.subjects import Subject
from tests import cast
from tests.notices.making import Clock, rule
from tests.office import Office

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def go_on(clock: Clock, *, days: int, hours: int) -> None:
    for _step in range(days * 24 // hours):
        clock.go(hours=hours)
        tell_due()
        renew_due_certificates(actor=SYSTEM)
        close_what_is_over()


def told(subject: str) -> list[tuple[str, int | None, bool]]:
    rows = Notice.objects.filter(subject=subject).order_by("pk")
    return [(each.label, each.threshold, each.closed_at is not None) for each in rows]


def test_what_renews_itself_in_time_is_not_told_of(office: Office, clock: Clock):
    rule(office)
    office.issue(renew_ahead=30 * DAY)
    office.issue("by-hand.acme.test")
    clock.go(days=59, hours=20)
    go_on(clock, days=1, hours=2)
    assert told(Subject.CERTIFICATE_EXPIRING) == [("by-hand.acme.test", 30, False)]


def test_a_renewal_that_fails_is_told_once_and_over_when_it_succeeds(office: Office, clock: Clock):
    rule(office)
    rule(office, subject=Subject.RENEWAL_FAILED, name="failed", thresholds=())
    office.issue(renew_ahead=30 * DAY)
    disable_ca(actor=office.owner, ca=office.issuing)
    clock.go(days=59, hours=20)
    go_on(clock, days=2, hours=3)
    assert told(Subject.RENEWAL_FAILED) == [("www.acme.test", None, False)]
    assert told(Subject.CERTIFICATE_EXPIRING) == [("www.acme.test", 30, False)]
    enable_ca(actor=office.owner, ca=office.issuing)
    go_on(clock, days=1, hours=6)
    assert told(Subject.RENEWAL_FAILED) == [("www.acme.test", None, True)]
    assert told(Subject.CERTIFICATE_EXPIRING) == [("www.acme.test", 30, True)]


def test_what_is_not_served_for_a_day_is_told_until_it_is(office: Office, clock: Clock):
    rule(office, subject=Subject.NOT_SERVED, name="not served", thresholds=())
    allow_private_range(actor=cast.SUPERUSER, organization=office.organization, network="127.0.0.0/8")
    row = office.issue().certificate
    add_placement(actor=office.owner, certificate=Ref("pk", row.pk), host="127.0.0.1", port=1)
    check_due_placements(actor=SYSTEM)
    go_on(clock, days=2, hours=8)
    assert told(Subject.NOT_SERVED) == [("www.acme.test", None, False)]
    Placement.objects.update(outcome=Placement.Outcome.SERVED, wrong_since=None)
    go_on(clock, days=1, hours=12)
    assert told(Subject.NOT_SERVED) == [("www.acme.test", None, True)]

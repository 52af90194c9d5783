from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from audit import selectors
from audit.events import EventName
from audit.models import AuditEvent
from audit.selectors import EventFilter, filter_events, get_checkpoint, get_event, list_events, visible_log
from audit.services import seal
from kernel.actor import SYSTEM, ActorKind
from kernel.errors import NotFound
from tests.append_only import unguarded
from tests.audit.happenings import ALICE, LOG, happen

STRANGER = replace(ALICE, organization_id=LOG + 1)
HOMELESS = replace(ALICE, organization_id=None)
SUPERUSER = replace(HOMELESS, is_superuser=True)


def labels(wanted: EventFilter = EventFilter(), *, visible_to=ALICE, **page) -> list[str]:  # noqa: B008
    return [event.resource_label for event in list_events(wanted, visible_to=visible_to, **page)]


@pytest.mark.parametrize("outsider", [STRANGER, HOMELESS, SYSTEM], ids=["stranger", "homeless", "system"])
def test_an_outsider_sees_nothing(three_events, outsider):
    assert labels(visible_to=outsider) == []
    assert labels(EventFilter(organization_id=LOG), visible_to=outsider) == []
    with pytest.raises(NotFound):
        get_event(three_events[0].event_id, visible_to=outsider)


@pytest.mark.parametrize("outsider", [STRANGER, HOMELESS, SYSTEM], ids=["stranger", "homeless", "system"])
def test_an_outsider_sees_no_log_and_no_checkpoint(three_events, outsider):
    seal(actor=SYSTEM)
    with pytest.raises(NotFound):
        visible_log(LOG, visible_to=outsider)
    for size in (3, None):
        with pytest.raises(NotFound):
            get_checkpoint(LOG, size, visible_to=outsider)


def test_the_systems_checkpoints_are_for_superusers(three_events):
    seal(actor=SYSTEM)
    assert get_checkpoint(0, None, visible_to=SUPERUSER).size == 1
    with pytest.raises(NotFound):
        get_checkpoint(0, None, visible_to=ALICE)


def test_the_newest_come_first(three_events):
    assert labels() == ["third", "second", "first"]


def test_the_systems_log_is_for_superusers(three_events):
    assert {event.log for event in list_events(EventFilter(), visible_to=SUPERUSER)} == {0, LOG}
    assert {event.log for event in list_events(EventFilter(), visible_to=ALICE)} == {LOG}


def test_a_superuser_may_look_at_one_organization_or_the_system(three_events):
    assert labels(EventFilter(organization_id=LOG), visible_to=SUPERUSER) == ["third", "second", "first"]
    (own,) = list_events(EventFilter(organization_id=0), visible_to=SUPERUSER)
    assert own.name == EventName.AUDIT_KEY_CREATED


def test_pages_follow_each_other_whatever_is_written_meanwhile(three_events):
    first = list_events(EventFilter(), visible_to=ALICE, limit=2)
    happen(label="fourth")
    assert [event.resource_label for event in first] == ["third", "second"]
    assert labels(before=first[-1].pk, limit=2) == ["first"]


def test_filters_narrow(db):
    old = happen(label="old")
    happen(label="revoked", event=EventName.CERTIFICATE_REVOKED)
    new = happen(label="new")
    table = {
        EventFilter(name=EventName.CERTIFICATE_REVOKED): ["revoked"],
        EventFilter(name=EventName.CA_CREATED): [],
        EventFilter(since=old.at): ["new", "revoked", "old"],
        EventFilter(since=new.at + timedelta(seconds=1)): [],
        EventFilter(until=old.at): [],
        EventFilter(until=new.at + timedelta(seconds=1)): ["new", "revoked", "old"],
        EventFilter(actor=(ActorKind.USER, 12)): ["new", "revoked", "old"],
        EventFilter(actor=(ActorKind.API_KEY, 12)): [],
        EventFilter(actor=(ActorKind.USER, 13)): [],
        EventFilter(resource_type="certificate", resource_id=1024): ["new", "revoked", "old"],
        EventFilter(resource_type="certificate", resource_id=1025): [],
        EventFilter(resource_type="ca"): [],
        EventFilter(trace_id="01J5TRACE"): ["new", "revoked", "old"],
        EventFilter(trace_id="other"): [],
        EventFilter(serial="3fa1b2"): ["new", "revoked", "old"],
        EventFilter(serial="3fa1"): [],
        EventFilter(ip="203.0.113.42"): ["new", "revoked", "old"],
        EventFilter(ip="203.0.113.4"): [],
        EventFilter(name=EventName.CERTIFICATE_ISSUED, since=new.at): ["new"],
    }
    assert {wanted: labels(wanted) for wanted in table} == table


def test_a_date_is_its_first_moment(three_events):
    """The checklist's `since=YYYY-MM-DD`; a date-time does as well."""
    midnight = datetime(2026, 4, 18, tzinfo=UTC)
    with unguarded():
        for event, at in zip(three_events, (midnight - timedelta(microseconds=1), midnight, midnight), strict=True):
            AuditEvent.objects.filter(pk=event.pk).update(at=at)
    assert labels(EventFilter(since=date(2026, 4, 18))) == ["third", "second"]
    assert labels(EventFilter(until=date(2026, 4, 18))) == ["first"]
    assert labels(EventFilter(since=date(2026, 4, 19))) == []


EVERYTHING = EventFilter(
    organization_id=LOG,
    name=EventName.CERTIFICATE_ISSUED,
    since=date(2026, 1, 1),
    until=date(2999, 1, 1),
    actor=(ActorKind.USER, 12),
    resource_type="certificate",
    resource_id=1024,
    serial="3fa1b2",
    ip="203.0.113.42",
    trace_id="01J5TRACE",
)


def test_a_page_is_one_query_whatever_it_is_narrowed_to(three_events, django_assert_num_queries):
    last = three_events[-1].pk
    with django_assert_num_queries(1):
        assert labels(EVERYTHING, before=last) == ["second", "first"]
    with django_assert_num_queries(1):
        get_event(three_events[0].event_id, visible_to=ALICE)


INDEXED = [
    EventFilter(),
    EventFilter(name=EventName.CA_CREATED),
    EventFilter(since=date(2026, 1, 1)),
    EventFilter(actor=(ActorKind.USER, 12)),
    EventFilter(resource_type="certificate", resource_id=1024),
    EventFilter(serial="3fa1b2"),
    EventFilter(trace_id="01J5TRACE"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", INDEXED, ids=str)
def test_no_filter_reads_the_whole_table(wanted):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL rightly reads a table of three rows whole")
    plan = filter_events(wanted, visible_to=ALICE).order_by("-pk").explain()
    assert "USING INDEX" in plan
    assert "SCAN" not in plan


def test_one_event_by_its_id(three_events):
    assert get_event(three_events[1].event_id, visible_to=ALICE) == three_events[1]
    with pytest.raises(NotFound):
        get_event("0" * 26, visible_to=ALICE)


def test_the_oldest_unsealed_event_is_what_health_looks_at(three_events):
    assert selectors.oldest_unsealed().name == EventName.AUDIT_KEY_CREATED
    seal(actor=SYSTEM)
    assert selectors.oldest_unsealed() is None
    waiting = happen()
    happen()
    assert selectors.oldest_unsealed() == waiting

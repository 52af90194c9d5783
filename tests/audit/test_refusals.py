from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.cache import cache
from django.db import transaction

from audit.events import EventName
from audit.models import AuditEvent
from audit.resource import Resource
from audit.services import record_refusal
from tests.audit.happenings import ALICE, LOG, happen, rolled_back

CA = Resource("ca", 5, "Root")


@pytest.fixture(autouse=True)
def _no_counts(db):
    cache.clear()


def refuse(actor=ALICE, resource=CA, event=EventName.PERMISSION_REFUSED):
    return record_refusal(actor, event, resource, organization_id=LOG, permission="cas:revoke")


def told() -> list[int]:
    events = AuditEvent.objects.filter(log=LOG).order_by("pk")
    return [event.document["metadata"]["times"] for event in events]


def test_a_refusal_is_an_event():
    event = refuse()
    assert event.document["event"] == "permission.refused"
    assert event.document["metadata"] == {"permission": "cas:revoke", "times": 1}


def test_a_flood_is_counted_and_told_in_powers_of_ten():
    for _ in range(120):
        refuse()
    assert told() == [1, 10, 100]


def test_different_refusals_are_counted_apart():
    refuse()
    refuse(actor=replace(ALICE, id=13))
    refuse(resource=Resource("ca", 6))
    refuse(resource=Resource("ca", 5, "another name"))
    refuse(event=EventName.POLICY_REFUSED)
    assert told() == [1, 1, 1, 1, 1]


def test_a_count_that_lapses_begins_again(monkeypatch):
    refuse()
    cache.clear()
    refuse()
    assert told() == [1, 1]


def test_a_count_that_lapses_at_the_wrong_moment_is_not_an_error(monkeypatch):
    monkeypatch.setattr(cache, "add", lambda *_, **__: False)
    assert refuse().document["metadata"]["times"] == 1


def test_without_a_cache_each_refusal_is_told(monkeypatch):
    def gone(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(cache, "add", gone)
    refuse()
    refuse()
    assert told() == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_it_would_vanish_and_is_a_mistake():
    with pytest.raises(RuntimeError), transaction.atomic():
        refuse()


@pytest.mark.django_db(transaction=True)
def test_it_stays_after_the_rollback_of_what_was_refused():
    with rolled_back():
        happen(label="what was refused")
    refuse()
    assert told() == [1]

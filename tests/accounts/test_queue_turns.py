"""Whoever has a thousand things to be done lets the others wait for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import queue
from notices.models import Rule
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db


def rules(office: Office, count: int, *, since: timedelta) -> list[int]:
    due_at = timezone.now() - since
    made = [
        Rule(organization=office.organization, name=f"Rule {number}", subject="ca.expiring", due_at=due_at)
        for number in range(count)
    ]
    return [each.pk for each in Rule.objects.bulk_create(made)]


def test_of_each_organization_one_is_taken_before_a_second_of_any():
    many = rules(open_office(), 30, since=timedelta(hours=2))
    few = rules(open_office("Other"), 2, since=timedelta(minutes=1))
    turns = queue.in_turn(Rule.objects.all(), most=10)
    assert set(turns) == {*many[:8], *few}
    assert {turns.index(few[0]), turns.index(few[1])} <= {0, 1, 2, 3}
    # Each organization's own in the order in which they have waited.
    assert [pk for pk in turns if pk in many] == many[:8]


def test_what_is_not_due_or_in_hand_has_no_turn():
    first, second, third = rules(open_office(), 3, since=timedelta(hours=1))
    Rule.objects.filter(pk=first).update(due_at=None)
    assert queue.claim(Rule.objects.all(), second, lasting=timedelta(minutes=1)) is not None
    assert queue.in_turn(Rule.objects.all(), most=10) == [third]

"""Tallies: exact counts of long lists, without counting what was counted before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from certificates.models import Certificate, CertificateTally
from certificates.selectors import count_all
from certificates.services import tallies
from certificates.services.sweeps import take_tallies
from kernel.permissions import Grant
from tests import cast
from tests.api.wire import wire_of
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "_STEP", 3)


def grow(office: Office, count: int, *, age: timedelta = timedelta(hours=2)) -> None:
    for _number in range(count):
        row = office.issue().certificate
        Certificate.objects.filter(pk=row.pk).update(created_at=timezone.now() - age)


def kept(office: Office) -> list[int]:
    rows = CertificateTally.objects.filter(organization=office.organization).order_by("pk")
    return list(rows.values_list("count", flat=True))


def test_a_tally_is_added_where_enough_has_come(office):
    grow(office, 2)
    assert (take_tallies(), kept(office)) == (0, [])
    grow(office, 2)
    assert (take_tallies(), kept(office)) == (1, [4])
    assert (take_tallies(), kept(office)) == (0, [4])
    grow(office, 3)
    assert (take_tallies(), kept(office)) == (1, [4, 7])


def test_what_may_still_have_neighbours_is_not_counted(office):
    grow(office, 3, age=timedelta(minutes=50))
    assert take_tallies() == 0
    grow(office, 3)
    Certificate.objects.filter(pk=Certificate.objects.latest("pk").pk).update(created_at=timezone.now())
    assert (take_tallies(), kept(office)) == (1, [5])


def test_each_organization_has_its_own_and_the_count_is_exact(office):
    other = open_office("Umbrella")
    grow(office, 4)
    grow(other, 3)
    assert take_tallies() == 2
    grow(office, 2)
    grow(other, 1, age=timedelta(0))
    assert (count_all(visible_to=office.owner), count_all(visible_to=other.owner)) == (6, 4)
    assert count_all(visible_to=cast.SUPERUSER) == 10
    elsewhere = replace(office.owner, grants=(Grant(office.root.pk, office.owner.permissions),))
    assert count_all(visible_to=elsewhere) == 0


def test_two_sweeps_at_once_leave_one_tally(office, monkeypatch):
    grow(office, 4)
    monkeypatch.setattr(tallies, "newest_tally", lambda _organization_id: None)
    assert [take_tallies(), take_tallies()] == [1, 1]
    assert kept(office) == [4]


@pytest.mark.row("P14")
def test_a_list_counts_only_what_has_come_since(office):
    grow(office, 5)
    take_tallies()
    grow(office, 2)
    api = wire_of(office.person)
    assert api.get("/api/v1/certificates?limit=1").json()["pagination"]["total"] == 7
    with CaptureQueriesContext(connection) as queries:
        api.get("/api/v1/certificates?limit=1")
    (count,) = (query["sql"] for query in queries if "COUNT(*)" in query["sql"])
    assert f'"id" > {CertificateTally.objects.get().through}' in count

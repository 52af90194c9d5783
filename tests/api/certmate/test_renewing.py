"""CertMate's promise: `renewal_enabled`, thirty days before the end, and it really happens."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from certificates.models import Certificate
from certificates.tasks import renew_due_certificates
from tests import pki
from tests.api.certmate.conftest import CERTS, Client
from tests.api.wire import Wire
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def pass_time(clock: Clock, by: timedelta, *, step: timedelta) -> None:
    """The worker's timetable goes on meanwhile."""
    end = clock.now + by
    while clock.now < end:
        clock.advance(step)
        renew_due_certificates()


def identifiers(api: Wire) -> list[str]:
    return [each["identifier"] for each in api.get(CERTS).json()["certificates"]]


@pytest.mark.row("M94")
def test_thirty_days_before_its_end_it_is_renewed(client: Client, api: Wire, clock: Clock):
    made = client.create("alice@example.com", days_valid=365)
    shown = api.get(f"{CERTS}/{made['identifier']}").json()
    assert (shown["renewal_enabled"], shown["renewal_threshold_days"]) == (True, 30)
    pass_time(clock, timedelta(days=334), step=timedelta(days=30))
    assert len(identifiers(api)) == 1
    pass_time(clock, timedelta(days=2), step=timedelta(hours=6))
    (new,) = set(identifiers(api)) - {made["identifier"]}
    renewed = api.get(f"{CERTS}/{new}").json()
    assert (renewed["renewal_enabled"], renewed["renewal_threshold_days"]) == (True, 30)
    assert new.startswith("alice-example.com-")
    key = api.get(f"{CERTS}/{new}/download/key")
    assert b"PRIVATE KEY" in key.content
    pass_time(clock, timedelta(days=28), step=timedelta(days=1))
    assert len(identifiers(api)) == 2


@pytest.mark.row("M94")
def test_issue_562_a_short_lived_one_is_renewed_once_in_its_life(client: Client, api: Wire, clock: Clock):
    client.create(days_valid=3)
    pass_time(clock, timedelta(days=6), step=timedelta(hours=2))
    rows = list(Certificate.objects.order_by("pk"))
    assert len(rows) == 3
    assert all(old.not_before + timedelta(days=2) <= new.not_before for old, new in pairwise(rows))


@pytest.mark.row("M94")
def test_one_that_came_by_csr_is_not_renewed_and_says_so(client: Client, api: Wire, clock: Clock):
    made = client.create(csr=pki.make_csr(subject="CN=x"), generate_key=False, days_valid=60)
    assert api.get(f"{CERTS}/{made['identifier']}").json()["renewal_enabled"] is False
    pass_time(clock, timedelta(days=60), step=timedelta(days=5))
    assert identifiers(api) == [made["identifier"]]

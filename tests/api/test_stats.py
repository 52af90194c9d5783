"""The numbers of a dashboard, over the wire."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.office import open_office

URL = "/api/v2/stats"


def test_a_stranger_counts_nothing(office, stranger):
    office.issue()
    counts = stranger.get(URL).json()
    assert counts["certificates"]["total"] == counts["authorities"] == 0
    assert counts["by_ca"] == counts["by_key_algorithm"] == []
    assert b"ACME" not in stranger.get(URL).content


def test_what_was_issued_is_counted_in_every_way(api, office):
    for _ in range(2):
        office.issue()
    open_office("Umbrella").issue()
    stats = api.get(URL).json()
    counts = {"total": 2, "active": 2, "expiring": 0, "expired": 0, "held": 0, "revoked": 0}
    assert stats["certificates"] == counts
    issuing = {"id": str(office.issuing.public_id), "name": "ACME Issuing CA", "type": "internal"}
    assert stats["by_ca"] == [{"pki": issuing, "certificates": counts}]
    assert stats["by_key_algorithm"] == [{"key_algorithm": "ECDSA_P256", "certificates": counts}]
    assert [window["within_days"] for window in stats["expiring"]] == [7, 14, 30, 60, 90]
    assert len(stats["issued"]) == 30
    assert stats["issued"][-1] == {"day": f"{datetime.now(UTC):%Y-%m-%d}", "certificates": 2}
    assert stats["authorities"] == 2


def test_the_numbers_take_few_queries(api, office):
    office.issue()
    api.get(URL)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(URL).status_code == 200
    assert len(queries) <= 7


def test_a_large_register_says_when_it_was_counted(api, office, monkeypatch):
    monkeypatch.setattr("certificates.summary.COUNTED_AT_ONCE", 1)
    for _ in range(2):
        office.issue()
    first = api.get(URL).json()
    office.issue()
    assert api.get(URL).json() == first

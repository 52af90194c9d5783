"""Times and states in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audit.admin.html import Status, relative, status_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=20), "in less than a minute"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=-59), "59 minutes ago"),
        (timedelta(hours=47), "in 47 hours"),
        (timedelta(days=6, hours=23), "in 6 days"),
        (timedelta(days=-28), "28 days ago"),
        (timedelta(days=365), "in 12 months"),
        (timedelta(days=3650), "in 10 years"),
    ],
)
def test_how_far_away_a_time_is(away, words):
    assert relative(NOW + away, at=NOW) == words


@pytest.mark.parametrize(
    ("state", "left", "status"),
    [
        ("issued", timedelta(days=31), Status.ACTIVE),
        ("issued", timedelta(days=30), Status.EXPIRING),
        ("issued", timedelta(0), Status.EXPIRING),
        ("issued", timedelta(seconds=-1), Status.EXPIRED),
        ("revoked", timedelta(days=-1), Status.REVOKED),
        ("held", timedelta(days=1), Status.HELD),
        ("active", timedelta(days=300), Status.ACTIVE),
        ("retired", timedelta(days=-1), Status.RETIRED),
    ],
)
def test_the_word_for_a_state(state, left, status):
    assert status_of(state, NOW + left, at=NOW) is status

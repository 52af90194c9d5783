"""Serials, times and durations on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.common import formats

SERIALS = {"3fa1b2c3": "3F:A1:B2:C3", "99c": "09:9C", "1": "01", "ff": "FF"}


@pytest.mark.parametrize(("stored", "shown"), SERIALS.items())
def test_a_serial_is_shown_in_whole_octets(stored, shown):
    assert formats.serial_text(stored) == shown


def test_a_time_is_shown_in_utc_to_the_second():
    moment = datetime.fromisoformat("2026-01-15T09:00:00.987654+01:00")
    assert formats.time_text(moment) == "2026-01-15T08:00:00Z"


@pytest.mark.parametrize(
    "text",
    ["2026-01-15T08:00:00Z", "2026-01-15t08:00:00z", "2026-01-15T09:00:00+01:00", "2026-01-15T08:00:00.000000Z"],
)
def test_a_time_is_read_with_its_zone(text):
    assert formats.read_time(text) == datetime(2026, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T08:00:00",
        "2026-01-15",
        "2026-01-15 08:00:00Z",
        "2026-13-15T08:00:00Z",
        "2026-02-30T08:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-15T08:00:00+99:00",
        "٢٠٢٦-01-15T08:00:00Z",
        "",
    ],
)
def test_a_time_without_a_zone_or_a_meaning_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        formats.read_time(text)


DURATIONS = {
    "0s": timedelta(),
    "30s": timedelta(seconds=30),
    "15m": timedelta(minutes=15),
    "36h": timedelta(hours=36),
    "90d": timedelta(days=90),
    "61s": timedelta(seconds=61),
}


@pytest.mark.parametrize(("text", "length"), DURATIONS.items())
def test_a_duration_is_shown_in_the_largest_unit_without_a_rest_and_read_back(text, length):
    assert formats.duration_text(length) == text
    assert formats.read_duration(text) == length


def test_weeks_are_read():
    assert formats.read_duration("2w") == timedelta(days=14)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5h", "90 d", "1y", "٣d", "999999999w", "1d2h"])
def test_other_durations_are_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        formats.read_duration(text)

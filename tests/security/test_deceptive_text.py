"""Text that looks like other text, in names and in the log."""

from __future__ import annotations

import logging

import pytest

from cas.core.names import name_from_mapping
from pkiproject.logs import LineFormatter, TraceFilter
from tests.refusals import invalid

UNSEEN = {
    "a zero width space": "\u200b",
    "a zero width joiner": "\u200d",
    "a soft hyphen": "\u00ad",
    "a word joiner": "\u2060",
    "a byte order mark": "\ufeff",
    "an Arabic letter mark": "\u061c",
    "a tag letter": "\U000e0041",
    "a turn of direction": "\u202e",
    "a NUL": "\0",
}


@pytest.mark.parametrize("sign", UNSEEN.values(), ids=UNSEEN)
def test_a_name_holds_nothing_that_is_not_seen(sign):
    """RFC 4518 2.2 leaves these out of a comparison: to others the two names would be one."""
    with invalid(("subject.organization", "control-character")):
        name_from_mapping({"organization": f"Ac{sign}me"})


@pytest.mark.parametrize("text", ["Société Générale", "株式会社", "Ελλάδα", "Łódź", "السلام"])
def test_a_name_holds_the_letters_of_any_language(text):
    assert name_from_mapping({"organization": text})


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\x1b[2K", "\x85", "\0"])
def test_nobody_writes_a_second_line_into_the_log(sign):
    path = f"/api/v2/certificates{sign}2026-11-22T10:00:00.000Z INFO accounts - root signed in"
    record = logging.LogRecord("api", logging.ERROR, __file__, 1, "%s %s failed", ("GET", path), None)
    TraceFilter().filter(record)
    line = LineFormatter().format(record)
    assert line.isprintable()
    assert line.endswith("root signed in failed")

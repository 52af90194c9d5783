from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import canonical_bytes, timestamp
from audit.events import EventName

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
_DOCUMENTS = st.dictionaries(_TEXT, _JSON, max_size=6)


@given(_DOCUMENTS)
def test_reads_back_as_the_document(document):
    assert json.loads(canonical_bytes(document)) == document


@given(_DOCUMENTS)
def test_does_not_depend_on_the_order_of_keys(document):
    turned = dict(reversed(document.items()))
    assert canonical_bytes(turned) == canonical_bytes(document)


@given(_DOCUMENTS)
def test_is_one_line_that_begins_with_a_brace(document):
    """What keeps an event and a checkpoint apart under one key."""
    spelled = canonical_bytes(document)
    assert spelled.startswith(b"{")
    assert b"\n" not in spelled


SPELLINGS = {
    # RFC 8785 section 3.2.3: sorted by UTF-16 code units, so U+1F600 comes before U+FB33.
    "keys in UTF-16 order": (
        {"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "1": 4, "\r": 5, "\u00f6": 6, "\u0080": 7},
        '{"\\r":5,"1":4,"\u0080":7,"\u00f6":6,"\u20ac":3,"\U0001f600":2,"\ufb33":1}',
    ),
    # RFC 8785 section 3.2.2.2.
    "escapes where JSON needs them, nowhere else": (
        {"s": "\u20ac$\u000f\nA'B\"\\/\u007f\u2028"},
        '{"s":"\u20ac$\\u000f\\nA\'B\\"\\\\/\u007f\u2028"}',
    ),
    "literals": ({"a": [None, True, False, 0, -7]}, '{"a":[null,true,false,0,-7]}'),
    "nested keys": ({"b": {"d": 1, "c": 2}, "a": ()}, '{"a":[],"b":{"c":2,"d":1}}'),
    "names of an enum": ({"event": EventName.CA_CREATED}, '{"event":"ca.created"}'),
    "a time": ({"at": datetime(2026, 4, 18, 10, 2, 34, 123_999, UTC)}, '{"at":"2026-04-18T10:02:34.123Z"}'),
    "a UUID": ({"id": UUID(int=1)}, '{"id":"00000000-0000-0000-0000-000000000001"}'),
}


@pytest.mark.parametrize(("document", "spelled"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_has_one_spelling(document, spelled):
    assert canonical_bytes(document).decode() == spelled


REFUSED = {
    "a float": (1.5, TypeError),
    "bytes": (b"key", TypeError),
    "a set": ({1}, TypeError),
    "a key that is no string": ({1: 2}, TypeError),
    "an integer that readers round": (2**53, ValueError),
    "half a surrogate pair": ("\ud800", ValueError),
    "a time without a zone": (datetime(2026, 4, 18), ValueError),  # noqa: DTZ001
}


@pytest.mark.parametrize(("value", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_has_no_one_spelling(value, error):
    with pytest.raises(error):
        canonical_bytes({"value": value})


def test_a_time_is_written_in_utc():
    paris = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 4, 18, 1, 30, tzinfo=paris)) == "2026-04-17T23:30:00.000Z"

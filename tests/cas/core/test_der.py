"""The DER writer and reader: what one writes the other reads, and the reader takes nothing but DER."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.x509 import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from cas.core import der


@given(st.integers(min_value=0, max_value=2**200))
def test_an_integer_comes_back(value):
    assert der.Reader(der.integer(value)).read_integer() == value


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**64), max_size=10))
def test_an_object_identifier_comes_back(first, second, rest):
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.Reader(der.oid(dotted)).read_oid() == dotted


@given(st.binary(max_size=70_000))
def test_content_of_any_length_comes_back(content):
    reader = der.Reader(der.octet_string(content))
    assert reader.read(der.OCTET_STRING) == content
    reader.finish()


@given(st.binary(max_size=64))
def test_no_bytes_give_another_error_than_ours(data):
    for read in ("read_integer", "read_boolean", "read_bits", "read_oid", "enter"):
        with contextlib.suppress(der.DerError):
            getattr(der.Reader(data), read)()


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("an empty INTEGER", "0200"),
        ("an INTEGER with a leading zero", "02020001"),
        ("an INTEGER with leading ones", "0202ffff"),
        ("another tag", "0401aa"),
        ("a length beyond the end", "020501"),
        ("a long length for a short one", "02810101"),
        ("an indefinite length", "02800000"),
        ("a length with a leading zero", "0282000101"),
        ("nothing", ""),
        ("a tag alone", "02"),
    ],
)
def test_what_is_not_der_is_refused(what, data):
    with pytest.raises(der.DerError):
        der.Reader(bytes.fromhex(data)).read_integer()


def test_bytes_after_the_end_are_refused():
    reader = der.Reader(der.null() + b"\x00")
    reader.read(der.NULL)
    with pytest.raises(der.DerError):
        reader.finish()


@pytest.mark.parametrize(
    ("at", "encoded"),
    [
        (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), b"\x17\x0d491231235959Z"),
        (datetime(2050, 1, 1, tzinfo=UTC), b"\x18\x0f20500101000000Z"),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), b"\x17\x0d251231230000Z"),
    ],
)
def test_times_change_their_type_in_2050_and_are_utc(at, encoded):
    assert der.time(at) == encoded


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        der.time(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_library_reads_our_object_identifiers_alike():
    encoded = der.oid("2.16.840.1.101.3.4.3.19")
    assert der.Reader(encoded).read_oid() == ObjectIdentifier("2.16.840.1.101.3.4.3.19").dotted_string
    assert encoded.hex() == "0609608648016503040313"

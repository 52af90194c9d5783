"""The language of filters: what is understood, and what is refused with the term that is wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates.filters import parse_filter, parse_search
from certificates.orders import CertificateFilter, Names, OneOf, Pattern, Period, SerialNumber, Serials
from kernel.errors import Invalid

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
FINGERPRINT = "ab" * 32


def terms(text: str) -> tuple[Any, ...]:
    return parse_filter(text, at=NOW).terms


def exactly(*texts: str) -> tuple[Pattern, ...]:
    return tuple(Pattern((text,)) for text in texts)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


UNDERSTOOD: dict[str, tuple[str, tuple[Any, ...]]] = {
    "nothing": ("", ()),
    "only commas": (" , ,", ()),
    "equality": ("status:issued", (OneOf("status", ("issued",)),)),
    "a list": ("status_in:held|revoked", (OneOf("status", ("held", "revoked")),)),
    "a list with semicolons": ("tag_in:a;b", (OneOf("tag", ("a", "b")),)),
    "a comma is AND": ("tag:prod,tag:critical", (OneOf("tag", ("prod",)), OneOf("tag", ("critical",)))),
    "spaces do not matter": (" status : issued , tag : a ", (OneOf("status", ("issued",)), OneOf("tag", ("a",)))),
    "a wildcard in front": ("cn:*.acme.com", (Names("cn", (Pattern(("", ".acme.com")),)),)),
    "a wildcard behind": ("san:www.*", (Names("san", (Pattern(("www.", "")),)),)),
    "wildcards around": ("name:*acme*", (Names("name", (Pattern(("", "acme", "")),)),)),
    "a wildcard inside": ("name:a*b", (Names("name", (Pattern(("a", "b")),)),)),
    "many wildcards are one": ("name:a***b", (Names("name", (Pattern(("a", "b")),)),)),
    "nothing but a wildcard": ("name:*", (Names("name", (Pattern(("", "")),)),)),
    "a star that is a star": (r"name:\*.acme.com", (Names("name", exactly("*.acme.com")),)),
    "names are folded": ("cn:WWW.Acme.com", (Names("cn", exactly("www.acme.com")),)),
    "a quoted comma": ('cn:"Acme, Inc."', (Names("cn", exactly("acme, inc.")),)),
    "a wildcard in quotes": ('cn:"Acme, *"', (Names("cn", (Pattern(("acme, ", "")),)),)),
    "an escaped comma": (r"cn:Acme\, Inc.", (Names("cn", exactly("acme, inc.")),)),
    "an escaped bar": (r"cn_in:a\|b|c", (Names("cn", exactly("a|b", "c")),)),
    "a colon in the value": ("san:spiffe://a/b", (Names("san", exactly("spiffe://a/b")),)),
    "quoted spaces stay": ('cn:" a "', (Names("cn", exactly(" a ")),)),
    "within thirty days": ("expires_lt:30d", (Period("expires", before=NOW + 30 * DAY),)),
    "after two weeks": ("expires_gt:2w", (Period("expires", since=NOW + 14 * DAY),)),
    "hours": ("expires_lt:36h", (Period("expires", before=NOW + 1.5 * DAY),)),
    "months and years": (
        "expires_gt:1m,expires_lt:1y",
        (Period("expires", since=NOW + 30 * DAY), Period("expires", before=NOW + 365 * DAY)),
    ),
    "ended a week ago or before": ("expires_lt:-1w", (Period("expires", before=NOW - 7 * DAY),)),
    "issued in the last week": ("issued_gt:7d", (Period("issued", since=NOW - 7 * DAY),)),
    "issued in the future": ("issued_gt:+7d", (Period("issued", since=NOW + 7 * DAY),)),
    "before a day": ("expires_lt:2026-12-01", (Period("expires", before=day("2026-12-01")),)),
    "after a day": ("expires_gt:2026-12-01", (Period("expires", since=day("2026-12-02")),)),
    "on a day": ("expires:2026-12-01", (Period("expires", since=day("2026-12-01"), before=day("2026-12-02")),)),
    "a second": (
        "expires:2026-12-01T08:00:00Z",
        (Period("expires", since=day("2026-12-01T08:00:00"), before=day("2026-12-01T08:00:01")),),
    ),
    "another zone": ("renew_lt:2026-12-01T08:00:00+02:00", (Period("renew", before=day("2026-12-01T06:00:00")),)),
    "a fingerprint with colons": (f"fp:{':'.join(['AB'] * 32)}", (OneOf("fingerprint", (FINGERPRINT,)),)),
    "an algorithm": ("key:ecdsa-p256", (OneOf("key", ("ECDSA_P256",)),)),
    "a family of algorithms": ("key:ml_dsa", (OneOf("key", ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")),)),
    "where a private key is": ("key_custody_in:waiting|stored", (OneOf("key_custody", ("waiting", "stored")),)),
    "a key hash": (f"key:{FINGERPRINT}", (OneOf("key", (FINGERPRINT,)),)),
    "the example of the document": (
        "org:1,status:issued,expires_lt:30d",
        (OneOf("org", ("1",)), OneOf("status", ("issued",)), Period("expires", before=NOW + 30 * DAY)),
    ),
}


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_what_is_understood(text, expected):
    assert terms(text) == expected


SERIALS: dict[str, tuple[str, SerialNumber]] = {
    "hex": ("3fa1b2c3", SerialNumber(("3fa1b2c3",))),
    "upper case with colons": ("3F:A1:B2:C3", SerialNumber(("3fa1b2c3",))),
    "digits with colons are hex": ("12:34", SerialNumber(("1234",))),
    "digits with 0x are hex": ("0x1234", SerialNumber(("1234",))),
    "digits alone are both": ("1234", SerialNumber(("1234", "4d2"))),
    "a digit is one number": ("7", SerialNumber(("7",))),
    "padding": ("00:0A:1B", SerialNumber(("a1b",))),
    "too long for hex": ("9" * 48, SerialNumber((f"{int('9' * 48):x}",))),
    "its beginning": ("3fa1*", SerialNumber(("3fa1",), is_beginning=True)),
    "a beginning in digits is hex": ("1234*", SerialNumber(("1234",), is_beginning=True)),
}


@pytest.mark.parametrize(("text", "expected"), SERIALS.values(), ids=SERIALS)
def test_serial_numbers_in_every_notation(text, expected):
    assert terms(f"serial:{text}") == (Serials((expected,)),)


REFUSED: dict[str, tuple[str, str, str]] = {
    "an unknown field": ("colour:red", "unknown-field", "colour:red"),
    "an unknown field with an operator": ("colour_lt:red", "unknown-field", "colour_lt:red"),
    "no field": (":red", "unknown-field", ":red"),
    "an unknown operator": ("expires_le:30d", "unknown-operator", "expires_le:30d"),
    "an operator that does not fit": ("status_lt:issued", "unknown-operator", "status_lt:issued"),
    "a list of times": ("expires_in:1d|2d", "unknown-operator", "expires_in:1d|2d"),
    "an unknown status": ("status:lost", "unknown-value", "status:lost"),
    "an unknown source": ("source:heaven", "unknown-value", "source:heaven"),
    "half a list": ("status_in:issued|", "value-missing", "status_in:issued|"),
    "no value": ("cn:", "value-missing", "cn:"),
    "a quoted nothing": ('cn:""', "value-missing", "cn:"),
    "no term": ("issued", "unreadable-term", "issued"),
    "an open quote": ('cn:"a', "unclosed-quote", ""),
    "a backslash at the end": ("cn:a\\", "unclosed-quote", ""),
    "a wildcard in a tag": ("tag:a*", "no-wildcard", "tag:a*"),
    "a duration that is equal": ("expires:30d", "unknown-value", "expires:30d"),
    "a time that is none": ("expires_lt:soon", "unknown-value", "expires_lt:soon"),
    "a day that is none": ("expires_lt:2026-02-30", "unknown-value", "expires_lt:2026-02-30"),
    "beyond all times": ("expires_lt:999999y", "unknown-value", "expires_lt:999999y"),
    "a serial number with a g": ("serial:3g", "unknown-value", "serial:3g"),
    "a serial number with a sign": ("serial:-1", "unknown-value", "serial:-1"),
    "a serial number in other digits": ("serial:١٢", "unknown-value", "serial:١٢"),
    "a serial number too long": (f"serial:{'f' * 41}", "unknown-value", "serial:fff"),
    "a wildcard inside a serial number": ("serial:3*f", "unknown-value", "serial:3*f"),
    "a short fingerprint": ("fingerprint:abcd", "unknown-value", "fingerprint:abcd"),
    "an unknown key": ("key:RSA_1024", "unknown-value", "key:RSA_1024"),
    "too many values": (f"tag_in:{'|'.join(map(str, range(201)))}", "too-many", "tag_in:0|1"),
    "too many terms": (",".join(["tag:a"] * 51), "too-many", ""),
    "too long": ("tag:" + "a" * 4000, "too-long", ""),
}


@pytest.mark.parametrize(("text", "code", "named"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_named(text, code, named):
    with pytest.raises(Invalid) as refusal:
        parse_filter(text, at=NOW)
    (error,) = refusal.value.errors
    assert (error.field, error.code) == ("filter[0]" if named else "filter", code)
    assert named in str(error.message)


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(Invalid) as refusal:
        parse_filter("colour:red,status:issued,,status:lost,expires_le:1d", at=NOW)
    assert [(error.field, error.code) for error in refusal.value.errors] == [
        ("filter[0]", "unknown-field"),
        ("filter[3]", "unknown-value"),
        ("filter[4]", "unknown-operator"),
    ]


@pytest.mark.parametrize(("text", "position"), [('tag:a,cn:"a,b', 10), ("cn:a\\", 5), ('cn:"a" "', 8)])
def test_a_quote_that_is_not_closed_is_shown(text, position):
    with pytest.raises(Invalid) as refusal:
        parse_filter(text, at=NOW)
    assert f"at character {position} " in str(refusal.value.errors[0].message)


WORDS = {
    "a field": (("status", "issued"), OneOf("status", ("issued",))),
    "a list": (("status_in", "held|revoked"), OneOf("status", ("held", "revoked"))),
    "a time": (("expires_lt", "30d"), Period("expires", before=NOW + 30 * DAY)),
    "a comma is no separator": (("cn", "Acme, *"), Names("cn", (Pattern(("acme, ", "")),))),
    "nor is a colon": (("san", "spiffe://a/b"), Names("san", exactly("spiffe://a/b"))),
    "a star can be quoted": (("cn", r"\*.acme.com"), Names("cn", exactly("*.acme.com"))),
}


@pytest.mark.parametrize(("word", "expected"), WORDS.values(), ids=WORDS)
def test_terms_that_come_apart(word, expected):
    assert parse_filter("tag:a", at=NOW, words=[word]).terms == (expected, OneOf("tag", ("a",)))


def test_what_is_wrong_with_words_is_told_with_the_rest():
    with pytest.raises(Invalid) as refusal:
        parse_filter('cn:"', at=NOW, words=[("status", "lost"), ("cn", ""), ("tag", "a" * 4001)])
    assert {error.field: error.code for error in refusal.value.errors} == {
        "status": "unknown-value",
        "cn": "value-missing",
        "tag": "too-long",
        "filter": "unclosed-quote",
    }


SEARCHES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "a fingerprint": (FINGERPRINT.upper(), (OneOf("fingerprint", (FINGERPRINT,)),)),
    "the beginning of a serial number": ("3F:A1:B2:C3", (Serials((SerialNumber(("3fa1b2c3",), True),)),)),
    "as many digits as SHA-1 has": ("AB:" * 19 + "AB", (Serials((SerialNumber(("ab" * 20,), True),), sha1="ab" * 20),)),
    "many digits": ("123456789012", (Serials((SerialNumber(("123456789012", "1cbe991a14")),)),)),
    "a name": ("www.acme.com", (Names("name", exactly("www.acme.com")),)),
    "a pattern": ("*.acme.com", (Names("name", (Pattern(("", ".acme.com")),)),)),
    "an address": ("a@acme", (Names("name", exactly("a@acme")),)),
    "a word": ("acme", (Names("name", (Pattern(("", "acme", "")),)),)),
    "a field": ("status:held", (OneOf("status", ("held",)),)),
    "both": ("acme,status:held", (Names("name", (Pattern(("", "acme", "")),)), OneOf("status", ("held",)))),
}


@pytest.mark.parametrize(("text", "expected"), SEARCHES.values(), ids=SEARCHES)
def test_what_people_type(text, expected):
    assert parse_search(text, at=NOW).terms == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from('abz09-_:,|;*"\\ .ısé\0\ud800') | st.characters(), max_size=60))
def test_no_text_breaks_the_parser(text):
    for parse in (parse_filter, parse_search):
        with suppress(Invalid):
            assert isinstance(parse(text, at=NOW), CertificateFilter)


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip()))
def test_any_name_can_be_asked_for(text):
    quoted = "".join(f"\\{character}" for character in text)
    assert terms(f"cn:{quoted}") == (Names("cn", exactly(text.lower())),)

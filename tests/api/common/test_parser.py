"""The one parser of bodies: what it takes, and the sentence for everything else."""

from __future__ import annotations

import json
import time

import pytest

from api.common.errors import Malformed
from api.common.parser import DEEPEST, read_object

BAD = {
    "nothing": (b"", "line 1, column 1"),
    "not JSON": (b"{'a': 1}", "line 1, column 2"),
    "a trailing comma": (b'{"a": 1,}', "not JSON"),
    "something behind": (b'{"a": 1} x', "not JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8"),
    "a list": (b"[]", "must be a JSON object"),
    "a text": (b'"a"', "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "NaN": (b'{"a": NaN}', "NaN is not JSON"),
    "Infinity": (b'{"a": -Infinity}', "-Infinity is not JSON"),
    "an exponent beyond all": (b'{"a": 1e999}', "too large"),
    "a huge integer": (b'{"a": ' + b"9" * 41 + b"}", "more than 40 characters"),
    "an integer that takes minutes": (b'{"a": ' + b"9" * 500_000 + b"}", "more than 40 characters"),
    "a duplicate key": (b'{"a": 1, "b": 2, "a": 3}', "'a' twice"),
    "a duplicate key below": (b'{"a": [{"b": 1, "b": 1}]}', "'b' twice"),
    "NUL in a value": (rb'{"a": ["x\u0000"]}', "NUL"),
    "NUL in a key": (rb'{"x\u0000": 1}', "NUL"),
    "half a pair": (rb'{"a": "\ud800"}', "surrogate"),
    "too deep": (b'{"a":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", "nested more than"),
    "very deep and never closed": (b"[" * 500_000, "nested more than"),
    "brackets after an open string": (b'{"a": "' + b"[" * 100, "not JSON"),
}


@pytest.mark.parametrize(("body", "sentence"), BAD.values(), ids=BAD.keys())
def test_what_two_readers_could_read_differently_is_refused(body, sentence):
    with pytest.raises(Malformed) as refusal:
        read_object(body)
    assert sentence in str(refusal.value.message)


GOOD = {
    "text": b'{"a": "b"}',
    "brackets in a text": b'{"a": "' + b"[" * 1000 + b'"}',
    "escapes": rb'{"a": "\"[\\", "b": "\ud83d\ude00"}',
    "the deepest": b'{"a":' + b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1) + b"}",
    "a number of 40 digits": b'{"a": ' + b"9" * 40 + b"}",
    "a backslash before u0000": rb'{"a": "\\u0000"}',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD.keys())
def test_everything_else_is_read_as_json_is_read(body):
    assert read_object(body) == json.loads(body)


@pytest.mark.parametrize(
    "body", [b'{"a":"' + b'\\"' * 500_000, b'"' * 1_000_000, b"\\" * 1_000_000, b'{"a":' + b"{" * 20 + b'"\\' * 400_000]
)
def test_no_megabyte_takes_long(body):
    began = time.perf_counter()
    with pytest.raises(Malformed):
        read_object(body)
    assert time.perf_counter() - began < 2

"""A Secret is seen only by whoever asks for it by name."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback

import pytest

from kernel.secret import Secret

CANARY = "hunter2-canary"
SECRET = Secret(CANARY)


@dataclasses.dataclass
class Holder:
    secret: Secret


SHOWN = {
    "repr": repr(SECRET),
    "str": str(SECRET),
    "an f-string": f"{SECRET} {SECRET!r} {SECRET:>40}",
    "format": "{:x^60}".format(SECRET),  # noqa: UP032
    "percent": "%s %r" % (SECRET, SECRET),  # noqa: UP031
    "a list": str([SECRET]),
    "a dataclass": repr(Holder(SECRET)),
    "pprint": pprint.pformat({"secret": SECRET}),
}


@pytest.mark.parametrize("text", SHOWN.values(), ids=SHOWN)
def test_it_is_not_shown(text):
    assert CANARY not in text
    assert "Secret(…)" in text


def test_it_is_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("test").warning("the key is %s", SECRET, extra={"key": SECRET})
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("test").exception("it failed")
        assert CANARY not in traceback.format_exc()
    assert CANARY not in caplog.text
    assert all(CANARY not in str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize(
    "leave",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, lambda secret: dataclasses.asdict(Holder(secret)), bytes],
    ids=["pickle", "copy", "deepcopy", "json", "asdict", "bytes"],
)
def test_it_does_not_leave_by(leave):
    with pytest.raises(TypeError) as refusal:
        leave(SECRET)
    assert CANARY not in str(refusal.value)


def test_it_has_no_attributes_to_list():
    with pytest.raises(TypeError):
        vars(SECRET)


def test_reveal_is_the_way_to_the_bytes():
    assert SECRET.reveal() == CANARY.encode()
    assert Secret(bytearray(b"x")).reveal() == b"x"


def test_secrets_are_compared_by_value_and_only_with_secrets():
    assert Secret(CANARY.encode()) == SECRET
    assert Secret("another") != SECRET
    assert SECRET != CANARY
    assert CANARY.encode() != SECRET


def test_an_empty_one_is_false():
    assert not Secret(b"")
    assert SECRET


def test_it_is_no_key_of_a_mapping():
    with pytest.raises(TypeError):
        {SECRET: 1}  # noqa: B018

"""Settings are typed, may come from files, and every nonsense is named."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernel.secret import Secret
from pkiproject.environment import Environment, Misconfigured

KEY = bytes(range(32))

Reader = Callable[[Environment], Any]

GOOD: dict[str, tuple[str, Reader, Any]] = {
    "text": ("pki", lambda e: e.text("X"), "pki"),
    "text is stripped": (" pki\n", lambda e: e.text("X"), "pki"),
    "empty counts as not given": ("", lambda e: e.text("X", "other"), "other"),
    "blank counts as not given": (" ", lambda e: e.number("X", 3, low=1, high=9), 3),
    "flag yes": ("Yes", lambda e: e.flag("X", default=False), True),
    "flag zero": ("0", lambda e: e.flag("X", default=True), False),
    "number": ("8001", lambda e: e.number("X", 1, low=1, high=65535), 8001),
    "choice": ("DEBUG", lambda e: e.choice("X", "INFO", among=("INFO", "DEBUG")), "DEBUG"),
    "hosts": ("a.example, .b.example,[::1]", lambda e: e.hosts("X"), ["a.example", ".b.example", "[::1]"]),
    "words": ("b, a", lambda e: e.words("X", ("a", "b", "c")), ("b", "a")),
    "all words where none is named": ("", lambda e: e.words("X", ("a", "b")), ("a", "b")),
    "no words at all": ("none", lambda e: e.words("X", ("a", "b")), ()),
    "addresses with ports": (
        "192.0.2.1, 192.0.2.1:5353,[2001:DB8::1]:5353",
        lambda e: e.sockets("X", port=53),
        [("192.0.2.1", 53), ("192.0.2.1", 5353), ("2001:db8::1", 5353)],
    ),
    "address": ("[::1]", lambda e: e.address("X", "127.0.0.1"), "::1"),
    "origin loses its last slash": ("https://pki.example/", lambda e: e.origin("X", ""), "https://pki.example"),
    "origin with a port": ("http://[::1]:8000", lambda e: e.origin("X", ""), "http://[::1]:8000"),
    "origins of pages, as browsers write them": (
        "https://App.Example:443/, http://localhost:5173,http://[::1]:80, https://b.example:8443",
        lambda e: e.page_origins("X"),
        ["https://app.example", "http://localhost:5173", "http://[::1]", "https://b.example:8443"],
    ),
    "no pages": ("", lambda e: e.page_origins("X"), []),
    "key in hex": (KEY.hex(), lambda e: e.key("X"), Secret(KEY)),
    "key in upper-case hex": (KEY.hex().upper(), lambda e: e.key("X"), Secret(KEY)),
    "key in base64": (base64.b64encode(KEY).decode(), lambda e: e.key("X"), Secret(KEY)),
    "key in URL-safe base64 without padding": (
        base64.urlsafe_b64encode(KEY[::-1]).decode().rstrip("="),
        lambda e: e.key("X"),
        Secret(KEY[::-1]),
    ),
}

BAD: dict[str, tuple[str, Reader]] = {
    "flag": ("maybe", lambda e: e.flag("X", default=False)),
    "number with letters": ("80a", lambda e: e.number("X", 1, low=1, high=9)),
    "number below": ("0", lambda e: e.number("X", 1, low=1, high=9)),
    "number above": ("10", lambda e: e.number("X", 1, low=1, high=9)),
    "number that is huge": ("9" * 5000, lambda e: e.number("X", 1, low=1, high=9)),
    "number in other digits": ("٣", lambda e: e.number("X", 1, low=1, high=9)),
    "choice": ("LOUD", lambda e: e.choice("X", "INFO", among=("INFO", "DEBUG"))),
    "host with a star": ("*", lambda e: e.hosts("X")),
    "host with a scheme": ("https://a.example", lambda e: e.hosts("X")),
    "host with a port": ("a.example:80", lambda e: e.hosts("X")),
    "word that nobody knows": ("a,z", lambda e: e.words("X", ("a", "b"))),
    "none beside a word": ("a,none", lambda e: e.words("X", ("a", "b"))),
    "address with a port that is a name": ("dns.example:53", lambda e: e.sockets("X", port=53)),
    "address with a port that is none": ("192.0.2.1:99999", lambda e: e.sockets("X", port=53)),
    "address that is a name": ("localhost", lambda e: e.address("X", "127.0.0.1")),
    "origin without a scheme": ("pki.example", lambda e: e.origin("X", "")),
    "origin of another scheme": ("ftp://pki.example", lambda e: e.origin("X", "")),
    "origin with a path": ("https://pki.example/pki", lambda e: e.origin("X", "")),
    "origin with a password": ("https://a:b@pki.example", lambda e: e.origin("X", "")),
    "origin with a bad port": ("https://pki.example:99999", lambda e: e.origin("X", "")),
    "origin with a broken bracket": ("http://[::1", lambda e: e.origin("X", "")),
    "origins of every page": ("*", lambda e: e.page_origins("X")),
    "origins of every subdomain": ("https://*.example", lambda e: e.page_origins("X")),
    "origins of pages that have none": ("null", lambda e: e.page_origins("X")),
    "origins of pages without TLS": ("https://a.example,http://b.example", lambda e: e.page_origins("X")),
    "origins of pages with a path": ("https://a.example/app", lambda e: e.page_origins("X")),
    "key that is short": ("abcdef", lambda e: e.key("X")),
    "key of 31 bytes": (base64.b64encode(KEY[:31]).decode(), lambda e: e.key("X")),
    "key of one digit": ("0" * 64, lambda e: e.key("X")),
    "key that is no base64": ("!" * 44, lambda e: e.key("X")),
}


@pytest.mark.parametrize(("value", "read", "expected"), GOOD.values(), ids=GOOD)
def test_a_good_value_is_read(value: str, read: Reader, expected: Any) -> None:
    environment = Environment({"X": value})
    assert read(environment) == expected
    environment.close()


@pytest.mark.parametrize(("value", "read"), BAD.values(), ids=BAD)
def test_a_bad_value_is_refused_with_a_sentence_that_names_the_variable(value: str, read: Reader) -> None:
    environment = Environment({"X": value})
    read(environment)
    with pytest.raises(Misconfigured) as refusal:
        environment.close()
    (complaint,) = refusal.value.complaints
    assert complaint.startswith("X ")
    assert complaint.endswith(".")


def test_a_secret_is_never_quoted() -> None:
    environment = Environment({"X": "hunter2"})
    environment.key("X")
    with pytest.raises(Misconfigured) as refusal:
        environment.close()
    assert "hunter2" not in str(refusal.value)


def test_all_complaints_are_made_at_once() -> None:
    environment = Environment({"A": "maybe", "B": "much"})
    environment.flag("A", default=False)
    environment.number("B", 1, low=1, high=9)
    with pytest.raises(Misconfigured) as refusal:
        environment.close()
    assert [complaint.split()[0] for complaint in refusal.value.complaints] == ["A", "B"]


def test_a_misspelt_name_of_ours_is_told_with_the_right_one() -> None:
    environment = Environment({"CHANCERY_MASTERKEY": "x", "HOME": "/root"})
    environment.text("CHANCERY_MASTER_KEY")
    with pytest.raises(Misconfigured, match="CHANCERY_MASTERKEY is not a setting of Chancery; CHANCERY_MASTER_KEY"):
        environment.close()


@pytest.mark.parametrize("name", ["CHANCERY_URL", "CHANCERY_API_KEY", "CHANCERY_CONFIG_DIR"])
def test_what_the_command_line_client_reads_does_not_stop_a_server(name: str) -> None:
    Environment({name: "x"}).close()


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY.hex() + "\n")
    environment = Environment({"X_FILE": str(tmp_path / "key")})
    assert environment.given("X")
    assert environment.key("X") == Secret(KEY)
    environment.close()


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    environment = Environment({"X_FILE": str(tmp_path / "absent")})
    environment.text("X")
    with pytest.raises(Misconfigured, match=r"X_FILE names .*absent, which cannot be read: No such file"):
        environment.close()


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    environment = Environment({"X_FILE": str(tmp_path / "key")})
    environment.text("X")
    with pytest.raises(Misconfigured, match="it is not text"):
        environment.close()


def test_value_and_file_together_are_refused(tmp_path: Path) -> None:
    environment = Environment({"X": "a", "X_FILE": str(tmp_path / "key")})
    environment.text("X")
    with pytest.raises(Misconfigured, match="X and X_FILE are both set"):
        environment.close()

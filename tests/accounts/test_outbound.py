"""The one way out: what tenants name is asked on the internet alone, once, and not for long."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from accounts import outbound
from accounts.outbound import LARGEST_ANSWER, OutboundError, Places, fetch_json, judged, place

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1")]

NOT_PUBLIC = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104  nothing is bound
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:db8::1",
    "192.0.2.1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "fec0::1",
    "64:ff9b:1::7f00:1",
    "5f00::1",
    "4000::1",
    "3fff::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_behind_us_is_refused(address: str):
    with pytest.raises(OutboundError, match="no public address"):
        judged([ip_address(address)], [])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_a_public_address_is_good(address: str):
    judged([ip_address(address)], [])


def test_one_bad_address_among_several_is_enough():
    with pytest.raises(OutboundError):
        judged([ip_address("8.8.8.8"), ip_address("10.0.0.1")], [])


def test_a_range_that_was_allowed_is_reached_in_every_notation():
    allowed = [ip_network("10.20.0.0/16")]
    judged([ip_address("10.20.3.4"), ip_address("::ffff:10.20.3.4")], allowed)
    with pytest.raises(OutboundError):
        judged([ip_address("10.21.3.4")], allowed)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com/",
        "file:///etc/passwd",
        "ftp://id.example.com/",
        "gopher://localhost/",
        "https://",
        "https://user:password@id.example.com/",
        "https://id.example.com:99999/",
        "https://[::1/",
        "https://id.example.com/a b",
        "https://id.example.com/\r\nHost: other",
        "http://127.0.0.1.nip.io/",
        "http://2130706433/",
        "",
    ],
)
def test_what_is_no_https_address_is_not_asked(url: str, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with pytest.raises(OutboundError):
        fetch_json(url, private_ranges=LOOPBACK)


class Answering(BaseHTTPRequestHandler):
    """Answers as its server says."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@contextmanager
def answering(answer: Any) -> Iterator[tuple[str, list[str]]]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads, server.answer, server.asked = True, answer, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}", server.asked
    finally:
        server.shutdown()
        server.server_close()


def body(content: bytes, status: int = 200, **headers: str) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def test_a_document_is_read():
    with answering(body(b'{"issuer": "me"}')) as (address, asked):
        assert fetch_json(f"{address}/x?y=1", private_ranges=LOOPBACK) == {"issuer": "me"}
        assert asked == ["/x?y=1"]


def test_without_being_allowed_nothing_on_this_machine_is_asked():
    with answering(body(b"{}")) as (address, asked):
        with pytest.raises(OutboundError, match="no public address"):
            fetch_json(address)
        assert asked == []


ANSWERS = {
    "a redirect": body(b"{}", 302, Location="http://169.254.169.254/"),
    "an error": body(b"{}", 500),
    "a list": body(b"[]"),
    "no JSON": body(b"<html>"),
    "too deep": body(b"[" * 100_000),
    "too long": body(json.dumps({"x": "y" * LARGEST_ANSWER}).encode()),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_another_answer_is_none(answer):
    with answering(answer) as (address, asked):
        with pytest.raises(OutboundError):
            fetch_json(address, private_ranges=LOOPBACK)
        assert len(asked) == 1


def test_a_server_that_speaks_slowly_is_cut_off():
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(3000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    begun = time.monotonic()
    with answering(drip) as (address, _asked), pytest.raises(OutboundError):
        fetch_json(address, private_ranges=LOOPBACK, patience=0.5)
    assert time.monotonic() - begun < 60


def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch):
    """A name that means something else when it is asked for again is not asked for again."""
    real, answers = socket.getaddrinfo, []

    def rebinding(host: str, port: int, *args: Any, **facts: Any) -> Any:
        answers.append(host)
        return real("127.0.0.1", port, *args, **facts)

    connected: list[Any] = []
    with answering(body(b"{}")) as (address, _asked):
        connect = outbound.socket.create_connection
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        monkeypatch.setattr(
            outbound.socket,
            "create_connection",
            lambda place, **facts: connected.append(place[0]) or connect(place, **facts),
        )
        fetch_json(address, private_ranges=LOOPBACK)
    assert answers[0] == "localhost"
    assert set(answers[1:]) <= {"127.0.0.1"}
    assert connected == ["127.0.0.1"]


def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with answering(body(b"{}")) as (address, asked):
        fetch_json(address, private_ranges=LOOPBACK)
        assert len(asked) == 1


def ask_in_vain() -> None:
    with suppress(OutboundError):
        fetch_json("https://slow.example/")


def test_those_who_are_slow_to_answer_do_not_keep_every_thread_waiting(monkeypatch: pytest.MonkeyPatch):
    asked, told = threading.Event(), threading.Event()

    def slow(host: str, port: int) -> list[Any]:
        asked.set()
        told.wait(60)
        raise OSError("nobody there")

    monkeypatch.setattr(outbound, "_PLACES", Places(of_one=1, in_all=1))
    monkeypatch.setattr(outbound, "_PATIENCE_FOR_A_PLACE", 0.05)
    monkeypatch.setattr(outbound, "_resolve", slow)
    first = threading.Thread(target=ask_in_vain)
    first.start()
    assert asked.wait(60)
    with pytest.raises(OutboundError, match="too many"):
        fetch_json("https://other.example/")
    told.set()
    first.join()
    with pytest.raises(OutboundError, match="cannot be asked"):
        fetch_json("https://other.example/")


def test_who_has_all_that_one_may_have_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbound, "_PLACES", Places(of_one=2, in_all=3))
    monkeypatch.setattr(outbound, "_PATIENCE_FOR_A_PLACE", 0.05)
    with place(1), place(1):
        with pytest.raises(OutboundError, match="too many"), place(1):
            pass
        with place(2), pytest.raises(OutboundError, match="too many"), place(3):
            pass
        with place(3):
            pass
    with place(1), place(1):
        pass


def test_who_waits_gets_the_place_that_another_leaves():
    places = Places(of_one=1, in_all=2)
    assert places.take(1, patience=0)
    leaving = threading.Timer(0.1, places.leave, [1])
    leaving.start()
    assert places.take(1, patience=5)
    leaving.join()

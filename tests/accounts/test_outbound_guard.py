"""Libraries that open sockets of their own reach what was judged, and nothing else."""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import dns.message
import dns.query
import pytest
import requests

from accounts.outbound import OutboundError
from accounts.outbound_guard import guarded
from tests.accounts.test_outbound import answering, body

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1")]


@contextmanager
def listening(kind: int = socket.SOCK_STREAM) -> Iterator[tuple[str, int]]:
    """Takes calls, and says nothing."""
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            server.listen()
        yield server.getsockname()


def by_requests(address: str, port: int) -> None:
    requests.get(f"http://{address}:{port}/", timeout=2)


def by_smtp(address: str, port: int) -> None:
    smtplib.SMTP(address, port, timeout=2)


def by_dns_over_udp(address: str, port: int) -> None:
    dns.query.udp(dns.message.make_query("example.test", "TXT"), address, timeout=2, port=port)


def by_dns_over_tcp(address: str, port: int) -> None:
    dns.query.tcp(dns.message.make_query("example.test", "TXT"), address, timeout=2, port=port)


def by_a_socket(address: str, port: int) -> None:
    with socket.create_connection((address, port), timeout=2):
        pass


def by_a_socket_that_does_not_wait(address: str, port: int) -> None:
    with socket.socket() as plain:
        plain.connect_ex((address, port))


def by_a_message(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.sendmsg([b"hello"], [], 0, (address, port))


WAYS: list[Any] = [
    by_requests,
    by_smtp,
    by_dns_over_udp,
    by_dns_over_tcp,
    by_a_socket,
    by_a_socket_that_does_not_wait,
    by_a_message,
]


@pytest.mark.parametrize("ask", WAYS)
def test_nothing_behind_us_is_reached(ask):
    with listening() as (address, port), guarded(), pytest.raises(OutboundError, match="no public address"):
        ask(address, port)


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_whatever_it_is_called(address):
    with guarded(), pytest.raises(OutboundError, match="no public address"):
        by_a_socket(address, 80)


def test_a_range_that_was_allowed_is_reached_and_no_other_one():
    with answering(body(b"here")) as (address, asked):
        with guarded(LOOPBACK):
            assert requests.get(address, timeout=60).content == b"here"
        with guarded([ip_network("10.0.0.0/8")]), pytest.raises(OutboundError):
            requests.get(address, timeout=60)
        assert asked == ["/"]


def test_a_redirect_leads_nowhere_else():
    with answering(body(b"", 302, Location="http://10.0.0.1/")) as (address, asked):
        with guarded(LOOPBACK), pytest.raises(OutboundError, match=r"10\.0\.0\.1 is no public"):
            requests.get(address, timeout=60)
        assert asked == ["/"]


def test_a_name_that_means_something_else_a_moment_later_leads_nowhere(monkeypatch):
    """Whatever was resolved before: the address of the connection itself is judged."""
    resolve = socket.getaddrinfo
    turns = iter(["93.184.215.14", "127.0.0.1"])

    def rebinding(_host: str, port: int, *rest: Any, **more: Any) -> Any:
        return resolve(next(turns), port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with listening() as (_address, port), guarded():
        assert socket.getaddrinfo("rebind.example", port)[0][4][0] == "93.184.215.14"
        with pytest.raises(OutboundError, match=r"127\.0\.0\.1 is no public"):
            by_a_socket("rebind.example", port)


def test_a_name_that_the_socket_itself_would_resolve_is_refused():
    with guarded(LOOPBACK), socket.socket() as plain, pytest.raises(OutboundError, match="is no address"):
        plain.connect(("localhost", 80))


def test_a_socket_of_this_machine_is_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        with guarded(LOOPBACK), socket.socket(socket.AF_UNIX) as plain, pytest.raises(OutboundError, match="internet"):
            plain.connect(str(tmp_path / "socket"))


def test_a_proxy_is_not_asked(monkeypatch):
    with answering(body(b"proxied")) as (proxy, asked):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        with guarded(), pytest.raises(OutboundError, match=r"10\.0\.0\.1 is no public"):
            requests.get("http://10.0.0.1/", timeout=60)
        assert asked == []


def test_nothing_outside_of_it_is_touched():
    outside: list[str] = []
    with listening() as (address, port):

        def elsewhere() -> None:
            by_a_socket(address, port)
            outside.append("reached")

        with guarded():
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join(60)
        by_a_socket(address, port)
    assert outside == ["reached"]


def test_whoever_says_a_byte_now_and_then_is_cut_off():
    """A library without a time limit of its own, and a server that never comes to an end."""
    stop = threading.Event()

    def slowly(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.1):
            try:
                handler.wfile.write(b".")
            except OSError:
                return

    with answering(slowly) as (address, _asked):
        began = time.monotonic()
        with guarded(LOOPBACK, patience=0.7):
            requests.get(address)  # noqa: S113  the guard is the limit
        assert time.monotonic() - began < 60
        stop.set()


def test_after_the_time_nobody_is_asked_any_more():
    with listening() as (address, port), guarded(LOOPBACK, patience=0.05):
        time.sleep(0.1)
        with pytest.raises(OutboundError, match="too long"):
            by_a_socket(address, port)

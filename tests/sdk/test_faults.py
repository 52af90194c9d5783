"""The proxy that makes faults makes those that it is asked for."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sdk.faults import CONTROL, FaultyProxy, faulty_proxy


class _Counter(ThreadingHTTPServer):
    """A server that knows what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Counter

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body))
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"id": 1}')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Not on the terminal."""


@pytest.fixture
def server() -> Iterator[_Counter]:
    with _Counter() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: _Counter) -> Iterator[FaultyProxy]:
    with faulty_proxy(server.server_port) as proxy:
        yield proxy


def post(proxy: FaultyProxy, path: str, body: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
    with contextlib.closing(HTTPConnection("127.0.0.1", proxy.server_port, timeout=240)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, json.dumps(body), named)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def told(proxy: FaultyProxy) -> dict[str, Any]:
    with contextlib.closing(HTTPConnection("127.0.0.1", proxy.server_port, timeout=240)) as connection:
        connection.request("GET", CONTROL)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found


def test_without_faults_everything_goes_through(proxy: FaultyProxy, server: _Counter) -> None:
    status, headers, content = post(proxy, "/things?a=b", {"c": "d"}, Idempotency_Key="one", User_Agent="me")
    assert (status, headers["content-type"], content) == (201, "application/json", b'{"id": 1}')
    assert server.asked == [("POST", "/things?a=b", b'{"c": "d"}')]
    assert told(proxy) == {"requests": 1, "keys": ["one"], "agents": ["me"], "sent": {"c": "d"}, "left": []}


def test_faults_meet_one_request_each_in_order(proxy: FaultyProxy, server: _Counter) -> None:
    post(proxy, CONTROL, {"faults": [503, {"status": 429, "retry_after": 7}, None, 502]})
    assert post(proxy, "/a", {})[0] == 503
    status, headers, _content = post(proxy, "/b", {})
    assert (status, headers["retry-after"]) == (429, "7")
    assert server.asked == []
    assert post(proxy, "/c", {})[0] == 201
    assert told(proxy)["left"] == [502]
    assert told(proxy)["requests"] == 3


def test_a_request_that_is_refused_never_arrives(proxy: FaultyProxy, server: _Counter) -> None:
    post(proxy, CONTROL, {"faults": ["refused"]})
    with pytest.raises(RemoteDisconnected):
        post(proxy, "/a", {})
    assert server.asked == []


def test_one_whose_answer_is_lost_has_arrived(proxy: FaultyProxy, server: _Counter) -> None:
    post(proxy, CONTROL, {"faults": ["lost"]})
    with pytest.raises(RemoteDisconnected):
        post(proxy, "/a", {})
    assert server.asked == [("POST", "/a", b"{}")]


def test_new_faults_begin_a_new_count(proxy: FaultyProxy) -> None:
    post(proxy, "/a", {"b": 1}, Idempotency_Key="one")
    post(proxy, CONTROL, {"faults": []})
    assert told(proxy) == {"requests": 0, "keys": [], "agents": [], "sent": None, "left": []}

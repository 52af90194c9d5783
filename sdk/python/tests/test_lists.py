"""Lists, page after page, and streams, line after line."""

from __future__ import annotations

import json

import httpx
import pytest
from fakes import CERTIFICATE, Caller, Server, answer, problem

from chancery_client import ConnectionFailed, PermissionDenied, UnexpectedAnswer


def page(numbers, cursor=None, total=5, **more) -> httpx.Response:
    data = [{**CERTIFICATE, "id": str(number)} for number in numbers]
    return answer({"data": data, "pagination": {"next_cursor": cursor, "total": total, **more}})


def paged() -> Server:
    return Server(page([1, 2], "one"), page([3, 4], "two"), page([5]))


def test_all_items_come_page_after_page(caller: Caller) -> None:
    server = paged()
    client = caller.client(server)
    found = caller.run(lambda: client.certificates.list(limit=2, status="issued"))
    assert [each.id for each in found] == ["1", "2", "3", "4", "5"]
    assert [dict(request.url.params) for request in server.requests] == [
        {"limit": "2", "status": "issued"},
        {"limit": "2", "status": "issued", "cursor": "one"},
        {"limit": "2", "status": "issued", "cursor": "two"},
    ]


def test_nothing_is_asked_before_it_is_read(caller: Caller) -> None:
    server = paged()
    client = caller.client(server)
    client.certificates.list()
    assert not server.requests


def test_whoever_stops_early_asks_no_further(caller: Caller) -> None:
    server = paged()
    client = caller.client(server)

    async def first() -> str:
        async for each in client.certificates.list():
            return each.id
        return ""

    found = caller.run(first) if caller.is_async else next(iter(client.certificates.list())).id
    assert found == "1"
    assert len(server.requests) == 1


def test_pages_come_as_pages(caller: Caller) -> None:
    client = caller.client(paged())
    found = caller.run(lambda: client.certificates.list().pages())
    assert [[each.id for each in page.items] for page in found] == [["1", "2"], ["3", "4"], ["5"]]
    assert [page.next_cursor for page in found] == ["one", "two", None]


def test_the_total_costs_one_page_that_is_not_asked_for_again(caller: Caller) -> None:
    server = paged()
    client = caller.client(server)
    certificates = client.certificates.list()
    assert caller.run(lambda: certificates.total) == 5
    assert caller.run(lambda: certificates.total) == 5
    assert len(server.requests) == 1
    assert len(caller.run(lambda: certificates)) == 5
    assert len(server.requests) == 3


def test_an_estimate_says_that_it_is_one(caller: Caller) -> None:
    client = caller.client(Server(page([1], total=10000, total_is_estimate=True)))
    (found,) = caller.run(lambda: client.certificates.list().pages())
    assert found.total_is_estimate


def test_a_page_is_asked_for_again_like_anything_else(caller: Caller) -> None:
    client = caller.client(Server(page([1], "one"), problem(503), page([2])))
    assert [each.id for each in caller.run(lambda: client.certificates.list())] == ["1", "2"]


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Two lines, and then no more of it."""

    def __iter__(self):
        yield b'{"n": 1}\n{"n"'
        yield b": 2}\n"
        raise httpx.ReadError("broken off")

    async def __aiter__(self):
        for each in (b'{"n": 1}\n{"n"', b": 2}\n"):
            yield each
        raise httpx.ReadError("broken off")


def test_lines_are_read_one_by_one(caller: Caller) -> None:
    lines = "".join(json.dumps({"n": number, "text": "a\u2028b"}, ensure_ascii=False) + "\n" for number in range(3))
    server = Server(httpx.Response(200, content=lines.encode()))
    client = caller.client(server)
    assert [each["n"] for each in caller.run(lambda: client.audit.export(since="2026-01-01"))] == [0, 1, 2]
    assert dict(server.requests[0].url.params) == {"since": "2026-01-01"}


def test_a_stream_that_breaks_off_gives_what_came_and_then_fails(caller: Caller) -> None:
    client = caller.client(Server(lambda request: httpx.Response(200, stream=Broken())))
    found = []

    async def read() -> None:
        async for each in client.audit.export():
            found.append(each)  # noqa: PERF401

    def read_here() -> None:
        for each in client.audit.export():
            found.append(each)  # noqa: PERF402

    with pytest.raises(ConnectionFailed, match="broke off"):
        caller.run(read if caller.is_async else read_here)
    assert found == [{"n": 1}, {"n": 2}]


def test_a_refused_stream_is_an_error(caller: Caller) -> None:
    client = caller.client(Server(problem(403)))
    with pytest.raises(PermissionDenied):
        caller.run(lambda: client.audit.export())


def test_a_line_that_is_none_is_an_error(caller: Caller) -> None:
    client = caller.client(Server(httpx.Response(200, content=b"<html>\n")))
    with pytest.raises(UnexpectedAnswer):
        caller.run(lambda: client.audit.export())


def test_a_download_is_bytes(caller: Caller) -> None:
    server = Server(httpx.Response(200, content=b"\x30\x82", headers={"Content-Type": "application/pkix-cert"}))
    client = caller.client(server)
    assert caller.run(lambda: client.certificates.download("1", fmt="der")) == b"\x30\x82"
    assert server.requests[0].headers["Accept"] == "*/*"

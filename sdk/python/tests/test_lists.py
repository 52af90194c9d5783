"""Lists, page after page, and streams, line after line."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from fakes import CERTIFICATE, DETAIL, Caller, Server, answer, problem

from chancery_client import LONGEST_ANSWER, AnswerTooLong, ConnectionFailed, PermissionDenied, UnexpectedAnswer


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


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An answer without an end and without a line; `given` counts what was taken of it, `is_closed` who has left."""

    piece = b" " * 1024 * 1024

    def __init__(self) -> None:
        self.given, self.is_closed = 0, False

    def __iter__(self):
        while True:
            self.given += len(self.piece)
            yield self.piece

    async def __aiter__(self):
        for each in self:
            yield each

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.certificates.get("1"),
        lambda client: client.certificates.download("1"),
        lambda client: client.audit.verifier(),
        lambda client: client.audit.export(),
    ],
    ids=["model", "file", "text", "line"],
)
def test_an_answer_without_an_end_is_left_and_does_not_fill_the_memory(caller: Caller, ask) -> None:
    endless = Endless()
    server = Server(lambda request: httpx.Response(200, stream=endless))
    client = caller.client(server)
    with pytest.raises(AnswerTooLong, match="64 MiB"):
        caller.run(lambda: ask(client))
    assert endless.given == LONGEST_ANSWER + len(endless.piece)
    assert endless.is_closed
    assert len(server.requests) == 1


def test_of_an_error_without_an_end_the_status_is_told(caller: Caller) -> None:
    endless = Endless()
    client = caller.client(Server(lambda request: httpx.Response(403, stream=endless)))
    with pytest.raises(PermissionDenied):
        caller.run(lambda: client.certificates.get("1"))
    assert endless.is_closed


def packed(content: bytes):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return lambda request: httpx.Response(200, headers=headers, content=gzip.compress(content))


def test_a_compressed_answer_is_read_and_counted_as_what_it_holds(caller: Caller) -> None:
    client = caller.client(Server(packed(json.dumps(DETAIL).encode()), packed(bytes(LONGEST_ANSWER + 1))))
    assert caller.run(lambda: client.certificates.get("1")).id == DETAIL["id"]
    with pytest.raises(AnswerTooLong):
        caller.run(lambda: client.certificates.get("1"))


def test_an_answer_that_cannot_be_unpacked_is_none(caller: Caller) -> None:
    headers = {"Content-Encoding": "gzip"}
    broken = Server(lambda request: httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"no gzip")))
    with pytest.raises(ConnectionFailed):
        caller.run(lambda: caller.client(broken).certificates.get("1"))

"""What is done again, with the same key, and after how long."""

from __future__ import annotations

import asyncio
import ssl
import uuid

import httpx
import pytest
from fakes import DETAIL, ISSUED, Caller, Server, answer, problem

from chancery_client import ApiError, ChanceryError, ConnectionFailed, NotFound, RateLimited, Retries, ServerError

ISSUE = {"template_code": "web-tls", "common_name": "www.example.com"}

REFUSED = httpx.ConnectError("[Errno 111] Connection refused")
TIMED_OUT = httpx.ReadTimeout("The read operation timed out")
CUT = httpx.RemoteProtocolError("Server disconnected without sending a response.")


@pytest.mark.parametrize("failure", [REFUSED, TIMED_OUT, CUT, *(problem(code) for code in (429, 500, 502, 503, 504))])
def test_what_fails_in_passing_is_asked_again_with_the_same_key(caller: Caller, failure) -> None:
    server = Server(failure, failure, answer(ISSUED, 201))
    client = caller.client(server)
    issued = caller.run(lambda: client.certificates.issue(**ISSUE))
    assert issued.serial == "3F:A1:B2:C3"
    assert len(server.requests) == 3
    assert len(set(server.keys)) == 1
    assert uuid.UUID(server.keys[0])
    assert server.requests[0].content == server.requests[2].content


def test_two_calls_have_two_keys(caller: Caller) -> None:
    server = Server(answer(ISSUED, 201))
    client = caller.client(server)
    caller.run(lambda: client.certificates.issue(**ISSUE))
    caller.run(lambda: client.certificates.issue(**ISSUE))
    assert server.keys[0] != server.keys[1]


def test_a_key_of_the_caller_is_sent_as_it_is(caller: Caller) -> None:
    server = Server(problem(503), answer(ISSUED, 201))
    client = caller.client(server)
    caller.run(lambda: client.certificates.issue(**ISSUE, idempotency_key="order-4711"))
    assert server.keys == ["order-4711", "order-4711"]


@pytest.mark.parametrize("key", ["", "a,b", "two words", "ü", "x" * 256])
def test_a_key_that_the_server_would_not_read_is_not_sent(caller: Caller, key: str) -> None:
    server = Server(answer(ISSUED, 201))
    client = caller.client(server)
    with pytest.raises(ValueError, match="idempotency key"):
        caller.run(lambda: client.certificates.issue(**ISSUE, idempotency_key=key))
    assert not server.requests


@pytest.mark.parametrize(("rows", "has_key"), [(250, True), (251, False)])
def test_a_batch_that_the_server_would_not_remember_has_no_key(caller: Caller, rows: int, has_key: bool) -> None:
    reply = answer({"issued": 0, "failed": 0, "chain": [], "rows": []})
    server = Server(reply, reply, problem(503))
    client = caller.client(server)
    call = lambda **key: client.certificates.issue_batch(template_code="web", rows=[{"csr": ""}] * rows, **key)  # noqa: E731
    caller.run(call)
    caller.run(lambda: call(idempotency_key="mine"))
    assert [key is not None for key in server.keys] == [has_key, True]
    with pytest.raises(ServerError):
        caller.run(call)
    assert len(server.requests) == (7 if has_key else 3)


def test_what_a_public_ca_is_asked_to_revoke_is_not_asked_twice(caller: Caller) -> None:
    server = Server(problem(503))
    client = caller.client(server)
    with pytest.raises(ServerError):
        caller.run(lambda: client.certificates.revoke("1", upstream=True))
    assert server.keys == [None]
    with pytest.raises(ServerError):
        caller.run(lambda: client.certificates.revoke("1"))
    assert len(set(server.keys[1:])) == 1
    assert len(server.keys) == 1 + 5


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 422, 501])
def test_what_was_refused_is_not_asked_again(caller: Caller, status: int) -> None:
    server = Server(problem(status))
    client = caller.client(server)
    with pytest.raises(ApiError) as caught:
        caller.run(lambda: client.certificates.issue(**ISSUE))
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_a_call_whose_first_is_still_being_answered_waits_for_it(caller: Caller) -> None:
    server = Server(CUT, problem(409, "idempotency-in-progress", retry_after=1), answer(ISSUED, 201))
    client = caller.client(server)
    caller.run(lambda: client.certificates.issue(**ISSUE))
    assert caller.naps == [0.5, 1.0]


def test_delays_double_up_to_eight_seconds(caller: Caller) -> None:
    server = Server(problem(503))
    client = caller.client(server, retries=Retries(7, jitter=lambda longest: longest))
    with pytest.raises(ServerError):
        caller.run(lambda: client.certificates.get("1"))
    assert caller.naps == [0.5, 1, 2, 4, 8, 8, 8]


def test_delays_are_a_random_part_of_that(caller: Caller) -> None:
    server = Server(problem(503))
    client = caller.client(server, retries=Retries(200))
    with pytest.raises(ServerError):
        caller.run(lambda: client.certificates.get("1"))
    assert all(0 <= nap <= 8 for nap in caller.naps)
    assert min(caller.naps[4:]) < 2 < 6 < max(caller.naps[4:])


@pytest.mark.parametrize(("limit", "asked"), [(0, 1), (1, 2), (4, 5)])
def test_it_is_asked_again_as_often_as_is_said(caller: Caller, limit: int, asked: int) -> None:
    server = Server(REFUSED)
    client = caller.client(server, retries=limit)
    with pytest.raises(ConnectionFailed, match="Connection refused"):
        caller.run(lambda: client.certificates.get("1"))
    assert len(server.requests) == asked


def test_four_times_where_nothing_is_said(caller: Caller) -> None:
    server = Server(problem(503))
    client = caller.client(server)
    with pytest.raises(ServerError):
        caller.run(lambda: client.certificates.get("1"))
    assert len(server.requests) == 5


def test_what_the_server_asks_for_is_waited(caller: Caller) -> None:
    server = Server(problem(429, retry_after=60), problem(503, retry_after=0), answer(DETAIL))
    client = caller.client(server)
    caller.run(lambda: client.certificates.get("1"))
    assert caller.naps == [60, 0]


def test_a_date_is_waited_for(caller: Caller) -> None:
    server = Server(problem(429, retry_after="Sun, 22 Nov 2026 18:00:30 GMT"), answer(DETAIL))
    client = caller.client(server)
    object.__setattr__(client._settings, "clock", lambda: 1795370400.0)
    caller.run(lambda: client.certificates.get("1"))
    assert caller.naps == [30]


def test_more_than_a_minute_is_left_to_the_caller(caller: Caller) -> None:
    server = Server(problem(429, retry_after=61))
    client = caller.client(server)
    with pytest.raises(RateLimited) as caught:
        caller.run(lambda: client.certificates.get("1"))
    assert caught.value.retry_after == 61
    assert caller.naps == []


@pytest.mark.parametrize("failure", [problem(503), TIMED_OUT, CUT])
def test_what_the_server_does_not_remember_is_not_posted_twice(caller: Caller, failure) -> None:
    server = Server(failure)
    client = caller.client(server)
    with pytest.raises(ChanceryError):
        caller.run(lambda: client.dns_providers.test("1"))
    assert server.keys == [None]


@pytest.mark.parametrize("failure", [problem(429), REFUSED])
def test_unless_it_cannot_have_acted(caller: Caller, failure) -> None:
    server = Server(failure, problem(404))
    client = caller.client(server)
    with pytest.raises(NotFound):
        caller.run(lambda: client.dns_providers.test("1"))
    assert len(server.requests) == 2


@pytest.mark.parametrize("failure", [problem(502), TIMED_OUT, CUT])
def test_what_is_gone_after_a_lost_answer_was_deleted(caller: Caller, failure) -> None:
    server = Server(failure, problem(404))
    client = caller.client(server)
    assert caller.run(lambda: client.roles.delete("1")) is None


@pytest.mark.parametrize("failures", [[], [problem(429)], [REFUSED]])
def test_what_was_never_there_was_not_deleted(caller: Caller, failures) -> None:
    server = Server(*failures, problem(404))
    client = caller.client(server)
    with pytest.raises(NotFound):
        caller.run(lambda: client.roles.delete("1"))


def test_a_connection_that_breaks_says_that_something_may_have_happened(caller: Caller) -> None:
    client = caller.client(Server(CUT), retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        caller.run(lambda: client.roles.delete("1"))
    assert caught.value.may_have_acted
    client = caller.client(Server(REFUSED), retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        caller.run(lambda: client.roles.delete("1"))
    assert not caught.value.may_have_acted


def test_a_certificate_that_is_not_trusted_stays_so(caller: Caller) -> None:
    failure = httpx.ConnectError("certificate verify failed")
    failure.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    server = Server(failure)
    client = caller.client(server)
    with pytest.raises(ConnectionFailed, match="verify failed"):
        caller.run(lambda: client.roles.get("1"))
    assert len(server.requests) == 1


def test_other_patience_for_some_calls(caller: Caller) -> None:
    server = Server(problem(503))
    client = caller.client(server)
    with pytest.raises(ServerError):
        caller.run(lambda: client.with_options(retries=1, timeout=5).roles.get("1"))
    assert len(server.requests) == 2
    assert server.requests[0].extensions["timeout"]["read"] == 5
    with pytest.raises(ServerError):
        caller.run(lambda: client.roles.get("1"))
    assert len(server.requests) == 7
    assert server.requests[-1].extensions["timeout"]["read"] == 30


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.certificates.download("1"),
        lambda client: client.certificates.issue_batch(template_code="web", rows=[]),
    ],
)
def test_downloads_and_batches_may_take_their_time(caller: Caller, call) -> None:
    server = Server(answer({"issued": 0, "failed": 0, "chain": [], "rows": []}))
    client = caller.client(server)
    caller.run(lambda: call(client))
    assert server.requests[0].extensions["timeout"]["read"] == 600


def test_who_is_cancelled_waits_no_longer(tasks: Caller) -> None:
    server = Server(problem(503))
    client = tasks.client(server)
    client._driver.sleep = lambda seconds: asyncio.sleep(3600)

    async def cancel() -> None:
        task = asyncio.ensure_future(client.roles.get("1"))
        while not server.requests:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    tasks.run(cancel)
    assert len(server.requests) == 1


def test_who_is_interrupted_waits_no_longer() -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    server = Server(problem(503))
    client = Caller(is_async=False).client(server)
    client._driver.sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        client.roles.get("1")
    assert len(server.requests) == 1

"""Who a call says it is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from urllib.parse import parse_qs

import httpx
import pytest
from fakes import ADDRESS, DETAIL, KEY, Caller, Server, answer, problem

from chancery_client import AuthenticationFailed, ConnectionFailed, OAuth, Secret, Tokens, UnexpectedAnswer
from chancery_client.addresses import check_address

NOW = 1_800_000_000.0


class Office:
    """An API that takes one access token, and an authorization server that gives another for each refresh token."""

    def __init__(self, access: str = "cm_oauth_1", refresh: str = "cm_refresh_1") -> None:
        self.access, self.refresh = access, refresh
        self.refreshed = 0
        self.takes_any_token = True
        self.seen: list[httpx.Request] = []
        self.issuer, self.endpoint = ADDRESS, f"{ADDRESS}/oauth/token"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if request.url.path == "/.well-known/oauth-authorization-server":
            return answer({"issuer": self.issuer, "token_endpoint": self.endpoint})
        if request.url.path == "/oauth/token":
            return self._token(request)
        if not self.takes_any_token or request.headers.get("Authorization") != f"Bearer {self.access}":
            return problem(401, "unauthenticated")
        return answer(DETAIL)

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert "Authorization" not in request.headers
        assert (form["grant_type"], form["client_id"]) == ("refresh_token", "cli")
        if form["refresh_token"] != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": "It was used before."})
        self.refreshed += 1
        self.access, self.refresh = f"cm_oauth_{self.refreshed + 1}", f"cm_refresh_{self.refreshed + 1}"
        return answer({"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600})


def oauth(**options) -> OAuth:
    given = {"access_token": "cm_oauth_1", "refresh_token": "cm_refresh_1", "expires_at": NOW + 3600, **options}
    return OAuth(client_id="cli", clock=lambda: NOW, **given)


def connected(caller: Caller, office: Office, **options):
    return caller.client(Server(office), **options)


def test_an_api_key_is_a_bearer_token(caller: Caller) -> None:
    for key in (KEY, Secret(KEY)):
        server = Server(answer(DETAIL))
        client = caller.client(server, api_key=key)
        caller.run(lambda client=client: client.certificates.get("1"))
        assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_good_token_is_used_as_it_is(caller: Caller) -> None:
    office = Office()
    client = connected(caller, office, oauth=oauth())
    caller.run(lambda: client.certificates.get("1"))
    assert len(office.seen) == 1


@pytest.mark.parametrize("left", [59.0, 0.0, -5.0])
def test_a_token_is_renewed_before_its_end(caller: Caller, left: float) -> None:
    office, kept = Office(), []
    client = connected(caller, office, oauth=oauth(expires_at=NOW + left, on_refresh=kept.append))
    caller.run(lambda: client.certificates.get("1"))
    caller.run(lambda: client.certificates.get("1"))
    assert office.refreshed == 1
    assert kept == [Tokens(Secret("cm_oauth_2"), Secret("cm_refresh_2"), NOW + 3600)]


def test_a_refused_token_is_renewed_once(caller: Caller) -> None:
    office = Office(access="cm_oauth_other")
    client = connected(caller, office, oauth=oauth())
    caller.run(lambda: client.certificates.get("1"))
    assert office.refreshed == 1
    office.takes_any_token = False
    with pytest.raises(AuthenticationFailed):
        caller.run(lambda: client.certificates.get("1"))
    assert office.refreshed == 2


def test_a_renewal_is_no_repetition(caller: Caller) -> None:
    office = Office(access="cm_oauth_other")
    client = connected(caller, office, oauth=oauth(), retries=0)
    caller.run(lambda: client.certificates.get("1"))
    assert caller.naps == []


@pytest.mark.parametrize("issuer", ["https://pki.example.org", f"{ADDRESS}/other", None])
def test_a_refresh_token_goes_to_no_server_that_calls_itself_otherwise(caller: Caller, issuer) -> None:
    office = Office()
    office.issuer = issuer
    client = connected(caller, office, oauth=oauth(access_token=None, expires_at=None))
    with pytest.raises(UnexpectedAnswer, match="calls itself"):
        caller.run(lambda: client.certificates.get("1"))
    assert [request.url.path for request in office.seen] == ["/.well-known/oauth-authorization-server"]


def test_a_refresh_token_alone_is_enough(caller: Caller) -> None:
    office = Office()
    client = connected(caller, office, oauth=oauth(access_token=None, expires_at=None))
    caller.run(lambda: client.certificates.get("1"))
    assert office.refreshed == 1


def test_an_access_token_alone_is_used_to_its_end(caller: Caller) -> None:
    office = Office(access="another")
    client = connected(caller, office, oauth=oauth(refresh_token=None, expires_at=NOW - 5))
    with pytest.raises(AuthenticationFailed):
        caller.run(lambda: client.certificates.get("1"))
    assert len(office.seen) == 1


def test_whose_consent_has_ended_is_told_to_sign_in(caller: Caller) -> None:
    office = Office(refresh="cm_refresh_9", access="other")
    client = connected(caller, office, oauth=oauth())
    with pytest.raises(AuthenticationFailed, match=r"sign in again: It was used before\.") as caught:
        caller.run(lambda: client.certificates.get("1"))
    assert "cm_refresh" not in str(caught.value)


def test_a_refresh_token_that_may_have_arrived_is_not_sent_again(caller: Caller) -> None:
    office = Office()

    def lost(request: httpx.Request) -> httpx.Response:
        found = office(request)
        if request.url.path == "/oauth/token":
            raise httpx.ReadTimeout("too slow")
        return found

    client = caller.client(Server(lost), oauth=oauth(expires_at=NOW))
    with pytest.raises(ConnectionFailed):
        caller.run(lambda: client.certificates.get("1"))
    assert sum(request.url.path == "/oauth/token" for request in office.seen) == 1


def test_a_refresh_token_is_not_sent_in_the_clear(caller: Caller) -> None:
    office = Office()
    office.endpoint = "http://pki.example.com/oauth/token"
    client = connected(caller, office, oauth=oauth(expires_at=NOW))
    with pytest.raises(ValueError, match="in the clear"):
        caller.run(lambda: client.certificates.get("1"))
    assert office.refreshed == 0


@pytest.mark.parametrize("reply", [answer({}), answer([]), httpx.Response(200, text="<html>")])
def test_metadata_that_are_none_are_an_error(caller: Caller, reply) -> None:
    client = caller.client(Server(reply), oauth=oauth(expires_at=NOW))
    with pytest.raises(UnexpectedAnswer):
        caller.run(lambda: client.certificates.get("1"))


def test_many_threads_renew_once() -> None:
    office = Office(access="cm_oauth_other")

    def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            time.sleep(0.05)
        return office(request)

    client = Caller(is_async=False).client(Server(slow), oauth=oauth())
    threads = [threading.Thread(target=client.certificates.get, args=("1",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert office.refreshed == 1
    assert sum(request.headers.get("Authorization") == "Bearer cm_oauth_2" for request in office.seen) == 8


def slow_office(office: Office) -> httpx.MockTransport:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return office(request)

    return httpx.MockTransport(slow)


def test_many_tasks_renew_once(tasks: Caller) -> None:
    office = Office(access="cm_oauth_other")
    client = connected(tasks, office, oauth=oauth())
    client._driver.http = httpx.AsyncClient(transport=slow_office(office))

    async def ask() -> None:
        await asyncio.gather(*(client.certificates.get("1") for _ in range(8)))

    tasks.run(ask)
    assert office.refreshed == 1


def test_a_renewal_that_was_begun_is_ended_and_kept(tasks: Caller) -> None:
    """Its refresh token is used up, whoever was cancelled meanwhile."""
    office, kept = Office(access="cm_oauth_other"), []

    async def keep(tokens: Tokens) -> None:
        kept.append(tokens)

    client = connected(tasks, office, oauth=oauth(on_refresh=keep))
    client._driver.http = httpx.AsyncClient(transport=slow_office(office))

    async def cancel() -> None:
        task = asyncio.ensure_future(client.certificates.get("1"))
        while not any(request.url.path == "/.well-known/oauth-authorization-server" for request in office.seen):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(1000):
            if not kept:
                await asyncio.sleep(0.001)
        await client.certificates.get("1")

    tasks.run(cancel)
    assert office.refreshed == 1


def test_what_another_process_has_renewed_is_taken_over(caller: Caller) -> None:
    office = Office(access="cm_oauth_7", refresh="cm_refresh_7")
    held = []

    @contextlib.contextmanager
    def guard():
        held.append("taken")
        yield Tokens(Secret("cm_oauth_7"), Secret("cm_refresh_7"), NOW + 3600)
        held.append("given")

    client = connected(caller, office, oauth=oauth(guard=guard))
    caller.run(lambda: client.certificates.get("1"))
    assert (office.refreshed, held) == (0, ["taken", "given"])
    assert office.seen[-1].headers["Authorization"] == "Bearer cm_oauth_7"


def test_what_another_process_has_kept_is_renewed_where_it_ends_too(caller: Caller) -> None:
    office = Office(access="other", refresh="cm_refresh_7")
    guard = lambda: contextlib.nullcontext(Tokens(Secret("cm_oauth_7"), Secret("cm_refresh_7"), NOW))  # noqa: E731
    client = connected(caller, office, oauth=oauth(guard=guard))
    caller.run(lambda: client.certificates.get("1"))
    assert office.refreshed == 1


def test_a_secret_of_an_application_is_sent_along(caller: Caller) -> None:
    office = Office(access="other")
    client = connected(caller, office, oauth=oauth(client_secret="hunter2"))
    caller.run(lambda: client.certificates.get("1"))
    assert any(b"client_secret=hunter2" in request.content for request in office.seen)


def test_tokens_are_not_shown() -> None:
    tokens = oauth(client_secret="hunter2")
    shown = f"{tokens!r} {vars(tokens)!r}"
    assert not any(secret in shown for secret in ("cm_oauth_1", "cm_refresh_1", "hunter2"))


def test_a_function_gives_the_token_of_each_call(caller: Caller) -> None:
    given = iter(["one", Secret("two")])
    server = Server(answer(DETAIL))
    client = caller.client(server, token=lambda: next(given))
    caller.run(lambda: client.certificates.get("1"))
    caller.run(lambda: client.certificates.get("1"))
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer one", "Bearer two"]


def test_a_function_may_have_another_token_when_one_is_refused(caller: Caller) -> None:
    office = Office(access="new")
    tokens = ["old"]
    client = connected(caller, office, token=lambda: tokens.pop() if tokens else "new")
    caller.run(lambda: client.certificates.get("1"))
    assert len(office.seen) == 2


def test_a_coroutine_function_is_for_tasks(tasks: Caller) -> None:
    async def token() -> str:
        return "one"

    server = Server(answer(DETAIL))
    tasks.run(lambda: tasks.client(server, token=token).certificates.get("1"))
    assert server.requests[0].headers["Authorization"] == "Bearer one"
    with pytest.raises(TypeError, match="AsyncChanceryClient"):
        Caller(is_async=False).client(server, token=token).certificates.get("1")


def test_one_credential_is_enough(caller: Caller) -> None:
    with pytest.raises(ValueError, match="not more"):
        caller.client(Server(answer(DETAIL)), api_key=KEY, token=lambda: KEY)


@pytest.mark.parametrize(
    "address",
    ["https://pki.example.com", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:8", "http://a.localhost"],
)
def test_addresses_that_credentials_are_sent_to(address: str) -> None:
    assert check_address(f"{address}/", allow_insecure=False) == address


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://pki.example.com", "in the clear"),
        ("http://127.0.0.1.example.com", "in the clear"),
        ("http://10.0.0.1", "in the clear"),
        ("pki.example.com", "begins with https"),
        ("ftp://pki.example.com", "begins with https"),
        ("https://", "begins with https"),
        ("https://me:secret@pki.example.com", "no user"),
        ("https://pki.example.com?a=b", "no query"),
        ("https://pki.example.com#a", "no query"),
    ],
)
def test_addresses_that_they_are_not_sent_to(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_address(address, allow_insecure=False)


def test_who_says_so_is_heard() -> None:
    assert check_address("http://pki.internal", allow_insecure=True) == "http://pki.internal"

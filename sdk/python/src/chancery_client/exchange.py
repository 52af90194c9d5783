"""One call from its beginning to its end, as steps that a driver takes: sync and async ones follow the same policy.

What is here neither sends nor sleeps: it says what is to be done next, and is told what came of it.
"""

from __future__ import annotations

import email.utils
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Optional, Protocol, TypeVar, Union

import httpx

from chancery_client.errors import (
    ApiError,
    AuthenticationFailed,
    ChanceryError,
    ConnectionFailed,
    api_error,
    read_problem,
)
from chancery_client.retries import RETRIED_STATUSES, Retries

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """What is asked of the server. Body and headers are not shown: secrets stand in them."""

    verb: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    body: Optional[bytes] = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    streamed: bool = False
    # Whether nothing is done twice where it arrives twice.
    is_repeatable: bool = True
    # Whether what is gone already is as good as deleted now.
    may_be_gone: bool = False


@dataclass(frozen=True)
class Send:
    """Send the call, and give the answer, read to its end unless it is a streamed success."""

    call: Call


@dataclass(frozen=True)
class Sleep:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Ask:
    """Call the function of whoever uses this package; in an async client it may be a coroutine function."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Alone:
    """Take these steps while nobody else takes steps under the same lock, and to their end."""

    locks: Any
    steps: Callable[[], Steps[Any]]


Step = Union[Send, Sleep, Ask, Alone]
Steps = Generator[Step, Any, T]


class Credential(Protocol):
    """What a call shows of who makes it."""

    def token(self, rejected: Optional[str] = None) -> Steps[Optional[str]]:
        """The bearer token, if there is one; another one than that which the server rejected, where it can be had."""


def converse(call: Call, credential: Credential, retries: Retries, now: Callable[[], float]) -> Steps[httpx.Response]:
    """Make the call, as often as it takes. Raises ApiError, ConnectionFailed."""
    repetition, has_renewed, may_have_acted = 0, False, False
    while True:
        token = yield from credential.token()
        failure: ChanceryError
        try:
            response: httpx.Response = yield Send(_with_token(call, token))
        except httpx.RequestError as error:
            reached = not _never_connected(error)
            failure = _connection_failed(error, call, reached)
            may_retry = call.is_repeatable or not reached
            may_retry = may_retry and not _is_hopeless(error)
            may_have_acted = may_have_acted or reached
        else:
            if response.is_success or (call.may_be_gone and may_have_acted and response.status_code == 404):
                return response
            failure = read_failure(response, now())
            if isinstance(failure, AuthenticationFailed) and token is not None and not has_renewed:
                has_renewed = True
                if (yield from credential.token(rejected=token)) != token:
                    continue
            may_retry = _is_passing(failure, call)
            may_have_acted = may_have_acted or failure.status >= 500
        delay = retries.delay(repetition, getattr(failure, "retry_after", None)) if may_retry else None
        if delay is None:
            raise failure
        repetition += 1
        yield Sleep(delay)


def read_failure(response: httpx.Response, now: float) -> ApiError:
    """The error that an answer tells of."""
    problem = read_problem(
        response.status_code,
        read_json(response),
        reason=response.reason_phrase,
        trace_id=response.headers.get("X-Trace-Id"),
        wait=read_retry_after(response.headers.get("Retry-After"), now),
    )
    if response.is_redirect and not problem.detail:
        problem = replace(problem, detail="The server sends elsewhere, where no credential is taken: correct base_url.")
    return api_error(problem)


def read_json(response: httpx.Response) -> Any:
    """The JSON of an answer; None where it has none. What could not be parsed is in no error: it may hold secrets."""
    try:
        return response.json()
    except ValueError:
        return None


def read_retry_after(text: Optional[str], now: float) -> Optional[float]:
    """Seconds to wait, of a header that has seconds or a date; None where it has neither."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.fromtimestamp(now, timezone.utc)).total_seconds())


def _with_token(call: Call, token: Optional[str]) -> Call:
    if token is None:
        return call
    return replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})


def _is_passing(failure: ApiError, call: Call) -> bool:
    if failure.status == 409:
        # The first of two calls with the same key is still being answered.
        return failure.code == "idempotency-in-progress"
    if not call.is_repeatable:
        return failure.status == 429
    return failure.status in RETRIED_STATUSES


def _never_connected(error: httpx.RequestError) -> bool:
    return isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError))


def _is_hopeless(error: BaseException) -> bool:
    """Whether it would go wrong in the same way again: the server's certificate, an address that is none."""
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return True
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _connection_failed(error: httpx.RequestError, call: Call, reached: bool) -> ConnectionFailed:
    reason, url = str(error) or type(error).__name__, httpx.URL(call.url)
    where = f"{url.scheme}://{url.netloc.decode('ascii')}"
    failure = ConnectionFailed(f"No answer from {where}: {reason}", may_have_acted=reached)
    failure.__cause__ = error
    return failure

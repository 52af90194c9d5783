"""Who makes a call: an API key, OAuth tokens that are renewed, a function that gives tokens, a client certificate."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional, Union
from urllib.parse import urlencode

from chancery_client._version import USER_AGENT
from chancery_client.addresses import check_address
from chancery_client.errors import ApiError, AuthenticationFailed, Problem, UnexpectedAnswer
from chancery_client.exchange import Alone, Ask, Call, Steps, converse, read_json
from chancery_client.retries import Retries
from chancery_client.secret import Secret, reveal

_METADATA = "/.well-known/oauth-authorization-server"
_HEADERS = {"Accept": "application/json", "User-Agent": USER_AGENT}
# Seconds before its end from which on a token is not used any more: the way to the server takes time too.
_MARGIN = 60.0


@dataclass(frozen=True)
class Tokens:
    """A pair of OAuth tokens; `expires_at` is when the access token ends, in seconds since 1970."""

    access_token: Secret
    refresh_token: Secret
    expires_at: Optional[float] = None


@dataclass(frozen=True)
class _Held:
    """What is there of a pair in the beginning."""

    access_token: Optional[Secret]
    refresh_token: Optional[Secret]
    expires_at: Optional[float]


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate that is shown in the TLS handshake: a PEM file with its chain, and one with its key."""

    certificate: str
    key: Optional[str] = None
    password: Optional[Secret] = None

    def load_into(self, context: ssl.SSLContext) -> None:
        """Show it in all connections of this context. Raises OSError, ssl.SSLError: it cannot be read."""
        password = None if self.password is None else self.password.reveal()
        context.load_cert_chain(self.certificate, self.key, password)


class NoToken:
    """Nothing is shown, or a client certificate alone."""

    def token(self, rejected: Optional[str] = None) -> Steps[Optional[str]]:
        """None."""
        yield from ()
        return None


class ApiKey:
    """A token that stays the same: an API key."""

    def __init__(self, key: Union[str, Secret]) -> None:
        self._key = Secret(checked_token(reveal(key)))

    def token(self, rejected: Optional[str] = None) -> Steps[Optional[str]]:
        """The key."""
        yield from ()
        return self._key.reveal()


class TokenFunction:
    """A function that gives a token, and is asked before every call."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def token(self, rejected: Optional[str] = None) -> Steps[Optional[str]]:
        """What the function gives."""
        found = yield Ask(self._function)
        return checked_token(reveal(found))


class Locks:
    """A lock for threads, and one for the tasks of whichever event loop is running."""

    def __init__(self) -> None:
        self.of_threads = threading.Lock()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._of_tasks: Optional[asyncio.Lock] = None

    @property
    def of_tasks(self) -> asyncio.Lock:
        """The one of the running loop: a lock of asyncio serves no other."""
        loop = asyncio.get_running_loop()
        if self._of_tasks is None or self._loop is not loop:
            self._loop, self._of_tasks = loop, asyncio.Lock()
        return self._of_tasks


class OAuth:
    """Tokens that a person has let an application have, renewed a minute before their end and where they are refused.

    One renewal runs at a time, for all threads, or all tasks of one event loop. The server gives a new refresh token
    with each, and ends the consent where an old one comes again: `on_refresh` is called with the new `Tokens` at once,
    and has to keep them. An application that runs more than once with the same tokens passes `guard`, a function
    that gives a context manager: it is held during a renewal, and entering it gives the `Tokens` that another process
    has kept meanwhile, or None.
    """

    def __init__(
        self,
        *,
        client_id: str,
        refresh_token: Union[str, Secret, None] = None,
        access_token: Union[str, Secret, None] = None,
        expires_at: Optional[float] = None,
        client_secret: Union[str, Secret, None] = None,
        on_refresh: Optional[Callable[[Tokens], Any]] = None,
        guard: Optional[Callable[[], AbstractContextManager[Optional[Tokens]]]] = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if refresh_token is None and access_token is None:
            raise ValueError("OAuth: an access token or a refresh token is needed")
        self._client_id = client_id
        self._client_secret = _secret(client_secret)
        self._tokens: Union[Tokens, _Held] = _Held(_secret(access_token), _secret(refresh_token), expires_at)
        self._on_refresh = on_refresh
        self._guard = guard or contextlib.nullcontext
        self._clock = clock
        self._locks = Locks()

    def __repr__(self) -> str:
        return f"OAuth(client_id={self._client_id!r})"

    def bound(self, base_url: str, *, allow_insecure: bool, timeout: float) -> BoundOAuth:
        """The same tokens, for the server at this address."""
        return BoundOAuth(self, base_url, allow_insecure, timeout)

    def usable(self, rejected: Optional[str]) -> Optional[str]:
        """The access token, where it is good for a while and is not the rejected one."""
        tokens = self._tokens
        if tokens.access_token is None or tokens.access_token.reveal() == rejected:
            return None
        if self._is_ending(tokens):
            return None
        return checked_token(tokens.access_token.reveal())

    def _is_ending(self, tokens: Union[Tokens, _Held]) -> bool:
        """Whether another access token is due, and can be had."""
        if tokens.expires_at is None or tokens.refresh_token is None:
            return False
        return self._clock() >= tokens.expires_at - _MARGIN


class BoundOAuth:
    """Tokens at the server where they are good and renewed."""

    def __init__(self, oauth: OAuth, base_url: str, allow_insecure: bool, timeout: float) -> None:
        self._oauth = oauth
        self._base_url = base_url
        self._allow_insecure = allow_insecure
        self._timeout = timeout
        self._endpoint: Optional[str] = None

    def token(self, rejected: Optional[str] = None) -> Steps[Optional[str]]:
        """An access token that is good; the rejected one where it cannot be renewed."""
        found = self._oauth.usable(rejected)
        if found is None:
            found = yield Alone(self._oauth._locks, lambda: self._renewed(rejected))
        return found

    def _renewed(self, rejected: Optional[str]) -> Steps[str]:
        """The token that somebody else has renewed meanwhile, or that is renewed now."""
        oauth = self._oauth
        found = oauth.usable(rejected)
        if found is not None:
            return found
        with oauth._guard() as kept:
            if kept is not None:
                oauth._tokens = kept
                found = oauth.usable(rejected)
                if found is not None:
                    return found
            used = oauth._tokens.refresh_token
            if used is None:
                return rejected or ""
            tokens = yield from self._refresh(used)
            oauth._tokens = tokens
            if oauth._on_refresh is not None:
                yield Ask(oauth._on_refresh, (tokens,))
        return checked_token(tokens.access_token.reveal())

    def _refresh(self, used: Secret) -> Steps[Tokens]:
        """Raises AuthenticationFailed: the person has to be asked again."""
        oauth = self._oauth
        if self._endpoint is None:
            self._endpoint = yield from self._discover()
        form = {"grant_type": "refresh_token", "client_id": oauth._client_id, "refresh_token": used.reveal()}
        if oauth._client_secret is not None:
            form["client_secret"] = oauth._client_secret.reveal()
        headers = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        answer = yield from self._answered(
            Call("POST", self._endpoint, body=body, headers=headers, timeout=self._timeout, is_repeatable=False)
        )
        return _read_tokens(answer, used, oauth._clock())

    def _discover(self) -> Steps[str]:
        answer = yield from self._answered(
            Call("GET", self._base_url + _METADATA, headers=_HEADERS, timeout=self._timeout)
        )
        issuer = answer.get("issuer")
        # What calls itself otherwise may be somebody else's (RFC 8414 section 3.3).
        if issuer != self._base_url:
            title = f"The server calls itself {str(issuer)[:200]!r}, not {self._base_url!r}: say its own base_url"
            raise UnexpectedAnswer(Problem(200, title=title))
        endpoint = answer.get("token_endpoint")
        if not isinstance(endpoint, str):
            raise UnexpectedAnswer(Problem(200, title="The metadata of the server name no token_endpoint"))
        return check_address(endpoint, allow_insecure=self._allow_insecure)

    def _answered(self, call: Call) -> Steps[Mapping[str, Any]]:
        """The JSON of an answer. A refresh token is never sent twice where the first may have arrived."""
        try:
            response = yield from converse(call, NoToken(), Retries(), self._oauth._clock)
        except ApiError as error:
            if error.status not in (400, 401):
                raise
            raise AuthenticationFailed(
                replace(error.problem, title="The tokens cannot be renewed: sign in again")
            ) from None
        answer = read_json(response)
        if not isinstance(answer, Mapping):
            raise UnexpectedAnswer(Problem(response.status_code, title=f"{call.url} did not answer with JSON"))
        return answer


def _read_tokens(answer: Mapping[str, Any], used: Secret, now: float) -> Tokens:
    access_token, refresh_token, lifetime = (
        answer.get(name) for name in ("access_token", "refresh_token", "expires_in")
    )
    if not isinstance(access_token, str):
        raise UnexpectedAnswer(Problem(200, title="The server answered without an access token"))
    return Tokens(
        Secret(access_token),
        Secret(refresh_token) if isinstance(refresh_token, str) else used,
        now + lifetime if isinstance(lifetime, (int, float)) else None,
    )


def checked_token(token: str) -> str:
    """The token, if it can stand in a header. Raises ValueError, which does not show it."""
    if not token or not all("!" <= character <= "~" for character in token):
        raise ValueError("A token consists of visible ASCII characters; was a line break read along with it?")
    return token


def _secret(value: Union[str, Secret, None]) -> Optional[Secret]:
    return Secret(value) if isinstance(value, str) else value

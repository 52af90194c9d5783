"""The clients: what they are told when they are made."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from dataclasses import replace
from types import TracebackType
from typing import Any, Callable, Optional, TypeVar, Union

import httpx

from chancery_client.addresses import check_address
from chancery_client.api import Settings
from chancery_client.auth import ApiKey, ClientCertificate, NoToken, OAuth, TokenFunction
from chancery_client.drivers import AsyncDriver, Driver
from chancery_client.exchange import Credential
from chancery_client.resources import AsyncResources, Resources
from chancery_client.retries import Retries
from chancery_client.secret import Secret

TIMEOUT = 30.0
SLOW_TIMEOUT = 600.0

C = TypeVar("C", bound="ChanceryClient")
A = TypeVar("A", bound="AsyncChanceryClient")
Token = Union[str, Secret]


class ChanceryClient(Resources):
    """Chancery's API, with a resource for each of its parts: `client.certificates`, `client.cas`, …

    May be shared by threads. Use it in a `with` statement, or `close()` it.

    Args:
        base_url: where Chancery is, such as "https://pki.example.com".
        api_key: an API key (or any bearer token that stays the same).
        oauth: tokens that a person has given, and that are renewed.
        token: a function that gives a bearer token, called before each call.
        client_certificate: shown in the TLS handshake; alone, or beside a token.
        ca_bundle: a PEM file with the CAs by which the server's certificate is judged, instead of the usual ones.
        ssl_context: decides all of TLS, instead of the two before.
        retries: how often a call that fails in passing is made again, or a `Retries` that says how patiently.
        timeout: seconds to wait for the connection, and for the server to say something.
        slow_timeout: the same for downloads, batches and imports.
        allow_insecure: send credentials without TLS to other machines too.
        transport: makes the connections, in place of httpx's own transport.

    Raises:
        ValueError: the address or the credential is none, or there is more than one of `api_key`, `oauth`, `token`.
        OSError: a file cannot be read.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Optional[Token] = None,
        *,
        oauth: Optional[OAuth] = None,
        token: Optional[Callable[[], Token]] = None,
        client_certificate: Optional[ClientCertificate] = None,
        ca_bundle: Optional[str] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        retries: Union[int, Retries] = 4,
        timeout: float = TIMEOUT,
        slow_timeout: float = SLOW_TIMEOUT,
        allow_insecure: bool = False,
        transport: Optional[httpx.BaseTransport] = None,
    ) -> None:
        address = check_address(base_url, allow_insecure=allow_insecure)
        credential = _credential(api_key, oauth, token, address, allow_insecure, timeout)
        context = _ssl_context(ssl_context, client_certificate, ca_bundle)
        http = httpx.Client(verify=context, transport=transport, follow_redirects=False)
        self._set_up(Settings(address, credential, _retries(retries), timeout, slow_timeout), Driver(http))

    def _set_up(self, settings: Settings, driver: Driver) -> None:
        self._settings = settings
        self._driver = driver
        super().__init__(settings, driver)

    def with_options(self: C, *, retries: Union[int, Retries, None] = None, timeout: Optional[float] = None) -> C:
        """The same client over the same connections, with other patience for all of its calls."""
        other = object.__new__(type(self))
        other._set_up(_changed(self._settings, retries, timeout), self._driver)
        return other

    def close(self) -> None:
        """Close the connections."""
        self._driver.http.close()

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.base_url!r})"


class AsyncChanceryClient(AsyncResources):
    """The same as `ChanceryClient`, for asyncio: its calls are awaited, its lists read by `async for`.

    Belongs to one event loop. Use it in an `async with` statement, or `await aclose()`. Its arguments are those of
    `ChanceryClient`; `token` may be a coroutine function.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Optional[Token] = None,
        *,
        oauth: Optional[OAuth] = None,
        token: Optional[Callable[[], Union[Token, Awaitable[Token]]]] = None,
        client_certificate: Optional[ClientCertificate] = None,
        ca_bundle: Optional[str] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        retries: Union[int, Retries] = 4,
        timeout: float = TIMEOUT,
        slow_timeout: float = SLOW_TIMEOUT,
        allow_insecure: bool = False,
        transport: Optional[httpx.AsyncBaseTransport] = None,
    ) -> None:
        address = check_address(base_url, allow_insecure=allow_insecure)
        credential = _credential(api_key, oauth, token, address, allow_insecure, timeout)
        context = _ssl_context(ssl_context, client_certificate, ca_bundle)
        http = httpx.AsyncClient(verify=context, transport=transport, follow_redirects=False)
        self._set_up(Settings(address, credential, _retries(retries), timeout, slow_timeout), AsyncDriver(http))

    def _set_up(self, settings: Settings, driver: AsyncDriver) -> None:
        self._settings = settings
        self._driver = driver
        super().__init__(settings, driver)

    def with_options(self: A, *, retries: Union[int, Retries, None] = None, timeout: Optional[float] = None) -> A:
        """The same client over the same connections, with other patience for all of its calls."""
        other = object.__new__(type(self))
        other._set_up(_changed(self._settings, retries, timeout), self._driver)
        return other

    async def aclose(self) -> None:
        """Close the connections."""
        await self._driver.http.aclose()

    async def __aenter__(self: A) -> A:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.base_url!r})"


def _credential(
    api_key: Optional[Token],
    oauth: Optional[OAuth],
    token: Optional[Callable[[], Any]],
    address: str,
    allow_insecure: bool,
    timeout: float,
) -> Credential:
    if sum(each is not None for each in (api_key, oauth, token)) > 1:
        raise ValueError("One of api_key, oauth and token says who asks, not more.")
    if api_key is not None:
        return ApiKey(api_key)
    if oauth is not None:
        return oauth.bound(address, allow_insecure=allow_insecure, timeout=timeout)
    return NoToken() if token is None else TokenFunction(token)


def _ssl_context(
    context: Optional[ssl.SSLContext], certificate: Optional[ClientCertificate], ca_bundle: Optional[str]
) -> Union[ssl.SSLContext, bool]:
    if context is not None:
        if certificate is not None or ca_bundle is not None:
            raise ValueError("An ssl_context says everything: load client_certificate and ca_bundle into it.")
        return context
    if certificate is None and ca_bundle is None:
        return True
    context = httpx.create_ssl_context() if ca_bundle is None else ssl.create_default_context(cafile=ca_bundle)
    if certificate is not None:
        certificate.load_into(context)
    return context


def _retries(retries: Union[int, Retries]) -> Retries:
    return retries if isinstance(retries, Retries) else Retries(retries)


def _changed(settings: Settings, retries: Union[int, Retries, None], timeout: Optional[float]) -> Settings:
    if retries is not None:
        settings = replace(settings, retries=_retries(retries))
    if timeout is not None:
        settings = replace(settings, timeout=timeout, slow_timeout=timeout)
    return settings

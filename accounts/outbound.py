"""The one way out to addresses that tenants name: they reach the internet, and nothing that stands behind us.

The name is resolved once, every address that it has is judged, and the connection goes to one that was judged: a name
that means something else a moment later leads nowhere.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from accounts.issuers import may_be_asked
from kernel.text import Text, _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LARGEST_ANSWER: Final = 256 * 1024
PATIENCE_SECONDS: Final = 8.0
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_IPV4_COMPATIBLE: Final = ipaddress.ip_network("::/96")
# All that is routed of IPv6 (RFC 4291 section 2.4), but for what stands in books (RFC 9637).
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_DOCUMENTATION: Final = ipaddress.ip_network("3fff::/20")
_PATIENCE_FOR_A_PLACE: Final = 1.0
_USER_AGENT: Final = "Chancery"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class OutboundError(Exception):
    """Nothing usable came back; `text` says why, without a secret in it."""

    def __init__(self, template: str, /, **facts: object) -> None:
        self.text = Text(template, facts)
        super().__init__(str(self.text))


class Places:
    """Those who may wait for somebody else at a time: so many in all, and of them so many for one organization."""

    def __init__(self, *, of_one: int, in_all: int) -> None:
        self._of_one, self._in_all = of_one, in_all
        self._taken: Counter[int | None] = Counter()
        self._changed = threading.Condition()

    def take(self, organization_id: int | None, *, patience: float) -> bool:
        """Whether there is one, or comes to be one within so many seconds."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._has_room(organization_id), patience)
            if found:
                self._taken[organization_id] += 1
            return found

    def leave(self, organization_id: int | None) -> None:
        with self._changed:
            self._taken[organization_id] -= 1
            # Counts of nothing go.
            self._taken = +self._taken
            self._changed.notify_all()

    def _has_room(self, organization_id: int | None) -> bool:
        return self._taken[organization_id] < self._of_one and self._taken.total() < self._in_all


# Whoever is slow to answer must not keep every thread of a process waiting, nor one organization have every place: it
# has half as many as there are threads, and where that leaves two of those, there is one more place for the others.
_HALF: Final = max(1, settings.WEB_THREADS // 2)
_PLACES: Final = Places(of_one=_HALF, in_all=max(_HALF, min(_HALF + 1, settings.WEB_THREADS - 1)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, whatever its status."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def ask(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = NO_HEADERS,
    body: bytes | None = None,
    private_ranges: Collection[Network] = (),
    largest: int = LARGEST_ANSWER,
    patience: float = PATIENCE_SECONDS,
    plain: bool = False,
    roots: str = "",
    organization_id: int | None = None,
) -> Answer:
    """The answer of this address itself: no redirect is followed, no proxy asked, nothing is unpacked.

    Addresses that are not public are reached only in `private_ranges`. All of it takes at most `patience` seconds
    after the name is resolved. `plain`: over http as well, for what bears a signature of its own. `roots`: PEM, to be
    trusted in place of the public CAs. A header that comes several times stands there once, its values after commas
    (RFC 9110 section 5.3). `organization_id`: on whose behalf. Raises OutboundError, also where too many of this
    process ask somebody at this moment.
    """
    parts = _split(url, plain=plain)
    with (
        place(organization_id),
        _connection(parts, private_ranges, time.monotonic() + patience, roots) as connection,
    ):
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        ours = {"Host": parts.netloc, "User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        connection.request(method, target, body=body, headers={**headers, **ours})
        answer = connection.getresponse()
        content = answer.read(largest + 1)
    if len(content) > largest:
        raise OutboundError(
            _("the answer of %(host)s is longer than %(most)s bytes"), host=parts.hostname, most=largest
        )
    return Answer(answer.status, {name: answer.getheader(name, "") for name in answer.headers}, content)


def fetch_json(url: str, *, private_ranges: Collection[Network] = (), **limits: Any) -> dict[str, Any]:
    """The JSON object at this address, which must answer 200; `limits` are those of `ask`. Raises OutboundError."""
    answer = ask(url, headers={"Accept": "application/json"}, private_ranges=private_ranges, **limits)
    if answer.status != http.HTTPStatus.OK:
        raise OutboundError(_("%(host)s answers %(status)s"), host=urlsplit(url).hostname, status=answer.status)
    return _document(answer.content, urlsplit(url))


def judged(addresses: Collection[Address], private_ranges: Collection[Network]) -> None:
    """Raises OutboundError where one of them is neither public nor in these ranges."""
    for address in addresses:
        real = _embedded(address)
        if not any(real in network for network in private_ranges) and not _is_public(real):
            raise OutboundError(_("%(address)s is no public address, and is not allowed here"), address=address)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address not in _GLOBAL_UNICAST or address in _DOCUMENTATION):
        return False
    return address.is_global and not address.is_multicast


@contextmanager
def place(organization_id: int | None) -> Iterator[None]:
    """One of those who may wait for somebody else at a time, on behalf of an organization.

    Raises OutboundError where there are too many of them.
    """
    if not _PLACES.take(organization_id, patience=_PATIENCE_FOR_A_PLACE):
        raise OutboundError(_("too many servers are being asked at this moment"))
    try:
        yield
    finally:
        _PLACES.leave(organization_id)


def _split(url: str, *, plain: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError as error:
        raise OutboundError(_("this is no address")) from error
    if not parts.hostname or parts.username or parts.password:
        raise OutboundError(_("this is no address"))
    if not may_be_asked(parts) and not (plain and parts.scheme == "http"):
        raise OutboundError(_("this is no https address"))
    if any(ord(character) <= 0x20 or ord(character) >= 0x7F for character in url):
        raise OutboundError(_("this is no address"))
    return parts


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to (RFC 4291 2.5.5, RFC 3056, RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


@contextmanager
def _connection(
    parts: SplitResult, private_ranges: Collection[Network], deadline: float, roots: str = ""
) -> Iterator[http.client.HTTPConnection]:
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    open_socket: list[socket.socket] = []
    # A server that sends a byte now and then would never run into a socket's own timeout.
    watchdog = threading.Timer(max(deadline - time.monotonic(), 0.0), _cut, [open_socket])
    watchdog.daemon = True
    try:
        addresses = _resolve(host, port)
        judged(addresses, private_ranges)
        watchdog.start()
        open_socket.append(_connect(addresses, port, deadline))
        if secure:
            open_socket.append(_encrypted(open_socket[-1], host, roots))
            open_socket[-1].do_handshake()  # type: ignore[attr-defined]
        connection = http.client.HTTPConnection(host)
        connection.sock = open_socket[-1]
        yield connection
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise OutboundError(_("%(host)s cannot be asked: %(reason)s"), host=host, reason=_reason(error)) from error
    finally:
        watchdog.cancel()
        for each in reversed(open_socket):
            each.close()


def _resolve(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_rest, place in found))


def _connect(addresses: list[Address], port: int, deadline: float) -> socket.socket:
    """To the first that takes the call. Raises OSError."""
    error: OSError = OSError("it has no address")
    for address in addresses:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("it took too long")
        try:
            return socket.create_connection((str(address), port), timeout=remaining)
        except OSError as failed:
            error = failed
    raise error


def _cut(open_socket: list[socket.socket]) -> None:
    with suppress(OSError, IndexError):
        open_socket[-1].shutdown(socket.SHUT_RDWR)


def _encrypted(plain: socket.socket, host: str, roots: str) -> ssl.SSLSocket:
    """Its handshake is still to come: whoever watches the time must have hold of the socket by then."""
    trust = ssl.create_default_context(cadata=roots or None)
    return trust.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good ({error.verify_message})"
    return (getattr(error, "strerror", None) or type(error).__name__)[:120]


def _document(content: bytes, parts: SplitResult) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise OutboundError(_("the answer of %(host)s is not JSON"), host=parts.hostname) from error
    if not isinstance(document, dict):
        raise OutboundError(_("the answer of %(host)s is no JSON object"), host=parts.hostname)
    return document

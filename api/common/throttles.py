"""How often somebody may ask: counted by his credential, or by his address where he has shown none.

The windows are fixed, a minute long, and begin for each at another second. The numbers are settings; all processes
count in one cache. The public answers about revocation are never counted here.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from api.common.auth import client_ip
from kernel.actor import Actor
from kernel.errors import TooMany, Unavailable
from kernel.text import _

log = logging.getLogger(__name__)

# The names of what is limited, which are those in the settings.
GENERAL: Final = "general"
ISSUE: Final = "issue"
BATCH: Final = "batch"
CERTMATE_GENERAL: Final = "certmate-general"
CERTMATE_CREATE: Final = "certmate-create"
CERTMATE_BATCH: Final = "certmate-batch"
CERTMATE_OCSP: Final = "certmate-ocsp"
CERTMATE_CRL: Final = "certmate-crl"
ANONYMOUS: Final = "anonymous"
TOKEN: Final = "token"  # noqa: S105  a name

_WINDOW_SECONDS: Final = 60
# Whoever has an IPv6 address has all of its network.
_IPV6_NETWORK: Final = 64


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left to somebody of one limit, and for how many seconds still."""

    name: str
    most: int
    left: int
    seconds: int

    def tell(self, response: HttpResponseBase) -> None:
        """In the headers of draft-ietf-httpapi-ratelimit-headers."""
        response.headers["RateLimit-Policy"] = f'"{self.name}";q={self.most};w={_WINDOW_SECONDS}'
        response.headers["RateLimit"] = f'"{self.name}";r={self.left};t={self.seconds}'


def count_actor(request: HttpRequest, name: str, actor: Actor) -> None:
    """Count a request under a credential. Raises TooMany. With the cache gone it passes: he has shown who he is."""
    try:
        _count(request, name, actor.pk)
    except RedisError:
        log.warning("requests are not counted: no cache")


def count_stranger(request: HttpRequest) -> None:
    """Count a request without a credential that is good, which will be refused anyway. Raises TooMany."""
    count_address(request, ANONYMOUS)


def count_address(request: HttpRequest, name: str) -> None:
    """Count a request that needs no credential and has none, by its address. Raises TooMany."""
    try:
        _count(request, name, network_of(request))
    except RedisError:
        log.warning("requests are not counted: no cache")


def count_token_request(request: HttpRequest) -> None:
    """Count a request for a token, by address. Raises TooMany; Unavailable with the cache gone."""
    try:
        _count(request, TOKEN, network_of(request))
    except RedisError as error:
        text = _("Requests for tokens cannot be counted at the moment, so none is answered.")
        raise Unavailable(text, code="guesses-not-counted") from error


def tell_usage(request: HttpRequest, response: HttpResponseBase) -> None:
    """What was counted for this request, if anything was."""
    usage: Usage | None = getattr(request, "rate_usage", None)
    if usage is not None:
        usage.tell(response)


def network_of(request: HttpRequest) -> str:
    """Where a request came from: an IPv4 address, or the network of an IPv6 one; empty where nobody knows."""
    text = client_ip(request)
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)


def _count(request: HttpRequest, name: str, who: str) -> None:
    most: int = settings.RATE_LIMITS[name]
    found: dict[str, Any] | None = get_usage(
        request,
        group=f"chancery:{name}:",
        # Ended by a sign that is in no name: what follows it in the key are digits.
        key=lambda _group, _request: f"{who} ",
        rate=(most, _WINDOW_SECONDS),
        increment=True,
    )
    if found is None:
        return
    seconds = max(1, int(found["time_left"]))
    request.rate_usage = Usage(name, most, max(0, most - found["count"]), seconds)  # type: ignore[attr-defined]
    if found["should_limit"]:
        raise TooMany(_("Too many requests. Please try again later."), retry_after=seconds)

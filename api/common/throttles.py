"""How often somebody may ask: counted by the credential, or by the address where none was shown.

The public answers about revocation are never counted here.
"""

from __future__ import annotations

import ipaddress
import logging
from typing import Final

from django.http import HttpRequest
from redis.exceptions import RedisError

from accounts.rates import ANONYMOUS as ANONYMOUS
from accounts.rates import BATCH as BATCH
from accounts.rates import CERTMATE_BATCH as CERTMATE_BATCH
from accounts.rates import CERTMATE_CREATE as CERTMATE_CREATE
from accounts.rates import CERTMATE_CRL as CERTMATE_CRL
from accounts.rates import CERTMATE_GENERAL as CERTMATE_GENERAL
from accounts.rates import CERTMATE_OCSP as CERTMATE_OCSP
from accounts.rates import GENERAL as GENERAL
from accounts.rates import ISSUE as ISSUE
from accounts.rates import TOKEN as TOKEN
from accounts.rates import count
from accounts.rates import tell_usage as tell_usage
from api.common.auth import client_ip
from kernel.actor import Actor
from kernel.errors import Unavailable
from kernel.text import _

log = logging.getLogger(__name__)

# Whoever has an IPv6 address has all of its network.
_IPV6_NETWORK: Final = 64


def count_actor(request: HttpRequest, name: str, actor: Actor) -> None:
    """Count a request under a credential. Raises TooMany. With the cache gone it passes: it is known who asks."""
    try:
        count(request, name, actor.pk)
    except RedisError:
        log.warning("requests are not counted: no cache")


def count_stranger(request: HttpRequest) -> None:
    """Count a request without a credential that is good, which will be refused anyway. Raises TooMany."""
    count_address(request, ANONYMOUS)


def count_address(request: HttpRequest, name: str) -> None:
    """Count a request that needs no credential and has none, by its address. Raises TooMany."""
    try:
        count(request, name, network_of(request))
    except RedisError:
        log.warning("requests are not counted: no cache")


def count_token_request(request: HttpRequest) -> None:
    """Count a request for a token, by address. Raises TooMany; Unavailable with the cache gone."""
    try:
        count(request, TOKEN, network_of(request))
    except RedisError as error:
        text = _("Requests for tokens cannot be counted at the moment, so none is answered.")
        raise Unavailable(text, code="guesses-not-counted") from error


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

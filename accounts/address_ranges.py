"""Where a credential may be used from: ranges of addresses, read and compared. Pure functions."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from kernel.errors import FieldError, field_error
from kernel.text import _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_IPV6_NETWORK: Final = 64


def read_networks(values: Sequence[str], errors: list[FieldError]) -> list[str]:
    """The ranges, as they are written; what is none is told in `errors`."""
    networks = []
    for index, value in enumerate(values):
        try:
            networks.append(str(_unmapped(ipaddress.ip_network(value))))
        except ValueError:
            text = _("%(value)s is not an address range such as 10.0.0.0/8.")
            errors.append(field_error(f"allowed_cidrs[{index}]", "invalid", text, value=value))
    return networks


def all_within(networks: Sequence[str], allowed: Sequence[str]) -> bool:
    """Whether there are any, and each lies in one of the allowed."""
    outer = [ipaddress.ip_network(each) for each in allowed]
    inner = [ipaddress.ip_network(each) for each in networks]
    return bool(inner) and all(any(_lies_in(each, other) for other in outer) for each in inner)


def read_address(ip: str | None) -> Address | None:
    """Where a request came from, without the zone of a link; None where it came through a socket without addresses."""
    try:
        address = ipaddress.ip_address((ip or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def network_of(ip: str | None) -> str:
    """Who is counted as having sent a request: an IPv4 address, or the network of an IPv6 one, for whoever has one of
    these has all of its /64. Empty where nobody knows.
    """
    address = read_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address or "")


def is_allowed(cidrs: Sequence[str], address: Address | None) -> bool:
    """Whether the address is in one of the ranges, or there are none."""
    if not cidrs:
        return True
    return address is not None and any(address in ipaddress.ip_network(cidr) for cidr in cidrs)


def _lies_in(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _unmapped(network: Network) -> Network:
    """An IPv4 range that was written as one of IPv6 (RFC 4291 2.5.5.2), as what it is."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network(f"{address}/{network.prefixlen - _MAPPED.prefixlen}")
    return network

"""What DNS says, as a CA will see it: delegations are followed, and the authoritative servers themselves are asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rdatatype
import dns.resolver
from django.conf import settings

from accounts.outbound import Network, OutboundError
from accounts.outbound_guard import guarded
from acme_client.dns.errors import DnsError
from kernel.text import _

# Of DNS (RFC 1035 section 4.2).
PORT: Final = 53
_PATIENCE: Final = 20.0
_PATIENCE_FOR_AN_ANSWER: Final = 4.0
_MOST_DELEGATIONS: Final = 8
_MOST_SERVERS: Final = 16


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a zone begins, and by name who answers for it, with their addresses."""

    origin: str
    servers: Mapping[str, tuple[str, ...]]


def zone_of(name: str, *, private_ranges: Collection[Network] = ()) -> Zone:
    """The zone that this name is in. Raises DnsError."""
    with _asking(name, private_ranges) as resolver:
        return _zone_of(resolver, name)


def follow(name: str, *, private_ranges: Collection[Network] = ()) -> str:
    """Where a record of this name really stands: CNAMEs are followed, at most 8. Raises DnsError."""
    with _asking(name, private_ranges) as resolver:
        return _follow(resolver, name)


def txt_values(name: str, *, private_ranges: Collection[Network] = ()) -> dict[str, frozenset[str]]:
    """The TXT records where this name leads, as each authoritative server shows them, by its name.

    Of a server that does not answer: none. Raises DnsError where not one of them answers.
    """
    with _asking(name, private_ranges) as resolver:
        place = _follow(resolver, name)
        zone = _zone_of(resolver, place)
        answers = {server: _txt_at(addresses, place) for server, addresses in zone.servers.items()}
    if not any(values is not None for values in answers.values()):
        raise DnsError(_("No name server of %(zone)s answers."), zone=zone.origin)
    return {server: values or frozenset() for server, values in answers.items()}


def lookup(name: str, kind: str, *, private_ranges: Collection[Network] = ()) -> dns.rrset.RRset | None:
    """The records of this kind, as the resolver finds them; None: there are none. Raises DnsError."""
    with _asking(name, private_ranges) as resolver:
        return _lookup(resolver, name, kind)


@contextmanager
def _asking(name: str, private_ranges: Collection[Network]) -> Iterator[dns.resolver.Resolver]:
    """Within the guard. The resolver is the operator's choice, wherever it stands."""
    resolver = _resolver()
    resolvers = [ipaddress.ip_network(str(address)) for address, _port in _resolver_addresses(resolver)]
    try:
        with guarded([*private_ranges, *resolvers], patience=_PATIENCE):
            yield resolver
    except (dns.exception.DNSException, OSError) as error:
        raise DnsError(
            _("DNS cannot be asked about %(name)s: %(reason)s."), name=name, reason=_reason(error)
        ) from error
    except OutboundError as error:
        raise DnsError(_("DNS cannot be asked about %(name)s: %(reason)s."), name=name, reason=str(error)) from error


def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.DNS_RESOLVERS)
    if settings.DNS_RESOLVERS:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(address, port) for address, port in settings.DNS_RESOLVERS
        ]
    resolver.lifetime = _PATIENCE_FOR_AN_ANSWER
    return resolver


def _resolver_addresses(resolver: dns.resolver.Resolver) -> list[tuple[str, int]]:
    if settings.DNS_RESOLVERS:
        return list(settings.DNS_RESOLVERS)
    return [(str(each).partition("%")[0], PORT) for each in resolver.nameservers]


def _follow(resolver: dns.resolver.Resolver, name: str) -> str:
    seen = [name.lower().rstrip(".")]
    while found := _lookup(resolver, seen[-1], "CNAME"):
        target = found[0].target.to_text(omit_final_dot=True).lower()
        if target in seen or len(seen) > _MOST_DELEGATIONS:
            raise DnsError(_("%(name)s leads in circles, or too far: its CNAMEs end nowhere."), name=seen[0])
        seen.append(target)
    return seen[-1]


def _zone_of(resolver: dns.resolver.Resolver, name: str) -> Zone:
    origin = dns.resolver.zone_for_name(name, resolver=resolver)
    if origin == dns.name.root:
        raise DnsError(_("%(name)s is in no zone."), name=name)
    servers = _lookup(resolver, origin.to_text(), "NS") or ()
    names = sorted(server.target.to_text(omit_final_dot=True).lower() for server in servers)[:_MOST_SERVERS]
    found = {server: _addresses(resolver, server) for server in names}
    if not any(found.values()):
        raise DnsError(_("%(zone)s has no name servers."), zone=origin.to_text(omit_final_dot=True))
    return Zone(origin.to_text(omit_final_dot=True).lower(), found)


def _addresses(resolver: dns.resolver.Resolver, server: str) -> tuple[str, ...]:
    records = [*(_lookup(resolver, server, "A") or ()), *(_lookup(resolver, server, "AAAA") or ())]
    return tuple(record.address for record in records)


def _lookup(resolver: dns.resolver.Resolver, name: str, kind: str) -> dns.rrset.RRset | None:
    try:
        return resolver.resolve(name.rstrip(".") + ".", kind, raise_on_no_answer=False).rrset
    except dns.resolver.NXDOMAIN:
        return None


def _txt_at(addresses: tuple[str, ...], name: str) -> frozenset[str] | None:
    """What one server shows; None where it does not answer at any of its addresses."""
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    query.flags &= ~dns.flags.RD
    for address in addresses:
        try:
            answer, _by_tcp = dns.query.udp_with_fallback(query, address, timeout=_PATIENCE_FOR_AN_ANSWER, port=PORT)
        except (dns.exception.DNSException, OSError):
            continue
        texts = [
            b"".join(each.strings) for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TXT for each in rrset
        ]
        return frozenset(text.decode("utf-8", "replace") for text in texts)
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "nobody answers"
    if isinstance(error, dns.resolver.NoNameservers):
        return "no name server answers for it"
    return type(error).__name__

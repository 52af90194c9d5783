"""TXT records of a tenant's zones, written and taken away by whoever changes DNS there. Network, no database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from accounts.outbound import Network, OutboundError
from accounts.outbound_guard import guarded
from acme_client.dns import catalogue, lexicon_client, rfc2136
from acme_client.dns.errors import DnsError
from acme_client.dns.resolving import zone_of
from acme_client.public_names import longest_covering
from kernel.secret import Secret
from kernel.text import _

_PATIENCE: Final = 45.0


@dataclass(frozen=True, slots=True)
class Changer:
    """A DNS provider with all that is needed to ask it, so that no database is."""

    kind: str
    config: Mapping[str, Secret]
    zones: tuple[str, ...]
    private_ranges: tuple[Network, ...]


def publish(changer: Changer, record: str, value: str) -> None:
    """Add a TXT record; it being there already is no error. Raises DnsError."""
    zone = _zone(changer, record)
    with _reaching(changer.private_ranges):
        if changer.kind == catalogue.RFC2136:
            rfc2136.create_txt(changer.config, zone=zone, name=record, value=value)
        else:
            kind = catalogue.lexicon_name(changer.kind)
            lexicon_client.create_txt(kind, changer.config, zone=zone, name=record, value=value)


def withdraw(changer: Changer, record: str, value: str) -> None:
    """Take the TXT record with this value away; its not being there is no error. Raises DnsError."""
    zone = _zone(changer, record)
    with _reaching(changer.private_ranges):
        if changer.kind == catalogue.RFC2136:
            rfc2136.delete_txt(changer.config, zone=zone, name=record, value=value)
        else:
            kind = catalogue.lexicon_name(changer.kind)
            lexicon_client.delete_txt(kind, changer.config, zone=zone, name=record, value=value)


def _zone(changer: Changer, record: str) -> str:
    """The one that it was given, where there is one: it may know a zone that the world does not see."""
    given = longest_covering(record, changer.zones)
    return given or zone_of(record, private_ranges=changer.private_ranges).origin


@contextmanager
def _reaching(private_ranges: Collection[Network]) -> Iterator[None]:
    try:
        with guarded(private_ranges, patience=_PATIENCE):
            yield
    except OutboundError as error:
        raise DnsError(_("The DNS provider cannot be reached (%(reason)s)."), reason=str(error)) from None

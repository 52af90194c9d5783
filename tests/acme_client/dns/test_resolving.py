"""What DNS says, by a real name server."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from acme_client.dns.errors import DnsError
from acme_client.dns.resolving import follow, txt_values, zone_of
from tests.acme_client.dns.conftest import ZONES
from tests.nameserver import nameserver

pytestmark = pytest.mark.needs("knotd")

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("example.test", "example.test"),
        ("_acme-challenge.a.b.example.test", "example.test"),
        ("_acme-challenge.sub.example.test", "sub.example.test"),
    ],
)
def test_a_name_is_in_the_closest_zone(internet, name, zone):
    assert zone_of(name, private_ranges=LOOPBACK).origin == zone


def test_delegations_are_followed_to_their_end(internet):
    assert follow("_acme-challenge.far.example.test", private_ranges=LOOPBACK) == "www.challenges.test"
    assert follow("_acme-challenge.other.example.test") == "_acme-challenge.other.example.test"


def test_delegations_in_a_circle_are_told(internet):
    with pytest.raises(DnsError, match="circles"):
        follow("loop.example.test")


def test_a_value_in_several_strings_is_one(internet):
    assert txt_values("plain.example.test", private_ranges=LOOPBACK) == {
        "ns1.example.test": frozenset({"first half, second half"})
    }


def test_a_name_that_is_not_there_has_no_values(internet):
    assert txt_values("nothing.example.test", private_ranges=LOOPBACK) == {"ns1.example.test": frozenset()}


def test_name_servers_behind_us_are_not_asked(internet):
    """127.0.0.1 is the resolver, which the operator has chosen; 127.0.0.2 is somebody's name server."""
    with nameserver({"two.test": ZONES["two.test"]}, address="127.0.0.2", port=internet.port):
        with pytest.raises(DnsError, match="no public address"):
            txt_values("two.test")
        assert set(txt_values("two.test", private_ranges=LOOPBACK)) == {"ns1.two.test", "ns2.two.test"}


def test_a_server_that_does_not_answer_shows_nothing(internet, monkeypatch):
    monkeypatch.setattr("acme_client.dns.resolving._PATIENCE_FOR_AN_ANSWER", 1.0)
    assert txt_values("two.test", private_ranges=LOOPBACK) == {"ns1.two.test": frozenset(), "ns2.two.test": frozenset()}


def test_nobody_being_there_to_ask_is_told(settings, monkeypatch):
    monkeypatch.setattr("acme_client.dns.resolving._PATIENCE_FOR_AN_ANSWER", 0.3)
    settings.DNS_RESOLVERS = [("127.0.0.1", 9)]
    with pytest.raises(DnsError, match="cannot be asked about example"):
        zone_of("example.test")

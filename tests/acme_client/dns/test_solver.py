"""dns-01: published by whoever changes the zone, seen by every name server before the CA is told, taken away again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from acme_client.models import AcmeChallenge, DnsProvider
from acme_client.orders import DnsProviderOrder
from acme_client.services.dns_providers import create_dns_provider
from acme_client.solvers import SOLVERS, SolverError
from acme_client.solvers.dns01 import record_name, record_value
from kernel.ref import Ref
from tests.acme_client.dns.conftest import ZONES
from tests.acme_client.test_http_challenge import challenge_of
from tests.nameserver import KEY_SECRET, NameServer, nameserver
from tests.office import Office

pytestmark = pytest.mark.needs("knotd")

SOLVER = SOLVERS["dns-01"]


def provider_of(office: Office, knot: NameServer, *zones: str, port: int | None = None) -> DnsProvider:
    config = {"server": knot.address, "key_name": "hmac-sha256", "key_secret": KEY_SECRET}
    config["port"] = str(port or knot.port)
    home = Ref("pk", office.organization.pk)
    order = DnsProviderOrder(organization=home, name="Knot", type="rfc2136", config=config, zones=zones)
    return create_dns_provider(actor=office.owner, order=order)


def presented(challenge: AcmeChallenge, *, ago: timedelta = timedelta(0)) -> AcmeChallenge:
    """As the row stands afterwards."""
    done = SOLVER.present(challenge)
    challenge.record_name, challenge.dns_provider = done.record_name, done.dns_provider
    challenge.presented_at = timezone.now() - ago
    return challenge


def test_it_comes_is_seen_and_goes_where_the_delegation_leads(office, internet):
    provider = provider_of(office, internet)
    challenge = challenge_of(office, "www.example.test", kind="dns-01")
    assert record_name(challenge) == "_acme-challenge.www.example.test"
    assert not SOLVER.is_ready(challenge)
    presented(presented(challenge))
    assert (challenge.record_name, challenge.dns_provider) == ("www.challenges.test", provider)
    assert internet.texts("www.challenges.test") == {record_value(challenge)}
    assert SOLVER.is_ready(challenge)
    SOLVER.clean(challenge)
    SOLVER.clean(challenge)
    assert internet.texts("www.challenges.test") == set()


def test_what_was_published_before_a_crash_is_found_and_taken_away(office, internet):
    """Whoever published it had no time to write down where."""
    provider_of(office, internet)
    challenge = challenge_of(office, "crash.example.test", kind="dns-01")
    SOLVER.present(challenge)
    SOLVER.clean(challenge)
    assert internet.texts("_acme-challenge.crash.example.test") == set()


def test_without_a_provider_a_person_publishes_it_and_has_all_the_time(office, internet):
    provider_of(office, internet, "elsewhere.test")
    challenge = challenge_of(office, "hand.example.test", kind="dns-01")
    done = SOLVER.present(challenge)
    assert (done.by_hand, done.record_name) == (True, "_acme-challenge.hand.example.test")
    challenge.presented_at = timezone.now() - timedelta(days=2)
    assert not SOLVER.is_ready(challenge)


def test_every_name_server_is_waited_for_and_not_for_ever(office, internet):
    provider_of(office, internet)
    with nameserver({"two.test": ZONES["two.test"]}, address="127.0.0.2", port=internet.port):
        challenge = presented(challenge_of(office, "two.test", kind="dns-01"))
        assert not SOLVER.is_ready(challenge)
        challenge.presented_at = timezone.now() - timedelta(seconds=121)
        with pytest.raises(SolverError, match=r"ns2\.two\.test does not show") as refusal:
            SOLVER.is_ready(challenge)
        assert refusal.value.is_final
    SOLVER.clean(challenge)


def test_servers_that_we_may_not_ask_are_not_waited_for_beyond_the_patience(office, internet, settings, monkeypatch):
    monkeypatch.setattr("acme_client.dns.resolving._PATIENCE_FOR_AN_ANSWER", 0.5)
    provider_of(office, internet, "example.test")
    challenge = presented(challenge_of(office, "hidden.example.test", kind="dns-01"))
    settings.DNS_RESOLVERS = [("127.0.0.1", 9)]
    assert not SOLVER.is_ready(challenge)
    challenge.presented_at = timezone.now() - timedelta(seconds=121)
    assert SOLVER.is_ready(challenge)


def test_a_provider_that_does_not_do_it_is_told_and_tried_again(office, internet):
    provider_of(office, internet, "example.test", port=9)
    with pytest.raises(SolverError, match="cannot be asked") as refusal:
        SOLVER.present(challenge_of(office, "example.test", kind="dns-01"))
    assert not refusal.value.is_final

"""From a claim to a certificate: by a real ACME server that asks a real name server, and our own listener."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from cryptography import x509

from acme_client.dns import changing, credentials
from acme_client.models import AcmeChallenge, AcmeOrder, DnsProvider
from acme_client.orders import DnsProviderOrder, PublicOrder
from acme_client.public_names import txt_record
from acme_client.services.accounts import register_account
from acme_client.services.dns_providers import create_dns_provider
from acme_client.services.names import claim_name, prove_name
from acme_client.services.orders import start_order
from acme_client.tls_alpn_listener import TlsAlpnListener
from certificates.orders import Managed
from kernel.ref import Ref
from tests.acme_client.conftest import account_order, advance, carried_out
from tests.nameserver import KEY_SECRET, NameServer
from tests.office import Office
from tests.pebble import running_pebble

pytestmark = pytest.mark.needs("knotd", "pebble")


@pytest.fixture
def listener() -> Iterator[TlsAlpnListener]:
    server = TlsAlpnListener("127.0.0.1", 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(60)


def provider_of(office: Office, knot: NameServer) -> DnsProvider:
    config = {"server": knot.address, "port": str(knot.port), "key_name": "hmac-sha256", "key_secret": KEY_SECRET}
    home = Ref("pk", office.organization.pk)
    order = DnsProviderOrder(organization=home, name="Knot", type="rfc2136", config=config, zones=("walk.test",))
    return create_dns_provider(actor=office.owner, order=order)


def prove_by_dns(office: Office, provider: DnsProvider) -> None:
    """Its owner publishes what was asked for."""
    row = claim_name(actor=office.owner, organization=Ref("pk", office.organization.pk), suffix="walk.test")
    changing.publish(credentials.changer_of(provider), *txt_record(row))
    assert prove_name(actor=office.owner, name=Ref("pk", row.pk)).last_error == ""


def ordered(office: Office, names: tuple[str, ...], challenge_type: str) -> AcmeOrder:
    account = Ref("name", "Pebble")
    order = PublicOrder(account=account, names=names, challenge_type=challenge_type, key=Managed())
    return start_order(actor=office.owner, order=order)


def names_in(order: AcmeOrder) -> set[str]:
    names = order.certificate.body.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names.get_values_for_type(x509.DNSName))


def test_a_wildcard_is_proven_through_a_real_name_server(office, internet):
    provider = provider_of(office, internet)
    prove_by_dns(office, provider)
    with running_pebble(dns=f"{internet.address}:{internet.port}", WFE_NONCEREJECT="20") as pebble:
        register_account(actor=office.owner, order=account_order(office, pebble))
        advance()
        # The first two are one record with two values; the third is delegated.
        names = ("walk.test", "*.walk.test", "www.walk.test")
        order = carried_out(ordered(office, names, "dns-01"))
    assert (order.status, order.last_error) == (AcmeOrder.Status.VALID, "")
    assert names_in(order) == set(names)
    challenges = AcmeChallenge.objects.filter(authorization__order=order)
    records = ["_acme-challenge.walk.test", "_acme-challenge.walk.test", "www.delegated.walk.test"]
    assert sorted(challenge.record_name for challenge in challenges) == records
    assert all(challenge.dns_provider == provider and challenge.cleaned_at for challenge in challenges)
    assert [internet.texts(record) for record in records] == [set(), set(), set()]


@pytest.mark.django_db(transaction=True)
# A database in memory refuses whoever reads in one thread while another writes: the suite's SQLite is one.
@pytest.mark.postgres
def test_a_name_is_proven_by_our_own_listener(office, internet, listener, settings):
    settings.TLS_ALPN_PORT = listener.port
    prove_by_dns(office, provider_of(office, internet))
    with running_pebble(dns=f"{internet.address}:{internet.port}", tls_port=listener.port) as pebble:
        register_account(actor=office.owner, order=account_order(office, pebble))
        advance()
        order = carried_out(ordered(office, ("www.walk.test",), "tls-alpn-01"))
    assert (order.status, order.last_error) == (AcmeOrder.Status.VALID, "")
    assert names_in(order) == {"www.walk.test"}

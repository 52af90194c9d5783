"""DNS providers: told once, never shown again, and asked by RFC 2136 and over HTTP."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import requests
from lexicon._private.providers import digitalocean

from acme_client.dns import changing, credentials
from acme_client.dns.errors import DnsError
from acme_client.models import DnsProvider
from acme_client.name_selectors import get_provider, provider_for, visible_providers
from acme_client.orders import DnsProviderChange, DnsProviderOrder
from acme_client.services import dns_providers
from acme_client.services.dns_providers import create_dns_provider, delete_dns_provider, update_dns_provider
from audit.models import AuditEvent
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.accounts.test_outbound import Answering, answering
from tests.acme_client.dns.conftest import ZONES
from tests.nameserver import KEY_ALGORITHMS, KEY_SECRET, NameServer, nameserver
from tests.office import Office

SECRET = "s3cret-that-nobody-sees"


def order(office: Office, **changes: Any) -> DnsProviderOrder:
    told = {"name": "ours", "type": "digitalocean", "config": {"auth_token": SECRET}} | changes
    return DnsProviderOrder(organization=Ref("pk", office.organization.pk), **told)


def made(office: Office, **changes: Any) -> DnsProvider:
    return create_dns_provider(actor=office.owner, order=order(office, **changes))


def by_updates(office: Office, knot: NameServer, **changes: Any) -> DnsProvider:
    config = {"server": knot.address, "port": str(knot.port), "key_name": "hmac-sha256", "key_secret": KEY_SECRET}
    return made(office, type="rfc2136", config=config | changes.pop("config", {}), **changes)


def ref(row: DnsProvider) -> Ref:
    return Ref("public_id", row.public_id)


def test_a_stranger_sees_nothing_of_it_and_changes_nothing(office):
    row, stranger = made(office), cast.stranger().actor
    assert not visible_providers(visible_to=stranger).exists()
    for act in (
        lambda: update_dns_provider(actor=stranger, provider=ref(row), change=DnsProviderChange(name="mine")),
        lambda: delete_dns_provider(actor=stranger, provider=ref(row)),
        lambda: dns_providers.test_dns_provider(actor=stranger, provider=ref(row)),
        lambda: create_dns_provider(actor=stranger, order=order(office)),
    ):
        with pytest.raises(NotFound):
            act()


def test_who_may_only_read_changes_nothing(office):
    row = made(office)
    reader = cast.robot(office.person, {Permission.ACME_READ})
    with pytest.raises(Denied):
        update_dns_provider(actor=reader, provider=ref(row), change=DnsProviderChange(name="other"))
    assert get_provider(ref(row), visible_to=reader).name == "ours"


def test_credentials_stand_nowhere_but_in_their_seal(office):
    row = made(office, zones=("Example.COM.", "münchen.example"))
    row.refresh_from_db()
    assert row.config == {}
    assert row.zones == ["example.com", "xn--mnchen-3ya.example"]
    assert SECRET.encode() not in bytes(row.sealed_config)
    assert credentials.secrets_of(row)["auth_token"].reveal() == SECRET.encode()
    assert not any(SECRET in str(event.document) for event in AuditEvent.objects.all())
    moved = DnsProvider(organization=row.organization, sealed_config=row.sealed_config)
    with pytest.raises(DnsError, match="cannot be opened"):
        credentials.changer_of(moved)


def test_everything_that_is_wrong_is_said_at_once(office):
    with pytest.raises(Invalid) as refusal:
        made(office, name="", config={"token": "x"}, zones=("*.example.com", "192.0.2.1"), propagation_seconds=-1)
    assert [error.field for error in refusal.value.errors] == [
        "name",
        "config.token",
        "config.auth_token",
        "zones[0]",
        "zones[1]",
        "propagation_seconds",
    ]


def test_a_name_is_given_once(office):
    made(office)
    with pytest.raises(Conflict):
        made(office)


def test_what_is_not_named_stays(office):
    row = made(office, type="cloudflare", config={"auth_token": SECRET, "zone_id": "1"}, zones=("example.com",))
    update_dns_provider(actor=office.owner, provider=ref(row), change=DnsProviderChange(config={"zone_id": "2"}))
    row.refresh_from_db()
    assert (row.config, row.zones, row.name) == ({"zone_id": "2"}, ["example.com"], "ours")
    assert credentials.secrets_of(row)["auth_token"].reveal() == SECRET.encode()
    change = DnsProviderChange(config={"auth_token": "new", "zone_id": ""}, name="other")
    update_dns_provider(actor=office.owner, provider=ref(row), change=change)
    row.refresh_from_db()
    assert (row.config, row.name) == ({}, "other")
    assert credentials.secrets_of(row)["auth_token"].reveal() == b"new"


def test_credentials_do_not_follow_to_another_address(office):
    """Whoever may change a provider, and has never seen its key, must not have it sent to a server of their own."""
    row = made(office, type="powerdns", config={"auth_token": SECRET, "pdns_server": "https://dns.example.com"})
    elsewhere = {"pdns_server": "https://evil.example"}
    with pytest.raises(Invalid) as refusal:
        update_dns_provider(actor=office.owner, provider=ref(row), change=DnsProviderChange(config=elsewhere))
    assert [error.field for error in refusal.value.errors] == ["config.auth_token"]
    change = DnsProviderChange(config=elsewhere | {"auth_token": "another"})
    assert update_dns_provider(actor=office.owner, provider=ref(row), change=change).config == elsewhere


def test_the_longest_zone_decides_who_is_asked(office):
    rest = made(office, name="rest")
    one = made(office, name="one", zones=("example.com",))
    two = made(office, name="two", zones=("eu.example.com", "example.org"))
    asked = {
        "_acme-challenge.www.example.com": one,
        "_acme-challenge.eu.example.com": two,
        "_acme-challenge.example.org": two,
        "_acme-challenge.notexample.com": rest,
    }
    for record, row in asked.items():
        assert provider_for(office.organization.pk, record) == row, record
    delete_dns_provider(actor=office.owner, provider=ref(rest))
    assert provider_for(office.organization.pk, "_acme-challenge.notexample.com") is None


# --- RFC 2136, by a real name server ----------------------------------------------------------------------------------


@pytest.mark.needs("knotd")
@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_a_record_comes_and_goes_and_its_neighbour_stays(office, internet, algorithm):
    row = by_updates(office, internet, config={"key_algorithm": algorithm, "key_name": algorithm})
    changer, record = credentials.changer_of(row), f"_acme-challenge.{algorithm}.example.test"
    changing.publish(changer, record, "one")
    changing.publish(changer, record, "two")
    changing.publish(changer, record, "two")
    assert internet.texts(record) == {"one", "two"}
    changing.withdraw(changer, record, "one")
    changing.withdraw(changer, record, "one")
    assert internet.texts(record) == {"two"}
    changing.withdraw(changer, record, "two")
    assert internet.texts(record) == set()


@pytest.mark.needs("knotd")
@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"key_secret": "d3JvbmcgYXMgd3JvbmcgY2FuIGJl"}, "refuses the key|not understood"),
        ({"key_name": "unknown"}, "refuses the key|not understood"),
        ({"port": "9"}, "cannot be asked"),
    ],
)
def test_a_refusal_is_said_in_words_without_the_key(office, internet, config, sentence):
    row = by_updates(office, internet, config=config)
    with pytest.raises(DnsError, match=sentence) as refusal:
        changing.publish(credentials.changer_of(row), "a.example.test", "v")
    assert KEY_SECRET not in str(refusal.value)


@pytest.mark.needs("knotd")
def test_a_zone_of_somebody_else_is_not_changed(office, internet):
    row = by_updates(office, internet, zones=("elsewhere.test",))
    with pytest.raises(DnsError, match="does not seem to have the zone"):
        changing.publish(credentials.changer_of(row), "a.elsewhere.test", "v")


@pytest.mark.needs("knotd")
def test_a_server_behind_us_is_not_asked_without_leave(office, internet):
    row = by_updates(office, internet, zones=("example.test",))
    office.organization.private_ranges.all().delete()
    with pytest.raises(DnsError, match="no public address"):
        changing.publish(credentials.changer_of(row), "a.example.test", "v")


@pytest.mark.needs("knotd")
def test_trying_it_out_writes_a_record_sees_it_and_takes_it_away(office, internet):
    row = by_updates(office, internet, zones=("example.test",))
    tried = dns_providers.test_dns_provider(actor=office.owner, provider=ref(row))
    assert (tried.last_error, tried.tested_at is not None) == ("", True)
    newest = AuditEvent.objects.order_by("-pk")[0]
    assert (newest.name, newest.document["metadata"]["succeeded"]) == ("dns_provider.tested", True)


@pytest.mark.needs("knotd")
def test_trying_it_out_says_what_is_wrong(office, internet):
    row = by_updates(office, internet, zones=("example.test",), config={"port": "9"})
    tried = dns_providers.test_dns_provider(actor=office.owner, provider=ref(row))
    assert "127.0.0.1 cannot be asked" in tried.last_error
    with pytest.raises(Invalid, match="asked for example"):
        dns_providers.test_dns_provider(actor=office.owner, provider=ref(row), zone="example.org")


@pytest.mark.needs("knotd")
def test_a_server_that_does_not_show_the_record_is_named(office, internet):
    with nameserver({"two.test": ZONES["two.test"]}, address="127.0.0.2", port=internet.port):
        row = by_updates(office, internet, zones=("two.test",), propagation_seconds=1)
        tried = dns_providers.test_dns_provider(actor=office.owner, provider=ref(row))
    assert tried.last_error == "ns2.two.test does not show the record after 1 seconds."


# --- lexicon, by an interface as DigitalOcean has it ------------------------------------------------------------------


class Interface:
    """Records of one zone, for one token, as the interface of DigitalOcean keeps them."""

    def __init__(self, zone: str) -> None:
        self.zone, self.records = (
            zone,
            [{"id": 1, "type": "TXT", "name": "_acme-challenge", "data": "another", "ttl": 1}],
        )

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        status, document = self._answer(handler)
        content = json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _answer(self, handler: BaseHTTPRequestHandler) -> tuple[int, Any]:
        if handler.headers["Authorization"] != f"Bearer {SECRET}":
            return 401, {"id": "unauthorized"}
        if not handler.path.startswith(f"/v2/domains/{self.zone}"):
            return 404, {"id": "not_found"}
        if handler.command == "POST":
            sent = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
            self.records.append(sent | {"id": len(self.records) + 1})
        if handler.command == "DELETE":
            number = int(handler.path.partition("?")[0].rpartition("/")[2])
            self.records = [record for record in self.records if record["id"] != number]
        return 200, {"domain_records": self.records}


@pytest.fixture
def interface(monkeypatch) -> Any:
    """In place of the one on the internet: the address alone differs."""
    api = Interface("example.test")
    for method in ("do_POST", "do_DELETE"):
        monkeypatch.setattr(Answering, method, Answering.do_GET, raising=False)
    with answering(api) as (address, asked):
        before = digitalocean.Provider.__init__

        def elsewhere(self, config) -> None:
            before(self, config)
            self.api_endpoint = f"{address}/v2"

        monkeypatch.setattr(digitalocean.Provider, "__init__", elsewhere)
        api.asked = asked  # type: ignore[attr-defined]
        yield api


def test_lexicon_adds_and_takes_away_this_record_alone(office, interface):
    changer = credentials.changer_of(made(office, zones=("example.test",)))
    changing.publish(changer, "_acme-challenge.www.example.test", "value")
    assert [(record["name"], record["data"]) for record in interface.records[1:]] == [("_acme-challenge.www", "value")]
    changing.withdraw(changer, "_acme-challenge.www.example.test", "value")
    assert [record["data"] for record in interface.records] == ["another"]


def test_what_the_interface_says_no_to_is_told_without_what_was_sent(office, interface, caplog):
    caplog.set_level("DEBUG")
    wrong = credentials.changer_of(made(office, config={"auth_token": "wr0ng"}, zones=("example.test",)))
    with pytest.raises(DnsError, match="answers 401") as refusal:
        changing.publish(wrong, "a.example.test", "v")
    assert "wr0ng" not in str(refusal.value) + caplog.text
    assert refusal.value.__cause__ is None


def test_lexicon_reaches_nothing_behind_us(office, interface):
    office.organization.private_ranges.all().delete()
    changer = credentials.changer_of(made(office, zones=("example.test",)))
    with pytest.raises(DnsError, match="no public address"):
        changing.publish(changer, "a.example.test", "v")
    assert interface.asked == []


def test_a_failure_of_the_library_is_told_by_its_kind_alone(office, monkeypatch):
    def failing(*_arguments: object, **_more: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(requests, "request", failing)
    changer = credentials.changer_of(made(office, zones=("example.test",)))
    with pytest.raises(DnsError, match=r"not understood \(KeyError\)") as refusal:
        changing.publish(changer, "a.example.test", "v")
    assert SECRET not in str(refusal.value)


def test_where_the_seal_is_broken_no_field_is_said_to_be_there(office):
    row = made(office)
    assert credentials.names_of_secrets(row) == ["auth_token"]
    row.sealed_config = bytes(row.sealed_config)[:-1] + b"?"
    assert credentials.names_of_secrets(row) == []

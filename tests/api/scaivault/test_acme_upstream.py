"""Accounts, orders and revocations as the page has them, at a strict ACME server on this machine."""

from __future__ import annotations

import pytest

from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.services.upstream import client_of
from acme_client.solvers import SOLVERS, Presented
from acme_client.wire import AcmeError
from certificates.models import Certificate
from tests.acme_client.conftest import SUFFIX, Desk, advance, carried_out
from tests.acme_client.conftest import desk as desk
from tests.acme_client.conftest import pebble as pebble
from tests.acme_client.conftest import published as published
from tests.api.scaivault.desk import PKI, body, certificate_in, names_in, refused, wrong_fields
from tests.api.wire import Wire, wire_of
from tests.pebble import EAB_KEY, EAB_KEY_ID, running_pebble

pytestmark = [pytest.mark.needs("pebble")]

ACCOUNTS, ORDERS, ISSUE = f"{PKI}/acme/accounts", f"{PKI}/acme/orders", f"{PKI}/acme/issue"
HOST = f"www.{SUFFIX}"


@pytest.fixture
def api(desk: Desk) -> Wire:
    return wire_of(desk.office.person)


def ordered(api: Wire, desk: Desk, **changes) -> str:
    """The address of a new order."""
    sent = {"account_id": str(desk.account.public_id), "domains": [HOST], "challenge_type": "http-01"}
    answer = api.post(ISSUE, sent | changes)
    assert body(answer, 202)["status"] == "pending"
    return str(answer.headers["Location"])


def issued(api: Wire, desk: Desk, **changes) -> dict:
    """A certificate that has come."""
    place = ordered(api, desk, **changes)
    carried_out(AcmeOrder.objects.get(public_id=place.rpartition("/")[2]))
    order = body(api.get(place))
    assert (order["status"], order["error"]) == ("valid", "")
    return body(api.get(f"{PKI}/certificates/{order['certificate_id']}"))


@pytest.mark.row("S89", "S94", "S95")
def test_an_account_is_registered_at_the_server_that_it_names(api, desk, pebble):
    sent = {"name": "Second", "provider": "custom", "email": "pki@acme.example", "directory_url": pebble.url}
    made = body(api.post(ACCOUNTS, sent), 201)
    assert made["status"] == "pending"
    # The page has no field for the roots of a server of one's own.
    AcmeAccount.objects.filter(public_id=made["id"]).update(server_roots=pebble.roots)
    advance()
    shown = body(api.get(f"{ACCOUNTS}/{made['id']}"))
    assert (shown["status"], shown["error"]) == ("valid", "")
    assert shown["account_url"].startswith(pebble.url.removesuffix("/dir"))


@pytest.mark.row("S94")
def test_a_server_that_stands_behind_us_is_not_asked(office, pebble):
    """Nobody has allowed this organization the range."""
    api = wire_of(office.person)
    sent = {"name": "Inside", "provider": "custom", "email": "pki@acme.example", "directory_url": pebble.url}
    made = body(api.post(ACCOUNTS, sent), 201)
    AcmeAccount.objects.filter(public_id=made["id"]).update(server_roots=pebble.roots)
    advance()
    shown = body(api.get(f"{ACCOUNTS}/{made['id']}"))
    assert shown["status"] == "pending"
    assert shown["error"]


@pytest.mark.row("S91")
def test_an_account_is_bound_to_another_where_the_server_wants_that(api, desk):
    with running_pebble(binding=True) as strict:
        sent = {"name": "Bound", "provider": "custom", "email": "pki@acme.example", "directory_url": strict.url}
        bound = body(api.post(ACCOUNTS, sent | {"eab_key_id": EAB_KEY_ID, "eab_hmac_key": EAB_KEY}), 201)
        unbound = body(api.post(ACCOUNTS, sent | {"name": "Unbound"}), 201)
        AcmeAccount.objects.exclude(pk=desk.account.pk).update(server_roots=strict.roots)
        advance()
        assert body(api.get(f"{ACCOUNTS}/{bound['id']}"))["status"] == "valid"
        refusal = body(api.get(f"{ACCOUNTS}/{unbound['id']}"))
        assert (refusal["status"], bool(refusal["error"])) == ("failed", True)


@pytest.mark.row("S96")
def test_deleting_an_account_deactivates_it_at_the_server(api, desk):
    place = f"{ACCOUNTS}/{desk.account.public_id}"
    client = client_of(desk.account)
    assert client.find() == desk.account.account_url
    gone = body(api.delete(place))
    assert (gone["id"], gone["status"]) == (str(desk.account.public_id), "deactivated")
    assert body(api.get(place)) == gone
    with pytest.raises(AcmeError):
        client_of(desk.account).find()
    assert refused(api.delete(place), 409) == "acme_account_state"
    sent = {"account_id": gone["id"], "domains": [HOST], "challenge_type": "http-01"}
    assert refused(api.post(ISSUE, sent), 409) == "acme_account_state"


@pytest.mark.row("S97", "S99", "S100", "S102", "S104")
@pytest.mark.parametrize(
    ("challenge_type", "domains"),
    [("http-01", [HOST, SUFFIX]), ("dns-01", [f"*.{SUFFIX}"]), ("tls-alpn-01", [HOST])],
)
def test_a_certificate_comes_by_each_challenge(api, desk, challenge_type, domains):
    found = issued(api, desk, challenge_type=challenge_type, domains=domains)
    assert sorted(names_in(certificate_in(found["certificate"]))) == sorted(domains)
    assert (found["source"], found["status"], found["ca_id"]) == ("acme", "issued", None)
    assert len(found["ca_chain"]) >= 1


@pytest.mark.row("S101")
def test_it_renews_itself_unless_nobody_wants_that(api, desk):
    wanted, unwanted = issued(api, desk), issued(api, desk, domains=[SUFFIX], auto_renew=False)
    rows = {str(row.public_id): row for row in Certificate.objects.filter(source="acme")}
    assert rows[wanted["id"]].auto_renew
    assert not rows[unwanted["id"]].auto_renew


@pytest.mark.row("S105")
def test_refreshing_asks_the_server_and_goes_on(api, desk):
    place = ordered(api, desk)
    seen = []
    for _round in range(40):
        answer = body(api.post(f"{place}/refresh"))
        if answer["status"] not in seen:
            seen.append(answer["status"])
        if answer["status"] == "valid":
            break
    assert seen[-1] == "valid", answer
    assert set(seen) <= {"pending", "authorizing", "finalizing", "valid"}
    assert answer["certificate_id"]


@pytest.mark.row("S102", "S106")
def test_whoever_has_published_an_answer_by_hand_says_so(api, desk, pebble, monkeypatch):
    """Our solver publishes nothing here, and waits for somebody who does."""
    monkeypatch.setattr(type(SOLVERS["http-01"]), "present", lambda self, challenge: Presented())
    monkeypatch.setattr(type(SOLVERS["http-01"]), "is_ready", lambda self, challenge: False)
    place = ordered(api, desk)
    for _round in range(10):
        advance()
        challenges = body(api.get(place))["challenges"]
        if challenges:
            break
    (challenge,) = challenges
    assert (challenge["domain"], challenge["type"]) == (HOST, "http-01")
    assert challenge["status"] in ("pending", "presented")
    pebble.tell("add-http01", token=challenge["token"], content=challenge["key_authorization"])
    answer = body(api.post(f"{PKI}/acme/challenges/{challenge['id']}/complete"))
    assert answer["order_id"] == place.rpartition("/")[2]
    assert carried_out(AcmeOrder.objects.get(public_id=answer["order_id"])).status == "valid"
    assert refused(api.post(f"{PKI}/acme/challenges/{challenge['id']}/complete"), 409) == "acme_order_state"


@pytest.mark.row("S66")
def test_a_certificate_is_revoked_at_its_public_ca(api, desk, pebble):
    found = issued(api, desk)
    serial = f"{certificate_in(found['certificate']).serial_number:x}"
    assert pebble.status_of(serial) == "Valid"
    sent = {"serial_number": found["serial_number"], "reason": "superseded"}
    assert refused(api.post(f"{PKI}/revoke", sent), 409) == "foreign_issuer"
    revoked = body(api.post(f"{PKI}/revoke", sent | {"use_acme": True}))
    assert (revoked["status"], revoked["revocation"]["reason"]) == ("revoked", "superseded")
    assert pebble.status_of(serial) == "Revoked"
    assert refused(api.post(f"{PKI}/revoke", sent | {"use_acme": True}), 409) == "already_revoked"


@pytest.mark.row("S66")
def test_a_certificate_of_our_own_is_revoked_at_no_public_ca(api, desk):
    row = desk.office.issue().certificate
    answer = api.post(f"{PKI}/revoke", {"serial_number": row.serial, "reason": "superseded", "use_acme": True})
    assert wrong_fields(answer) == {"use_acme": "unsupported"}
    assert body(api.get(f"{PKI}/certificates/{row.public_id}"))["status"] == "issued"

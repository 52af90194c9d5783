"""Accounts, orders and public names over the API, as far as nobody asks a server; `test_acme_upstream` does."""

from __future__ import annotations

from uuid import uuid4

import pytest

from acme_client.models import AcmeAccount, AcmeOrder, PublicName
from certificates.models import Certificate
from certificates.orders import Managed
from kernel.permissions import Permission
from tests import pki
from tests.api.wire import wire_of, wrong_fields
from tests.security.whole_acme import SUFFIX, account_of, challenge_of, order_of, public_name_of

ACCOUNTS, ORDERS, NAMES = "/api/v2/acme/accounts", "/api/v2/acme/orders", "/api/v2/public-names"
HOST = f"www.{SUFFIX}"
ACCOUNT = {
    "name": "Test CA",
    "provider": "custom",
    "email": "pki@acme.example",
    "directory_url": "https://ca.acme.example/directory",
    "agrees_to_terms": True,
}


@pytest.fixture
def account(office) -> AcmeAccount:
    public_name_of(office)
    return account_of(office)


def wish(account: AcmeAccount, **changes):
    return {"account_id": str(account.public_id), "names": [HOST], "challenge_type": "http-01"} | changes


def body(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()


def code(answer, status):
    return body(answer, status)["type"].rpartition("/")[2]


def test_a_stranger_orders_nothing_by_the_account_of_another(stranger, account):
    assert code(stranger.post(ORDERS, wish(account)), 404) == "acme-account-not-found"
    assert code(stranger.get(f"{ORDERS}?account_id={account.public_id}"), 404) == "acme-account-not-found"
    assert not AcmeOrder.objects.exists()


def test_nothing_is_made_in_another_organization(office, stranger):
    elsewhere = {"organization_id": str(office.organization.public_id)}
    for path, sent in ((ACCOUNTS, ACCOUNT), (NAMES, {"name": SUFFIX})):
        assert stranger.post(path, sent | elsewhere).status_code == 403, path
    assert not AcmeAccount.objects.exists()
    assert not PublicName.objects.exists()


def test_an_account_is_registered_shown_changed_and_listed(api):
    answer = api.post(ACCOUNTS, ACCOUNT)
    made = body(answer, 201)
    assert answer["Location"] == f"{ACCOUNTS}/{made['id']}"
    expected = ACCOUNT | {"environment": "production", "status": "pending", "is_busy": True, "account_url": ""}
    del expected["agrees_to_terms"]
    assert made.items() >= expected.items()
    place = f"{ACCOUNTS}/{made['id']}"
    assert body(api.get(place)) == made
    changed = body(api.patch(place, {"name": "Other CA", "approvals_needed": 1}))
    assert (changed["name"], changed["approvals_needed"]) == ("Other CA", 1)
    assert body(api.get(ACCOUNTS))["data"] == [changed]


def test_a_mac_key_goes_in_and_never_out(api):
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    answer = api.post(ACCOUNTS, ACCOUNT | {"eab_key_id": "kid-1", "eab_key": key})
    assert body(answer, 201)["eab_key_id"] == "kid-1"
    for each in (answer, api.get(ACCOUNTS)):
        assert key.encode() not in each.content
    assert key.encode() not in bytes(AcmeAccount.objects.get().sealed_eab_key)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"agrees_to_terms": False}, {"agrees_to_terms": "required"}),
        ({"directory_url": "http://ca.acme.example/"}, {"directory_url": "invalid"}),
        ({"approvals_needed": 11}, {"approvals_needed": "max_value"}),
        ({"server_roots": "nothing"}, {"server_roots": "not-a-certificate"}),
        ({"eab_key_id": "kid"}, {"eab_key": "required"}),
    ],
)
def test_what_is_wrong_with_an_account_is_named(api, changes, wrong):
    assert wrong_fields(api.post(ACCOUNTS, ACCOUNT | changes)).keys() == wrong.keys()
    assert not AcmeAccount.objects.exists()


def test_an_account_at_a_server_that_is_gone_is_given_up_here(api, account):
    place = f"{ACCOUNTS}/{account.public_id}"
    assert wrong_fields(api.delete(f"{place}?here_only=perhaps")).keys() == {"here_only"}
    assert body(api.delete(f"{place}?here_only=true"))["status"] == "deactivated"


def test_the_servers_that_are_known_are_listed(api):
    known = {each["provider"]: each for each in body(api.get("/api/v2/acme/providers"))["data"]}
    assert known.keys() == set(AcmeAccount.Provider.values)
    assert known["letsencrypt"]["directories"][0]["url"] == "https://acme-v02.api.letsencrypt.org/directory"
    assert (known["zerossl"]["needs_binding"], known["letsencrypt"]["needs_binding"]) == (True, False)
    assert (known["buypass"]["has_ended"], known["custom"]["directories"]) == (True, [])


def test_an_order_is_accepted_and_stands_where_it_says(api, account):
    answer = api.post(ORDERS, wish(account, tags=["shop"], description="The shop."))
    made = body(answer, 202)
    assert answer["Location"] == f"{ORDERS}/{made['id']}"
    assert body(api.get(answer["Location"])) == made
    expected = {
        "account_id": str(account.public_id),
        "status": "pending",
        "names": [HOST],
        "challenge_type": "http-01",
        "key_algorithm": "ECDSA_P256",
        "auto_renew": True,
        "certificate_id": None,
        "tags": ["shop"],
        "description": "The shop.",
        "authorizations": [],
    }
    assert {name: made[name] for name in expected} == expected


def test_an_order_that_is_asked_for_twice_under_one_key_is_one(api, account):
    answers = [api.post(ORDERS, wish(account), Idempotency_Key="order-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[0]["Location"] == answers[1]["Location"]
    assert AcmeOrder.objects.count() == 1


def test_a_csr_keeps_its_key_to_itself(api, account):
    csr = pki.make_csr(subject="", sans=[HOST])
    made = body(api.post(ORDERS, wish(account, csr=csr)), 202)
    assert AcmeOrder.objects.get(public_id=made["id"]).sealed_key is None


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"names": []}, "names"),
        ({"names": ["www.umbrella.test"]}, "names[0]"),
        ({"names": [HOST, f"*.{SUFFIX}"]}, "names[1]"),
        ({"challenge_type": "dns-02"}, "challenge_type"),
        ({"csr": "nothing"}, "csr"),
        ({"csr": "x", "key_algorithm": "rsa-2048"}, "key_algorithm"),
        ({"account_id": 3}, "account_id"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_with_an_order_is_named(api, account, changes, wrong):
    assert list(wrong_fields(api.post(ORDERS, wish(account, **changes)))) == [wrong]
    assert not AcmeOrder.objects.exists()


def test_an_order_shows_what_is_to_be_published(office, api, account):
    order = order_of(office, account)
    challenge = challenge_of(order)
    (asked,) = body(api.get(f"{ORDERS}/{order.public_id}"))["authorizations"]
    assert (asked["name"], asked["status"], asked["is_wildcard"]) == (HOST, "pending", False)
    assert (
        asked["challenge"].items()
        >= {
            "id": str(challenge.public_id),
            "type": "http-01",
            "host": HOST,
            "token": challenge.token,
            "key_authorization": challenge.key_authorization,
            "dns_provider_id": None,
        }.items()
    )


def test_an_order_is_cancelled_and_made_again(api, account):
    made = body(api.post(ORDERS, wish(account)), 202)
    cancelled = body(api.post(f"{ORDERS}/{made['id']}/cancel"))
    assert (cancelled["status"], cancelled["closed_at"] is not None) == ("cancelled", True)
    assert code(api.post(f"{ORDERS}/{made['id']}/cancel"), 409) == "acme-order-state"
    again = api.post(f"{ORDERS}/{made['id']}/retry")
    other = body(again, 202)
    assert (other["names"], other["status"]) == ([HOST], "pending")
    assert other["id"] != made["id"]
    assert again["Location"] == f"{ORDERS}/{other['id']}"
    assert code(api.post(f"{ORDERS}/{other['id']}/retry"), 409) == "acme-order-state"


def test_an_order_that_waits_shows_its_request(api, account):
    AcmeAccount.objects.filter(pk=account.pk).update(approvals_needed=1)
    made = body(api.post(ORDERS, wish(account)), 202)
    assert made["status"] == "waiting"
    request = body(api.get(f"/api/v2/requests/{made['request_id']}"))
    assert (request["kind"], request["sans"], request["approvals_needed"]) == ("acme", [HOST], 1)


def test_orders_are_found_by_status_and_account(office, api, account):
    other = account_of(office, name="Other CA")
    first, second = order_of(office, account), order_of(office, other, SUFFIX)
    AcmeOrder.objects.filter(pk=second.pk).update(status="invalid", due_at=None)
    for query, expected in (
        ("", [second, first]),
        ("?status=pending", [first]),
        (f"?account_id={other.public_id}", [second]),
        ("?status=valid", []),
    ):
        found = body(api.get(f"{ORDERS}{query}"))["data"]
        assert [row["id"] for row in found] == [str(row.public_id) for row in expected], query
    assert wrong_fields(api.get(f"{ORDERS}?status=done")) == {"status": "unknown-value"}


@pytest.mark.parametrize("act", ["refresh", "cancel", "retry"])
def test_who_reads_orders_changes_none(office, account, act):
    order = order_of(office, account)
    reader = wire_of(office.person, Permission.ACME_READ)
    answer = reader.post(f"{ORDERS}/{order.public_id}/{act}")
    assert code(answer, 403) == "permission-denied"
    assert reader.get(f"{ORDERS}/{order.public_id}").json()["status"] == "pending"


def test_a_name_is_claimed_with_the_record_that_proves_it(api):
    answer = api.post(NAMES, {"name": "Example.COM."})
    made = body(answer, 201)
    assert answer["Location"] == f"{NAMES}/{made['id']}"
    assert (made["name"], made["record_name"]) == ("example.com", "_chancery-challenge.example.com")
    assert (made["proven_by"], made["proven_at"]) == (None, None)
    assert made["record_value"] == PublicName.objects.get().token
    assert body(api.get(NAMES))["data"] == [made]
    assert code(api.post(NAMES, {"name": "example.com"}), 409) == "public-name-exists"
    assert api.delete(answer["Location"]).status_code == 204
    assert code(api.get(answer["Location"]), 404) == "public-name-not-found"


@pytest.mark.parametrize("name", ["*.example.com", "co.uk", "com", "10.0.0.1", "not a name", "localhost"])
def test_a_name_that_nobody_can_claim_is_refused_by_the_name_of_the_field(api, name):
    assert list(wrong_fields(api.post(NAMES, {"name": name}))) == ["name"]


def test_a_name_of_another_organization_is_taken(office, stranger, account):
    assert code(stranger.post(NAMES, {"name": HOST}), 409) == "public-name-taken"


def test_a_certificate_of_a_public_ca_says_where_it_comes_from(office, api, account):
    row = office.issue(key=Managed(collect_later=True)).certificate
    order = order_of(office, account)
    Certificate.objects.filter(pk=row.pk).update(source="acme", ca=None)
    AcmeOrder.objects.filter(pk=order.pk).update(status="valid", certificate=row, due_at=None)
    expected = {"id": str(account.public_id), "name": account.name, "type": "acme"}
    assert body(api.get(f"/api/v2/certificates/{row.public_id}"))["pki"] == expected
    (listed,) = body(api.get("/api/v2/certificates?source=acme"))["data"]
    assert listed["pki"] == expected


def test_only_what_came_from_a_public_ca_is_revoked_there(office, api):
    row = office.issue().certificate
    answer = api.post(f"/api/v2/certificates/{row.public_id}/revoke", {"upstream": True})
    assert list(wrong_fields(answer)) == ["upstream"]
    assert body(api.get(f"/api/v2/certificates/{row.public_id}"))["status"] == "issued"


def test_who_is_let_to_single_cas_alone_sees_nothing_of_it(office, account):
    from accounts.grants import GrantOrder
    from tests.api.wire import Wire
    from tests.security.whole import key_for

    order_of(office, account)
    _row, token = key_for(office.person, grants=[GrantOrder(office.issuing.pk, can_issue=True)])
    wire = Wire(token)
    assert wire.get(ORDERS).status_code == 403
    assert code(wire.post(ORDERS, wish(account)), 404) == "acme-account-not-found"


def test_an_unknown_challenge_is_not_found(api):
    answer = api.post(f"/api/v2/acme/challenges/{uuid4()}/complete")
    assert code(answer, 404) == "acme-challenge-not-found"


def test_who_orders_makes_no_accounts(office, account):
    operator = wire_of(office.person, Permission.CERTIFICATES_ISSUE, Permission.ACME_READ)
    assert body(operator.post(ORDERS, wish(account)), 202)["status"] == "pending"
    assert code(operator.post(ACCOUNTS, ACCOUNT), 403) == "permission-denied"

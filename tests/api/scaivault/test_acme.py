"""Accounts and orders at public CAs as the page has them, as far as nobody asks a server.

The page says nothing of statuses: the words of an order are our own, and `waiting` is one that approvers have to agree
to. Registering by this API is agreeing to the server's terms, for which the page has no field.
"""

from __future__ import annotations

from uuid import UUID

import pytest

from acme_client.models import AcmeAccount, AcmeOrder
from tests.api.scaivault.desk import PKI, body, refused, wire_with, wrong_fields
from tests.security.whole_acme import SUFFIX, account_of, challenge_of, order_of, public_name_of

ACCOUNTS, ORDERS, ISSUE = f"{PKI}/acme/accounts", f"{PKI}/acme/orders", f"{PKI}/acme/issue"
NOWHERE = "00000000-0000-4000-8000-000000000000"
ACCOUNT = {
    "name": "Test CA",
    "provider": "custom",
    "environment": "staging",
    "email": "pki@acme.example",
    "directory_url": "https://ca.acme.example/directory",
}
HOST = f"www.{SUFFIX}"


@pytest.fixture
def account(office) -> AcmeAccount:
    public_name_of(office)
    return account_of(office)


def wish(account: AcmeAccount, **changes):
    return {"account_id": str(account.public_id), "domains": [HOST], "challenge_type": "http-01"} | changes


def test_a_stranger_finds_nothing_of_it(office, stranger, account):
    order = order_of(office, account)
    challenge = challenge_of(order)
    for method, path, code in (
        ("GET", f"{ACCOUNTS}/{account.public_id}", "acme_account_not_found"),
        ("DELETE", f"{ACCOUNTS}/{account.public_id}", "acme_account_not_found"),
        ("GET", f"{ORDERS}/{order.public_id}", "acme_order_not_found"),
        ("POST", f"{ORDERS}/{order.public_id}/refresh", "acme_order_not_found"),
        ("POST", f"{PKI}/acme/challenges/{challenge.public_id}/complete", "acme_challenge_not_found"),
    ):
        assert refused(stranger.send(method, path, {} if method == "POST" else None), 404) == code, path
    assert refused(stranger.post(ISSUE, wish(account)), 404) == "acme_account_not_found"
    assert refused(stranger.get(f"{ORDERS}?account_id={account.public_id}"), 404) == "acme_account_not_found"
    for path in (ACCOUNTS, ORDERS):
        assert body(stranger.get(path))["data"] == []
    assert AcmeOrder.objects.count() == 1


def test_each_act_takes_its_permission(office, account):
    order = order_of(office, account)
    for method, path, permission in (
        ("GET", ACCOUNTS, "acme:read"),
        ("POST", ACCOUNTS, "acme:write"),
        ("DELETE", f"{ACCOUNTS}/{account.public_id}", "acme:write"),
        ("POST", ISSUE, "certificates:issue"),
        ("GET", ORDERS, "acme:read"),
        ("POST", f"{ORDERS}/{order.public_id}/refresh", "certificates:issue"),
    ):
        others = office.owner.permissions - {permission}
        answer = wire_with(office.person, *others).send(method, path, {} if method == "POST" else None)
        assert refused(answer, 403) == "insufficient_scope", path


@pytest.mark.row("S88", "S89", "S90", "S91", "S92", "S93", "S94", "S95")
def test_an_account_is_registered_shown_and_listed(api):
    made = body(api.post(ACCOUNTS, ACCOUNT), 201)
    UUID(made["id"])
    assert made.items() >= ACCOUNT.items()
    assert (made["status"], made["account_url"], made["error"]) == ("pending", "", "")
    assert body(api.get(f"{ACCOUNTS}/{made['id']}")) == made
    assert body(api.get(ACCOUNTS)) == {"data": [made], "next_cursor": None}
    assert refused(api.post(ACCOUNTS, ACCOUNT), 409) == "acme_account_exists"
    assert refused(api.get(f"{ACCOUNTS}/{NOWHERE}"), 404) == "acme_account_not_found"


@pytest.mark.row("S91", "S92")
@pytest.mark.parametrize(
    ("provider", "environment", "directory"),
    [
        ("letsencrypt", "production", "https://acme-v02.api.letsencrypt.org/directory"),
        ("letsencrypt", "staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
        ("zerossl", "production", "https://acme.zerossl.com/v2/DV90"),
        ("google", "production", "https://dv.acme-v02.api.pki.goog/directory"),
        ("google", "staging", "https://dv.acme-v02.test-api.pki.goog/directory"),
    ],
)
def test_known_providers_are_asked_where_they_are(api, provider, environment, directory):
    sent = {"name": "CA", "provider": provider, "environment": environment, "email": "pki@acme.example"}
    if provider != "letsencrypt":
        assert wrong_fields(api.post(ACCOUNTS, sent)) == {"eab_key_id": "required", "eab_hmac_key": "required"}
        sent |= {
            "eab_key_id": "kid-1",
            "eab_hmac_key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        }
    answer = api.post(ACCOUNTS, sent)
    made = body(answer, 201)
    assert (made["directory_url"], made["environment"]) == (directory, environment)
    assert b"zWNDZM6e" not in answer.content


@pytest.mark.row("S92")
def test_production_is_what_is_meant_where_nothing_is_said(api):
    sent = {"name": "CA", "provider": "letsencrypt", "email": "pki@acme.example"}
    assert body(api.post(ACCOUNTS, sent), 201)["environment"] == "production"


@pytest.mark.row("S91", "S92", "S93", "S94")
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"provider": "verisign"}, {"provider": "unknown_value"}),
        ({"provider": "buypass", "directory_url": None}, {"directory_url": "null"}),
        ({"environment": "test"}, {"environment": "unknown_value"}),
        ({"email": "nobody"}, {"email": "invalid"}),
        ({"directory_url": "http://ca.acme.example/directory"}, {"directory_url": "invalid"}),
        ({"directory_url": "https://user@ca.acme.example/"}, {"directory_url": "invalid"}),
        ({"directory_url": ""}, {"directory_url": "blank"}),
        ({"provider": "letsencrypt"}, {"directory_url": "contradiction"}),
        ({"surprise": 1}, {"surprise": "unknown_field"}),
    ],
)
def test_what_is_wrong_with_an_account_is_named(api, changes, wrong):
    assert wrong_fields(api.post(ACCOUNTS, ACCOUNT | changes)) == wrong
    assert not AcmeAccount.objects.exists()


@pytest.mark.row("S91")
def test_buypass_takes_no_accounts_any_more(api):
    sent = {"name": "Buypass", "provider": "buypass", "email": "pki@acme.example"}
    assert wrong_fields(api.post(ACCOUNTS, sent)) == {"provider": "provider_ended"}


@pytest.mark.row("S94")
def test_another_server_must_say_where_it_is(api):
    sent = {key: value for key, value in ACCOUNT.items() if key != "directory_url"}
    assert wrong_fields(api.post(ACCOUNTS, sent)) == {"directory_url": "required"}


@pytest.mark.row("S97", "S98", "S99", "S100", "S101", "S102")
def test_a_certificate_is_ordered(api, account):
    answer = api.post(ISSUE, wish(account, domains=[HOST, SUFFIX.upper()]))
    ordered = body(answer, 202)
    assert set(ordered) == {"order_id", "status", "challenges"}
    assert (ordered["status"], ordered["challenges"]) == ("pending", [])
    shown = body(api.get(f"{ORDERS}/{ordered['order_id']}"))
    assert answer.headers["Location"] == f"{ORDERS}/{ordered['order_id']}"
    assert shown["account_id"] == str(account.public_id)
    assert sorted(shown["domains"]) == sorted([HOST, SUFFIX])
    assert (shown["challenge_type"], shown["auto_renew"]) == ("http-01", True)
    assert (shown["certificate_id"], shown["error"]) == (None, "")


@pytest.mark.row("S101")
def test_nothing_renews_itself_where_nobody_wants_it(api, account):
    ordered = body(api.post(ISSUE, wish(account, auto_renew=False)), 202)
    assert body(api.get(f"{ORDERS}/{ordered['order_id']}"))["auto_renew"] is False


@pytest.mark.row("S98", "S99", "S100")
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"challenge_type": "tls-sni-01"}, {"challenge_type": "unknown_value"}),
        ({"domains": []}, {"domains": "min_length"}),
        ({"domains": 3}, {"domains": "not_a_list"}),
        ({"domains": [HOST, "www.umbrella.test"]}, {"domains[1]": "name_not_proven"}),
        ({"account_id": "3"}, {"account_id": "uuid"}),
        ({"auto_renew": "yes"}, {"auto_renew": "invalid"}),
    ],
)
def test_what_is_wrong_with_an_order_is_named(api, account, changes, wrong):
    assert wrong_fields(api.post(ISSUE, wish(account, **changes))) == wrong
    assert not AcmeOrder.objects.exists()


@pytest.mark.row("S100")
def test_a_wildcard_is_proven_by_dns_alone(api, account):
    wild = {"domains": [f"*.{SUFFIX}"]}
    for challenge in ("http-01", "tls-alpn-01"):
        assert set(wrong_fields(api.post(ISSUE, wish(account, challenge_type=challenge, **wild)))) == {"domains[0]"}
    assert body(api.post(ISSUE, wish(account, challenge_type="dns-01", **wild)), 202)["status"] == "pending"


@pytest.mark.row("S102")
def test_an_order_waits_where_the_account_asks_for_approvals(api, office, account):
    AcmeAccount.objects.filter(pk=account.pk).update(approvals_needed=1)
    ordered = body(api.post(ISSUE, wish(account)), 202)
    assert ordered["status"] == "waiting"


@pytest.mark.row("S103", "S104")
def test_orders_are_listed_by_status_and_account(api, office, account):
    other = account_of(office, name="Other CA")
    first, second = order_of(office, account), order_of(office, other, SUFFIX)
    AcmeOrder.objects.filter(pk=second.pk).update(status="invalid", last_error="No.", due_at=None)
    found = body(api.get(ORDERS))
    assert [row["order_id"] for row in found["data"]] == [str(second.public_id), str(first.public_id)]
    assert found["data"][1] == body(api.get(f"{ORDERS}/{first.public_id}"))
    for query, expected in (
        ("status=pending", [first]),
        ("status=invalid", [second]),
        ("status=valid", []),
        (f"account_id={other.public_id}", [second]),
        (f"account_id={account.public_id}&status=invalid", []),
    ):
        listed = body(api.get(f"{ORDERS}?{query}"))["data"]
        assert [row["order_id"] for row in listed] == [str(row.public_id) for row in expected], query
    assert wrong_fields(api.get(f"{ORDERS}?status=done")) == {"status": "unknown_value"}
    page = body(api.get(f"{ORDERS}?limit=1"))
    assert [row["order_id"] for row in page["data"]] == [str(second.public_id)]
    rest = body(api.get(f"{ORDERS}?limit=1&cursor={page['next_cursor']}"))
    assert ([row["order_id"] for row in rest["data"]], rest["next_cursor"]) == ([str(first.public_id)], None)


@pytest.mark.row("S104", "S106")
def test_an_order_shows_what_the_server_asks_to_see(api, office, account):
    order = order_of(office, account)
    challenge = challenge_of(order)
    (shown,) = body(api.get(f"{ORDERS}/{order.public_id}"))["challenges"]
    assert shown == {
        "id": str(challenge.public_id),
        "domain": HOST,
        "wildcard": False,
        "authorization_status": "pending",
        "type": "http-01",
        "status": "pending",
        "token": challenge.token,
        "key_authorization": challenge.key_authorization,
        "record_name": "",
        "error": "",
    }


def test_who_reads_accounts_orders_nothing(office, account):
    reader = wire_with(office.person, "acme:read")
    assert len(body(reader.get(ACCOUNTS))["data"]) == 1
    assert refused(reader.post(ISSUE, wish(account)), 403) == "insufficient_scope"

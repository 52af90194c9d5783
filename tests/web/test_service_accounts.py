"""Service accounts in pages: made, given rights and a policy, let in by a token, and put away."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import IssuancePolicy, ServiceAccount, ServiceAccountToken
from accounts.services.service_accounts import create_service_account
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire
from tests.office import Office, open_office
from tests.web.people import browser_of
from tests.web.test_api_keys import token_on

ACCOUNTS = "/organization/service-accounts/"


@pytest.fixture
def office(db) -> Office:
    cache.clear()
    return open_office()


@pytest.fixture
def owner(office) -> Client:
    return browser_of(office.person.user)


@pytest.fixture
def account(office) -> ServiceAccount:
    return create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="forge",
        permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE],
    )


def page_of(row: ServiceAccount) -> str:
    return f"{ACCOUNTS}{row.public_id}/"


def test_from_nothing_to_a_token_that_works(office, owner):
    assert "None yet" in owner.get(ACCOUNTS).content.decode()
    form = {"name": "gateway", "owner": office.person.user.email, "scope": "cas"}
    answer = owner.post(f"{ACCOUNTS}new/", form | {f"{office.issuing.public_id}-can_read": "on"})
    row = ServiceAccount.objects.get()
    assert answer["Location"] == page_of(row)
    assert [(grant.ca, grant.can_read, grant.can_issue) for grant in row.grants.all()] == [
        (office.issuing, True, False)
    ]

    changing = owner.get(f"{page_of(row)}change/").content.decode()
    assert 'value="gateway"' in changing
    assert re.search(rf'name="{office.issuing.public_id}-can_read"[^>]* checked', changing)
    assert 'name="owner"' not in changing

    everything = {f"{office.issuing.public_id}-{right}": "on" for right in ("can_read", "can_issue", "can_revoke")}
    owner.post(
        f"{page_of(row)}change/", {"name": "gateway", "description": "in the cellar", "scope": "cas"} | everything
    )
    row.refresh_from_db()
    assert (row.description, row.grants.get().can_revoke) == ("in the cellar", True)

    policy = {
        "cn_patterns": "*.acme.test",
        "san_dns_patterns": "*.acme.test",
        "allowed_ca_ids": [office.issuing.pk],
        "allowed_certificate_types": ["server"],
        "max_validity_days": "30",
    }
    assert owner.post(f"{page_of(row)}policy/", policy)["Location"] == page_of(row)
    assert IssuancePolicy.objects.get().allowed_ca_ids == [office.issuing.pk]

    token = token_on(owner.post(f"{page_of(row)}token/", {"name": "cellar", "lifetime": "30"}))
    assert Wire(token).get("/api/v2/whoami").status_code == 200
    page = owner.get(page_of(row)).content.decode()
    assert token not in page
    for text in ("cellar", "*.acme.test", office.issuing.name, "30 days", "Server"):
        assert text in page

    kept = ServiceAccountToken.objects.get()
    assert owner.post(f"{ACCOUNTS}tokens/{kept.public_id}/revoke/")["Location"] == page_of(row)
    assert Wire(token).get("/api/v2/whoami").status_code == 401
    assert "gateway" in owner.get(ACCOUNTS).content.decode()


def test_what_a_service_refuses_is_said_with_the_form_kept(office, owner, account):
    form = {"name": "forge", "owner": office.person.user.email, "scope": "organization"}
    answer = owner.post(f"{ACCOUNTS}new/", form)
    assert answer.status_code == 422
    assert answer.context["form"].errors["permissions"]
    answer = owner.post(f"{ACCOUNTS}new/", form | {"permissions": ["certificates:read"]})
    assert "exists already" in answer.content.decode()
    answer = owner.post(f"{page_of(account)}policy/", {"max_validity_days": "30", "san_ip_cidrs": "somewhere"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["san_ip_cidrs"]


def test_it_stops_and_works_again_until_it_is_closed(owner, account):
    for door, is_active in (("disable", False), ("enable", True), ("close", False)):
        assert owner.post(f"{page_of(account)}{door}/")["Location"] == page_of(account)
        account.refresh_from_db()
        assert account.is_active == is_active
    page = owner.get(page_of(account)).content.decode()
    assert f"{page_of(account)}change/" not in page
    assert owner.get(f"{page_of(account)}enable/").status_code == 409
    assert "forge" not in owner.get(ACCOUNTS).content.decode()


def test_without_a_policy_nothing_is_issued_where_one_is_needed(owner, account):
    owner.post(f"{page_of(account)}policy/", {"max_validity_days": "30"})
    owner.post(f"{page_of(account)}policy/remove/")
    assert not IssuancePolicy.objects.exists()
    assert "nothing is issued for it" in owner.get(page_of(account)).content.decode()


def test_who_may_only_read_is_offered_nothing(office, account):
    client = browser_of(cast.member(office.organization, "auditor").user)
    page = client.get(page_of(account)).content.decode()
    assert "forge" in page
    assert "change/" not in page
    assert client.get(f"{page_of(account)}change/").status_code == 403


def test_a_stranger_finds_nothing(account):
    client = browser_of(open_office("Umbrella").person.user)
    for part in ("", "change/", "policy/", "token/", "disable/", "close/"):
        assert client.get(page_of(account) + part).status_code == 404
    assert client.post(f"{page_of(account)}close/").status_code == 404
    assert "forge" not in client.get(ACCOUNTS).content.decode()
    account.refresh_from_db()
    assert account.is_active

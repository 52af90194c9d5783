"""Accounts at public CAs in the browser."""

from __future__ import annotations

import re

import pytest

from acme_client.models import AcmeAccount
from tests.office import open_office
from tests.security.whole_acme import account_of
from tests.web.people import browser_of

LIST = "/acme/accounts/"
NEW = f"{LIST}new/"
FORM = {"name": "Shop", "email": "pki@shop.test", "approvals_needed": "0", "agrees_to_terms": "on"}


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


def fields_of(answer) -> set[str]:
    return set(answer.context["form"].fields)


def test_strangers_find_no_account_and_change_none(office):
    account = account_of(office)
    page = f"{LIST}{account.public_id}/"
    stranger = browser_of(open_office("Umbrella").person.user)
    assert account.name not in words_of(stranger.get(LIST))
    for part in ("", "change/", "new-key/", "deactivate/", "retry/"):
        assert stranger.get(page + part).status_code == 404
        assert stranger.post(page + part, FORM).status_code in (404, 405)
    account.refresh_from_db()
    assert account.status == AcmeAccount.Status.VALID


@pytest.mark.parametrize(
    ("provider", "asked", "not_asked"),
    [
        ("letsencrypt", {"environment", "agrees_to_terms"}, {"eab_key", "eab_key_id", "directory_url", "server_roots"}),
        ("zerossl", {"eab_key", "eab_key_id"}, {"environment", "directory_url"}),
        ("custom", {"directory_url", "server_roots", "eab_key"}, {"environment"}),
    ],
)
def test_a_provider_is_chosen_first_and_asks_for_what_he_needs(owner, provider, asked, not_asked):
    choice = owner.get(NEW).content.decode()
    assert f"?provider={provider}" in choice
    assert "buypass" not in choice.lower()
    page = owner.get(NEW, {"provider": provider})
    assert asked <= fields_of(page)
    assert not not_asked & fields_of(page)


def test_an_account_is_added_changed_and_given_up(owner, office):
    assert "No account yet" in words_of(owner.get(LIST))
    custom = {**FORM, "provider": "custom", "directory_url": "https://ca.shop.test/directory"}
    for wrong, field in (
        ({"agrees_to_terms": ""}, "agrees_to_terms"),
        ({"directory_url": "http://ca.shop.test"}, "directory_url"),
        ({"eab_key_id": "kid"}, "eab_key"),
        ({"server_roots": "no PEM"}, "server_roots"),
        ({"provider": "nobody"}, "provider"),
    ):
        answer = owner.post(NEW, {**custom, **wrong})
        assert answer.status_code == 422
        assert field in answer.context["form"].errors

    page = owner.post(f"{NEW}?provider=custom", custom)["Location"]
    account = AcmeAccount.objects.get()
    assert page == f"{LIST}{account.public_id}/"
    assert "Being registered" in words_of(owner.get(page))

    change = owner.get(f"{page}change/").context["form"].initial
    assert (change["name"], change["email"]) == ("Shop", "pki@shop.test")
    changed = {"name": "Shop 2", "email": "pki@shop.test", "approvals_needed": "1", "approver_role": ""}
    assert owner.post(f"{page}change/", changed)["Location"] == page
    account.refresh_from_db()
    assert (account.name, account.approvals_needed) == ("Shop 2", 1)

    AcmeAccount.objects.update(status="failed", last_error="no such contract (externalAccountRequired)")
    assert "no such contract" in words_of(owner.get(page))
    assert owner.get(f"{page}change/").status_code == 409
    assert owner.post(f"{page}retry/")["Location"] == page
    account.refresh_from_db()
    assert account.status == AcmeAccount.Status.PENDING
    assert owner.get(f"{page}new-key/").status_code == 409

    # It never came to the server: there is nothing to be said to it.
    assert owner.post(f"{page}deactivate/")["Location"] == page
    assert "Deactivated" in words_of(owner.get(page))
    for part in ("deactivate/", "change/", "retry/"):
        assert owner.get(page + part).status_code == 409


def test_an_account_at_a_ca_that_is_gone_is_given_up_here(owner, office):
    page = f"{LIST}{account_of(office).public_id}/"
    assert owner.post(f"{page}deactivate/", {"here_only": "on"})["Location"] == page
    assert AcmeAccount.objects.get().status == AcmeAccount.Status.DEACTIVATED


def test_the_key_of_a_binding_is_never_shown(owner, office):
    key = "c2VjcmV0LW9mLXRoZS1iaW5kaW5n"
    form = {**FORM, "provider": "zerossl", "eab_key_id": "kid-1", "eab_key": key}
    page = owner.post(f"{NEW}?provider=zerossl", form)["Location"]
    for address in (page, f"{page}change/", LIST):
        assert key not in owner.get(address).content.decode()
    assert "kid-1" in words_of(owner.get(page))
    again = owner.post(f"{NEW}?provider=zerossl", {**form, "name": ""})
    assert (again.status_code, key in again.content.decode()) == (422, False)

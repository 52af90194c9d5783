"""Accounts at public CAs: registered, bound, changed, given a new key, given up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from acme_client.models import AcmeAccount
from acme_client.orders import AccountChange, AccountOrder
from acme_client.services import accounts
from acme_client.services.advancing import advance_due
from acme_client.services.upstream import client_of, open_key
from acme_client.wire import AcmeError
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.acme_client.conftest import Desk, account_order, advance, carried_out, may_ask_loopback, registered
from tests.acme_server import account_at, fake_server, problem, silence
from tests.office import Office, open_office
from tests.pebble import EAB_KEY, EAB_KEY_ID, Pebble, running_pebble

Status = AcmeAccount.Status
needs_pebble = pytest.mark.needs("pebble")


@pytest.fixture
def office(db) -> Office:
    return open_office()


@pytest.fixture(scope="module")
def binding_pebble() -> Iterator[Pebble]:
    with running_pebble(binding=True) as running:
        yield running


def order_of(office: Office, **changes: object) -> AccountOrder:
    fields = {
        "organization": Ref("pk", office.organization.pk),
        "name": "Let’s Encrypt",
        "provider": "letsencrypt",
        "environment": "staging",
        "email": "certificates@acme.test",
        "agrees_to_terms": True,
    }
    return AccountOrder(**{**fields, **changes})


WRONG = {
    "no such provider": ({"provider": "nobody"}, {("provider", "unknown")}),
    "one that has ended": ({"provider": "buypass"}, {("provider", "provider-ended")}),
    "no terms": ({"agrees_to_terms": False}, {("agrees_to_terms", "required")}),
    "no address of mail": ({"email": "nobody"}, {("email", "invalid")}),
    "an environment that it has not": (
        {"provider": "zerossl", "eab_key_id": "a", "eab_key": Secret("YWJj")},
        {("environment", "unknown")},
    ),
    "no binding where one is needed": (
        {"provider": "google"},
        {("eab_key_id", "required"), ("eab_key", "required")},
    ),
    "a binding without its key": ({"eab_key_id": "a"}, {("eab_key", "required")}),
    "a key that is none": ({"eab_key_id": "a", "eab_key": Secret("no key!")}, {("eab_key", "invalid")}),
    "a directory of a known one": ({"directory_url": "https://ca.test/"}, {("directory_url", "contradiction")}),
    "no directory": ({"provider": "custom"}, {("directory_url", "required")}),
    "a directory without TLS": (
        {"provider": "custom", "directory_url": "http://ca.test/"},
        {("directory_url", "invalid")},
    ),
    "roots that are none": (
        {"provider": "custom", "directory_url": "https://ca.test/", "server_roots": "roots"},
        {("server_roots", "unreadable-certificate")},
    ),
}


@pytest.mark.parametrize(("changes", "errors"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_an_account_is_said(office, changes, errors):
    with pytest.raises(Invalid) as refusal:
        accounts.register_account(actor=office.owner, order=order_of(office, **changes))
    assert {(error.field, error.code) for error in refusal.value.errors} == errors


def test_only_who_may_has_accounts_and_nobody_sees_those_of_others(office):
    operator, stranger = cast.member(office.organization, "operator").actor, open_office("Other").owner
    with pytest.raises(Denied):
        accounts.register_account(actor=operator, order=order_of(office))
    with pytest.raises(NotFound):
        accounts.register_account(actor=stranger, order=order_of(office))
    account = accounts.register_account(actor=office.owner, order=order_of(office))
    for change in (accounts.deactivate_account, accounts.roll_account_key, accounts.retry_account):
        with pytest.raises(NotFound):
            change(actor=stranger, account=Ref("pk", account.pk))
        with pytest.raises(Denied):
            change(actor=operator, account=Ref("pk", account.pk))
    with pytest.raises(Conflict):
        accounts.register_account(actor=office.owner, order=order_of(office))


def test_the_secrets_of_an_account_are_sealed_and_the_binding_is_forgotten(office):
    with fake_server():
        order = order_of(office, provider="google", eab_key_id="kid", eab_key=Secret("c2VjcmV0LW1hYy1rZXk"))
        account = accounts.register_account(actor=office.owner, order=order)
        sealed = bytes(account.sealed_key) + bytes(account.sealed_eab_key)
        assert b"secret-mac-key" not in sealed
        assert open_key(account).reveal() not in sealed
        account.directory_url = "https://ca.test/directory"
        account.save()
        advance_due(actor=SYSTEM)
    account.refresh_from_db()
    assert (account.status, account.sealed_eab_key) == (Status.VALID, None)


def test_an_answer_that_was_lost_makes_no_second_account(office):
    with fake_server() as server:
        register = server._newAccount

        def forget(*asked):
            said = register(*asked)
            if server.accounts:
                server._newAccount = register
                raise silence()
            return said

        server._newAccount = forget
        account = account_at(office)
        assert (account.status, account.attempts) == (Status.PENDING, 1)
        AcmeAccount.objects.update(due_at=timezone.now())
        advance_due(actor=SYSTEM)
        account.refresh_from_db()
        assert (account.status, len(server.accounts)) == (Status.VALID, 1)


def test_a_refusal_is_kept_in_words_and_can_be_tried_again(office):
    with fake_server() as server:
        missing, refusal = problem("accountDoesNotExist"), problem("invalidContact", 400, "no such mailbox")
        server.failures["newAccount"] = [missing, refusal]
        account = account_at(office)
        assert (account.status, account.last_error) == (Status.FAILED, "no such mailbox (invalidContact)")
        accounts.retry_account(actor=office.owner, account=Ref("pk", account.pk))
        advance_due(actor=SYSTEM)
        account.refresh_from_db()
        assert (account.status, account.last_error) == (Status.VALID, "")


@pytest.mark.parametrize("is_lost", [False, True], ids=["it never came", "only the answer was lost"])
def test_a_change_of_key_that_broke_off_is_completed(office, is_lost):
    with fake_server() as server:
        account = account_at(office)
        before, change = open_key(account).reveal(), server._keyChange

        def break_off(*asked):
            server._keyChange = change
            if is_lost:
                change(*asked)
            server.failures["newAccount"] = [silence()]
            raise silence()

        server._keyChange = break_off
        with pytest.raises(Unavailable):
            accounts.roll_account_key(actor=office.owner, account=Ref("pk", account.pk))
        advance_due(actor=SYSTEM)
        account.refresh_from_db()
        assert (account.sealed_next_key, account.due_at) == (None, None)
        assert open_key(account).reveal() != before
        assert client_of(account).find() == account.account_url


def test_a_server_that_cannot_be_asked_changes_nothing(office):
    with fake_server() as server:
        account = account_at(office)
        server.failures["account"] = [silence(), silence()]
        change = AccountChange(email="new@acme.test")
        with pytest.raises(Unavailable):
            accounts.update_account(actor=office.owner, account=Ref("pk", account.pk), change=change)
        with pytest.raises(Unavailable):
            accounts.deactivate_account(actor=office.owner, account=Ref("pk", account.pk))
        account.refresh_from_db()
        assert (account.email, account.status, account.lease) == ("certificates@acme.test", Status.VALID, None)


def test_an_account_at_a_server_that_is_gone_is_given_up_here(office):
    with fake_server() as server:
        account = account_at(office)
        unasked = server.failures["account"] = [silence()]
        given_up = accounts.deactivate_account(actor=office.owner, account=Ref("pk", account.pk), here_only=True)
        assert (given_up.status, len(unasked)) == (Status.DEACTIVATED, 1)


@needs_pebble
def test_contact_key_and_end_of_an_account_at_a_strict_server(desk: Desk):
    account = Ref("pk", desk.account.pk)
    assert desk.account.status == Status.VALID
    change = AccountChange(email="new@acme.test", name="Strict", preferred_chain="Some Root")
    changed = accounts.update_account(actor=desk.office.owner, account=account, change=change)
    assert (changed.email, changed.name, changed.preferred_chain) == ("new@acme.test", "Strict", "Some Root")

    before = client_of(desk.account)
    rolled = accounts.roll_account_key(actor=desk.office.owner, account=account)
    assert rolled.account_url == client_of(rolled).find()
    with pytest.raises(AcmeError):
        before.find()
    assert carried_out(desk.order()).certificate is not None

    assert accounts.deactivate_account(actor=desk.office.owner, account=account).status == Status.DEACTIVATED
    with pytest.raises(AcmeError):
        client_of(rolled).find()
    with pytest.raises(Conflict):
        desk.order()


@needs_pebble
def test_an_account_is_bound_to_one_elsewhere(office, binding_pebble: Pebble):
    may_ask_loopback(office)
    bound = account_order(office, binding_pebble, eab_key_id=EAB_KEY_ID, eab_key=Secret(EAB_KEY))
    unbound = account_order(office, binding_pebble, name="unbound")
    forged = account_order(office, binding_pebble, name="forged", eab_key_id=EAB_KEY_ID, eab_key=Secret("YWJjZGVm"))
    for order in (bound, unbound, forged):
        registered(accounts.register_account(actor=office.owner, order=order))
    statuses = dict(AcmeAccount.objects.values_list("name", "status"))
    assert statuses == {"Pebble": Status.VALID, "unbound": Status.FAILED, "forged": Status.FAILED}


@needs_pebble
def test_a_server_behind_us_is_asked_only_where_a_superuser_lets_the_organization(office, pebble: Pebble):
    account = accounts.register_account(actor=office.owner, order=account_order(office, pebble))
    advance()
    account.refresh_from_db()
    assert account.status == Status.PENDING
    assert "no public address" in account.last_error
    may_ask_loopback(office)
    assert registered(account).status == Status.VALID

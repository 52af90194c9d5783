"""What comes of an order where the server lies, forgets, refuses for now, or never comes to an end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeOrder
from acme_client.orders import PublicOrder
from acme_client.services.advancing import advance_due
from acme_client.services.orders import refresh_order, start_order
from acme_client.services.renewing import renew_public_certificate
from certificates.models import Certificate
from certificates.orders import Managed
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests import elsewhere, pki
from tests.acme_server import SUFFIX, FakeServer, account_at, fake_server, problem, silence
from tests.office import Office, open_office

HOST = f"www.{SUFFIX}"
Status = AcmeOrder.Status


@pytest.fixture
def server():
    with fake_server() as server:
        yield server


@pytest.fixture
def office(db) -> Office:
    return open_office()


def ordered(office: Office, account: AcmeAccount, *names: str, **changes: object) -> AcmeOrder:
    order = PublicOrder(
        account=Ref("pk", account.pk), names=names or (HOST,), challenge_type="http-01", key=Managed(), **changes
    )
    return start_order(actor=office.owner, order=order)


def carried_out(order: AcmeOrder, rounds: int = 20) -> AcmeOrder:
    for _round in range(rounds):
        AcmeOrder.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        advance_due(actor=SYSTEM)
    order.refresh_from_db()
    return order


def other_names(document):
    return {**document, "identifiers": [{"type": "dns", "value": "bank.test"}]}


LIES = {
    "an order for other names": ("order", other_names, "other names"),
    "an address elsewhere": ("order", lambda d: {**d, "finalize": "https://evil.test/f"}, "elsewhere"),
    "authorizations elsewhere": ("order", lambda d: {**d, "authorizations": ["http://169.254.169.254/"]}, "elsewhere"),
    "no status": ("order", lambda d: {**d, "status": None}, "status"),
    "a name that nobody has ordered": (
        "authorization",
        lambda d: {**d, "identifier": {"type": "dns", "value": "bank.test"}},
        "not ordered",
    ),
    "a token that is a path": (
        "authorization",
        lambda d: {**d, "challenges": [{**each, "token": "../../etc/passwd-and-more"} for each in d["challenges"]]},
        "token",
    ),
    "no challenge of this kind": (
        "authorization",
        lambda d: {**d, "challenges": [each for each in d["challenges"] if each["type"] == "dns-01"]},
        "dns-01",
    ),
}


@pytest.mark.parametrize(("kind", "lie", "reason"), LIES.values(), ids=LIES)
def test_a_lie_ends_the_order_and_nothing_is_kept(office, server: FakeServer, kind, lie, reason):
    account = account_at(office)
    server.lies[kind] = lie
    order = carried_out(ordered(office, account))
    assert (order.status, order.certificate, order.sealed_key) == (Status.INVALID, None, None)
    assert reason in order.last_error
    assert not Certificate.objects.filter(source=Certificate.Source.ACME).exists()


def test_a_name_that_is_not_proven_ends_the_order(office, server: FakeServer):
    account = account_at(office)
    server.lies["order"] = lambda d: {**d, "status": "pending"}
    server.lies["authorization"] = lambda d: {**d, "status": "invalid"} if d["status"] == "valid" else d
    order = carried_out(ordered(office, account))
    assert order.status == Status.INVALID
    assert order.last_error == f"{HOST}: the server calls it invalid"


def _san(*names: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])


WRONG = {
    "another key": lambda server: server.sign(pki.a_key(number=7).public_key(), _san(HOST)),
    "other names": lambda server: server.sign(server.issued[0].public_key(), _san(HOST, "bank.test")),
    "fewer names": lambda server: server.sign(server.issued[0].public_key(), _san("bank.test")),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_a_certificate_that_was_not_ordered_is_not_kept(office, server: FakeServer, make):
    account = account_at(office)
    order = ordered(office, account)
    real = server._certificate
    server._certificate = lambda *asked: (server.issued.__setitem__(0, make(server)), real(*asked))[1]
    assert carried_out(order).status == Status.INVALID
    assert "the certificate is about" in order.last_error
    assert not Certificate.objects.filter(source=Certificate.Source.ACME).exists()


def test_a_chain_that_does_not_hold_is_not_kept(office, server: FakeServer):
    account = account_at(office)
    server.chain_tail = elsewhere.root().chain
    server.ca = elsewhere.Elsewhere(server.ca.certificate, pki.a_key(number=9))
    assert "chain" in carried_out(ordered(office, account)).last_error


def test_what_fails_for_now_is_tried_again_and_there_is_one_certificate(office, server: FakeServer):
    account = account_at(office)
    for kind in ("newOrder", "order", "authz", "challenge", "finalize", "certificate"):
        server.failures[kind] = [silence(), problem("serverInternal", 500), problem("rateLimited", 429)]
    order = carried_out(ordered(office, account, HOST, SUFFIX), rounds=40)
    assert (order.status, order.attempts) == (Status.VALID, 0)
    assert len(server.issued) == Certificate.objects.filter(source=Certificate.Source.ACME).count() == 1


def test_a_lost_answer_to_finalize_makes_no_second_certificate(office, server: FakeServer):
    account = account_at(office)
    real = server._finalize

    def forget(*asked):
        real(*asked)
        server._finalize = real
        raise silence()

    server._finalize = forget
    assert carried_out(ordered(office, account)).status == Status.VALID
    assert len(server.issued) == 1


def test_how_long_the_server_wants_to_be_left_alone_is_respected(office, server: FakeServer):
    account = account_at(office)
    server.failures["newOrder"] = [problem("rateLimited", 429, "too many orders", Retry_After="7200")]
    order = ordered(office, account)
    advance_due(actor=SYSTEM)
    order.refresh_from_db()
    assert order.due_at > timezone.now() + timedelta(minutes=119)
    assert (order.status, order.last_error) == (Status.PENDING, "too many orders (rateLimited)")


def test_a_server_that_never_answers_ends_in_words(office, server: FakeServer):
    account = account_at(office)
    server.failures["newOrder"] = [silence()] * 100
    order = carried_out(ordered(office, account))
    assert order.status == Status.INVALID
    assert "timed out" in order.last_error


def test_a_server_that_never_comes_to_an_end_is_given_up(office, server: FakeServer):
    account = account_at(office)
    server.lies["order"] = lambda d: {**d, "status": "processing"} if d["status"] in ("ready", "valid") else d
    order = carried_out(ordered(office, account))
    assert order.status == Status.FINALIZING
    AcmeOrder.objects.filter(pk=order.pk).update(expires_at=timezone.now())
    assert carried_out(order, rounds=2).status == Status.INVALID
    assert "too long" in order.last_error


def test_an_order_for_a_hundred_names_goes_in_slices(office, server: FakeServer):
    account = account_at(office)
    order = ordered(office, account, *(f"host{number}.{SUFFIX}" for number in range(100)))
    advance_due(actor=SYSTEM)
    assert carried_out(order, rounds=40).status == Status.VALID
    assert AcmeAuthorization.objects.filter(order=order).count() == 100


def test_names_that_are_proven_already_are_not_proven_again(office, server: FakeServer):
    account = account_at(office)
    order = ordered(office, account)
    server.lies["authorization"] = lambda d: {**d, "status": "valid", "challenges": []}
    server.lies["order"] = lambda d: {**d, "status": "ready"} if d["status"] == "pending" else d
    assert carried_out(order).status == Status.VALID
    assert "challenge" not in server.asked


def test_a_window_of_the_ca_moves_the_renewal_and_the_successor_names_its_predecessor(office, server: FakeServer):
    account = account_at(office)
    begin = timezone.now() + timedelta(days=3)
    server.window = (begin, begin + timedelta(days=1))
    order = carried_out(ordered(office, account), rounds=3)
    row = Certificate.objects.get(pk=order.certificate_id)
    assert server.window[0] <= row.renew_at <= server.window[1]
    assert order.due_at > timezone.now()
    renewal = renew_public_certificate(actor=office.owner, certificate=Ref("pk", row.pk))
    assert carried_out(renewal).status == Status.VALID
    assert server.orders[-1]["asked"]["replaces"].count(".") == 1


def test_an_order_can_be_hurried(office, server: FakeServer):
    account = account_at(office)
    order = ordered(office, account)
    AcmeOrder.objects.filter(pk=order.pk).update(due_at=timezone.now() + timedelta(hours=1))
    assert refresh_order(actor=office.owner, order=Ref("pk", order.pk)).status == Status.AUTHORIZING

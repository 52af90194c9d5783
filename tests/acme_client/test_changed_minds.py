"""What becomes of orders when what they stand on goes: the name, the approval, a server in its right mind."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from accounts import queue
from accounts.models import Organization
from acme_client import client, public_names
from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeOrder
from acme_client.order_names import csr_errors
from acme_client.orders import AccountChange, PublicOrder
from acme_client.services import orders
from acme_client.services.accounts import update_account
from acme_client.services.advancing import advance_due, advance_order
from acme_client.services.names import give_up_name, grant_name
from acme_client.services.orders import cancel_order, refresh_order, retry_order, start_order
from acme_client.services.renewing import renew_due_public_certificates, renew_public_certificate
from cas.core.csr import read_csr
from certificates.models import Certificate, Request
from certificates.orders import Managed
from certificates.services.requests import approve_request
from kernel.actor import SYSTEM
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.acme_server import SUFFIX, FakeServer, account_at, fake_server
from tests.certificates.asking import robot_made_by, with_capability
from tests.office import Office, open_office
from tests.refusals import refused

HOST = f"www.{SUFFIX}"
Status = AcmeOrder.Status


@pytest.fixture
def server():
    with fake_server() as server:
        yield server


@pytest.fixture
def office(db) -> Office:
    return open_office()


def ordered(office: Office, account: AcmeAccount, **changes: object) -> AcmeOrder:
    wanted = {"key": Managed(), "names": (HOST,), "challenge_type": "http-01", **changes}
    return start_order(actor=office.owner, order=PublicOrder(account=Ref("pk", account.pk), **wanted))


def step(order: AcmeOrder) -> AcmeOrder:
    """One step, whatever time it is."""
    claimed = queue.claim(AcmeOrder.objects.all(), order.pk, lasting=timedelta(minutes=1), at_once=True)
    assert claimed is not None
    advance_order(SYSTEM, claimed)
    order.refresh_from_db()
    return order


def carried_out(order: AcmeOrder, rounds: int = 20) -> AcmeOrder:
    for _round in range(rounds):
        AcmeOrder.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        advance_due(actor=SYSTEM)
    order.refresh_from_db()
    return order


@pytest.mark.parametrize("stage", [Status.PENDING, Status.AUTHORIZING, Status.FINALIZING])
def test_a_name_that_is_given_up_is_not_ordered_to_the_end(office, server: FakeServer, stage):
    account = account_at(office)
    order = ordered(office, account)
    while order.status != stage:
        step(order)
    name = office.organization.public_names.get(suffix=SUFFIX)
    give_up_name(actor=office.owner, name=Ref("pk", name.pk))
    other = open_office("Other")
    grant_name(actor=cast.SUPERUSER, organization=Ref("pk", other.organization.pk), suffix=SUFFIX)

    order = carried_out(order)
    assert (order.status, order.certificate, server.issued) == (Status.INVALID, None, [])
    assert HOST in order.last_error


def test_what_was_issued_before_the_name_was_given_up_is_kept(office, server: FakeServer):
    order = ordered(office, account_at(office))
    while not order.certificate_url:
        step(order)
    give_up_name(actor=office.owner, name=Ref("pk", office.organization.public_names.get(suffix=SUFFIX).pk))
    assert carried_out(order).status == Status.VALID


ODD = {
    "a NUL": "pend\0ing",
    "half a sign": "pend\ud800ing",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_a_server_says_in_signs_that_no_database_takes_ends_its_order_alone(office, server: FakeServer, text):
    server.lies["order"] = lambda d: {**d, "status": text}
    order = ordered(office, account_at(office))
    order = carried_out(order)
    assert order.status == Status.INVALID
    assert "pend ing" in order.last_error


def test_a_server_that_asks_for_more_and_more_is_not_listened_to(office, server: FakeServer):
    numbers = iter(range(10_000))
    server.lies["order"] = lambda d: {
        **d,
        "authorizations": [f"{d['authorizations'][0]}/{next(numbers)}" for _each in range(100)],
    }
    order = carried_out(ordered(office, account_at(office)), rounds=3)
    assert order.status == Status.INVALID
    assert AcmeAuthorization.objects.count() <= 100


@pytest.fixture
def approver(office):
    return cast.member(office.organization, "approver").actor


def approved(office: Office, approver, account: AcmeAccount, **changes: object) -> AcmeOrder:
    order = ordered(office, account, **changes)
    approve_request(actor=approver, request=Ref("pk", order.request_id), digest=order.request.digest)
    order = carried_out(order)
    assert (order.status, order.request.status) == (Status.VALID, Request.Status.FULFILLED)
    return order


def test_an_approval_of_a_key_that_is_made_here_is_none_of_a_key_that_somebody_else_has(
    office, server: FakeServer, approver
):
    account = account_at(office, approvals_needed=1)
    first = approved(office, approver, account)
    replaces = Ref("pk", first.certificate_id)
    csr = read_csr(pki.make_csr(subject=f"CN={HOST}", sans=(HOST,)))
    assert csr.algorithm == first.key_algorithm
    taken = ordered(office, account, key=csr, replaces=replaces)
    assert taken.status == Status.WAITING


def test_an_approval_is_not_inherited_by_stricter_rules(office, server: FakeServer, approver):
    account = account_at(office, approvals_needed=1)
    first = approved(office, approver, account)
    update_account(actor=office.owner, account=Ref("pk", account.pk), change=AccountChange(approvals_needed=2))
    again = renew_public_certificate(actor=office.owner, certificate=Ref("pk", first.certificate_id))
    assert (again.status, again.request.approvals_needed) == (Status.WAITING, 2)


def test_what_was_approved_by_too_few_for_the_rules_of_now_is_not_ordered(office, server: FakeServer, approver):
    account = account_at(office, approvals_needed=1)
    order = ordered(office, account)
    approve_request(actor=approver, request=Ref("pk", order.request_id), digest=order.request.digest)
    update_account(actor=office.owner, account=Ref("pk", account.pk), change=AccountChange(approvals_needed=2))
    order = carried_out(order, rounds=2)
    assert (order.status, server.orders) == (Status.INVALID, [])
    assert order.request.status == Request.Status.FAILED


def test_it_is_inherited_where_nothing_has_changed(office, server: FakeServer, approver):
    account = account_at(office, approvals_needed=1)
    first = approved(office, approver, account)
    again = renew_public_certificate(actor=office.owner, certificate=Ref("pk", first.certificate_id))
    assert (again.status, again.request) == (Status.PENDING, None)


def test_who_made_the_key_that_ordered_does_not_approve_what_renews_it_by_itself(office, server: FakeServer, approver):
    colleague = cast.member(office.organization, "operator", "colleague@acme.example")
    maker = with_capability(colleague, Permission.API_KEYS_WRITE, Permission.REQUESTS_DECIDE)
    robot = robot_made_by(maker, office.person, Permission.CERTIFICATES_ISSUE)
    account = account_at(office)
    wanted = PublicOrder(
        account=Ref("pk", account.pk), names=(HOST,), challenge_type="http-01", key=Managed(), auto_renew=True
    )
    first = carried_out(start_order(actor=robot, order=wanted))
    update_account(actor=office.owner, account=Ref("pk", account.pk), change=AccountChange(approvals_needed=1))
    Certificate.objects.filter(pk=first.certificate_id).update(renew_at=timezone.now())
    assert renew_due_public_certificates(actor=SYSTEM) == 1
    request = AcmeOrder.objects.get(replaces=first.certificate_id).request
    with refused(Denied, "own-request"):
        approve_request(actor=maker, request=Ref("pk", request.pk), digest=request.digest)
    assert approve_request(actor=approver, request=Ref("pk", request.pk), digest=request.digest).status == "approved"


def test_who_may_not_renew_does_not_inherit_it_by_an_order_that_takes_the_place(office, server: FakeServer, approver):
    account = account_at(office, approvals_needed=1)
    first = approved(office, approver, account)
    member = cast.member(office.organization, "member").actor
    order = PublicOrder(
        account=Ref("pk", account.pk),
        names=(HOST,),
        challenge_type="http-01",
        key=Managed(),
        replaces=Ref("pk", first.certificate_id),
    )
    with refused(Denied):
        start_order(actor=member, order=order)
    # Nor by trying again what somebody else has begun and taken back.
    again = renew_public_certificate(actor=office.owner, certificate=Ref("pk", first.certificate_id))
    cancel_order(actor=member, order=Ref("pk", again.pk))
    with refused(Denied):
        retry_order(actor=member, order=Ref("pk", again.pk))
    assert start_order(actor=office.owner, order=order).status == Status.PENDING


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        ([".pki.example.test"], "*.example.test"),
        ([".pki.example.test"], "pki.example.test"),
        ([".pki.example.test"], "deep.pki.example.test"),
        (["pki.example.test"], "*.example.test"),
    ],
)
def test_a_wildcard_over_our_own_hosts_is_ours(settings, hosts, name):
    settings.ALLOWED_HOSTS = hosts
    assert public_names.is_our_own(name)
    assert not public_names.is_our_own("example.test")


def test_an_address_of_the_web_in_a_csr_is_no_host_of_the_same_letters():
    sans = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(HOST), x509.DNSName(HOST)])
    csr = read_csr(pki.make_csr(subject=f"CN={HOST}", extensions=(sans,)))
    assert [each.code for each in csr_errors(csr, [HOST])] == ["names-differ"]


def test_an_order_that_cannot_be_hurried_because_too_many_are_is_left_to_a_worker(
    office, server: FakeServer, monkeypatch: pytest.MonkeyPatch
):
    order = ordered(office, account_at(office))
    AcmeOrder.objects.filter(pk=order.pk).update(due_at=timezone.now() + timedelta(hours=1))
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(orders, "_PLACES", taken)
    asked = len(server.asked)
    seen = refresh_order(actor=office.owner, order=Ref("pk", order.pk))
    assert (seen.status, len(server.asked)) == (Status.PENDING, asked)
    assert seen.due_at <= timezone.now()
    assert carried_out(order).status == Status.VALID


def test_a_server_that_takes_its_time_with_every_answer_is_not_waited_for(office, monkeypatch: pytest.MonkeyPatch):
    with fake_server() as server:
        order = ordered(office, account_at(office))
        monkeypatch.setattr(client, "_PATIENCE_IN_ALL", 0.0)
        order = step(order)
    assert (order.status, order.last_error, server.orders) == (Status.PENDING, "the server takes too long", [])


def test_nothing_is_renewed_for_an_organization_that_is_closed(office, server: FakeServer):
    order = carried_out(ordered(office, account_at(office)))
    assert order.certificate is not None
    Certificate.objects.filter(pk=order.certificate.pk).update(renew_at=timezone.now())
    Organization.objects.filter(pk=office.organization.pk).update(closed_at=timezone.now())
    assert renew_due_public_certificates(actor=SYSTEM) == 0
    Organization.objects.filter(pk=office.organization.pk).update(closed_at=None)
    assert renew_due_public_certificates(actor=SYSTEM) == 1

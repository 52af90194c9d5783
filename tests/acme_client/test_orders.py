"""Public certificates by a strict ACME server: ordered, proven in each way, kept, renewed and revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags
from django.utils import timezone

from acme_client.models import AcmeChallenge, AcmeOrder
from acme_client.orders import AccountChange
from acme_client.services.accounts import update_account
from acme_client.services.orders import cancel_order, complete_challenge, refresh_order, retry_order
from acme_client.services.renewing import renew_due_public_certificates, renew_public_certificate
from acme_client.services.revoking import revoke_public_certificate
from acme_client.solvers import SOLVERS, Presented
from audit.events import EventName
from audit.models import AuditEvent
from cas.core.csr import read_csr
from cas.core.keys import load_private_key, same_key
from cas.core.names import common_name
from certificates.models import Certificate, Request
from certificates.services.keys import collect_private_key
from certificates.services.requests import approve_request, cancel_request, reject_request
from certificates.services.revocation import AlreadyRevoked
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from tests import cast
from tests.acme_client.conftest import SUFFIX, Desk, Publisher, advance, carried_out, open_desk
from tests.office import open_office
from tests.pebble import running_pebble
from tests.pki import make_csr

pytestmark = [pytest.mark.needs("pebble")]

Status = AcmeOrder.Status
HOST = f"www.{SUFFIX}"


@pytest.mark.parametrize(
    ("challenge_type", "names"),
    [
        ("http-01", (HOST, SUFFIX)),
        ("tls-alpn-01", (HOST,)),
        ("dns-01", (f"*.{SUFFIX}", SUFFIX)),
        # RFC 8738, and RFC 5891 section 4.4.
        ("http-01", ("127.0.0.1",)),
        ("dns-01", (f"xn--bcher-kva.{SUFFIX}",)),
    ],
)
def test_a_certificate_comes_by_each_challenge(desk: Desk, challenge_type, names, published):
    order = carried_out(desk.order(*names, challenge_type=challenge_type, tags=("shop",), description="the shop"))

    assert (order.status, order.last_error) == (Status.VALID, "")
    row = order.certificate
    assert (row.source, row.ca, row.key_custody) == (Certificate.Source.ACME, None, Certificate.KeyCustody.WAITING)
    assert (set(row.sans), row.tags, row.description) == (set(names), ["shop"], "the shop")
    assert row.owner == desk.office.person.user
    assert row.auto_renew
    assert row.not_before < row.renew_at < row.not_after
    assert row.imported_chain.certificates[0].subject == row.body.x509.issuer
    assert not published[challenge_type]
    assert not AcmeChallenge.objects.filter(cleaned_at__isnull=True).exists()
    happened = AuditEvent.objects.filter(resource_id=order.pk, resource_type="acme_order")
    assert set(happened.values_list("name", flat=True)) == {
        EventName.ACME_ORDER_CREATED,
        EventName.ACME_ORDER_PLACED,
        EventName.ACME_ORDER_FULFILLED,
    }


def test_a_ca_that_takes_its_time_to_look_is_waited_for(db, monkeypatch):
    with running_pebble(WFE_NONCEREJECT="20", VA_NOSLEEP="0", VA_SLEEPTIME="3") as slow:
        monkeypatch.setitem(SOLVERS, "http-01", Publisher(slow, "http-01", set()))
        desk = open_desk(open_office(), slow)
        order = carried_out(desk.order(HOST, SUFFIX))
        assert (order.status, order.last_error) == (Status.VALID, "")


def test_names_are_ordered_as_they_stand_in_a_certificate(desk: Desk):
    assert desk.order(f"BÜCHER.{SUFFIX}.", SUFFIX.upper()).names == [f"xn--bcher-kva.{SUFFIX}", SUFFIX]


def test_the_chain_is_the_preferred_one_where_the_ca_offers_it(desk: Desk, pebble):
    wished = common_name(pebble.root(1).subject)
    assert wished != common_name(pebble.root(0).subject)
    change = AccountChange(preferred_chain=wished)
    update_account(actor=desk.office.owner, account=Ref("pk", desk.account.pk), change=change)
    chain = carried_out(desk.order()).certificate.imported_chain.certificates
    assert common_name(chain[-1].issuer) == wished


def test_its_key_is_handed_to_whoever_ordered_it_once(desk: Desk):
    order = carried_out(desk.order())
    assert order.sealed_key is None
    _row, secret = collect_private_key(actor=desk.office.owner, certificate=Ref("pk", order.certificate_id))
    assert same_key(load_private_key(secret, trusted=False).public_key(), order.certificate.body.x509.public_key())


def test_a_subscriber_keeps_the_key_of_their_own_csr(desk: Desk):
    csr = read_csr(make_csr(subject=f"CN={HOST}", sans=(HOST,)))
    order = carried_out(desk.order(HOST, key=csr))
    assert order.status == Status.VALID
    assert same_key(order.certificate.body.x509.public_key(), csr.public_key)
    # Nobody here can make the next CSR.
    assert (order.certificate.key_custody, order.certificate.auto_renew) == (Certificate.KeyCustody.SUBSCRIBER, False)


def test_what_cannot_be_ordered_is_refused_with_every_reason(desk: Desk):
    def reasons(*names: str, **changes: object) -> set[tuple[str, str]]:
        with pytest.raises(Invalid) as refusal:
            desk.order(*names, **changes)
        return {(error.field, error.code) for error in refusal.value.errors}

    assert reasons("www.elsewhere.test", HOST) == {("names[0]", "name-not-proven")}
    assert reasons(f"*.{SUFFIX}") == {("names[0]", "challenge-not-possible")}
    assert reasons("192.0.2.1", challenge_type="dns-01") == {("names[0]", "challenge-not-possible")}
    assert reasons(HOST, HOST.upper(), "no host") == {("names[1]", "duplicate"), ("names[2]", "bad-name")}
    assert reasons(*(f"{number}.{SUFFIX}" for number in range(101))) == {("names", "out-of-range")}
    assert reasons(HOST, challenge_type="carrier-pigeon") == {("challenge_type", "unknown")}
    assert reasons(HOST, key=read_csr(make_csr(subject=f"CN={HOST}", sans=(SUFFIX,)))) == {("csr", "names-differ")}


def test_nobody_orders_without_the_permission_or_by_the_account_of_another_organization(desk: Desk):
    stranger = open_office("Other")
    auditor = cast.member(desk.office.organization, "auditor").actor
    order = desk.order()
    with pytest.raises(NotFound):
        refresh_order(actor=stranger.owner, order=Ref("pk", order.pk))
    with pytest.raises(Denied):
        cancel_order(actor=auditor, order=Ref("pk", order.pk))
    assert desk.order("www.shop.test").names == ["www.shop.test"]


def test_an_order_whose_names_were_lost_meanwhile_fails(desk: Desk):
    order = desk.order()
    desk.office.organization.public_names.all().delete()
    assert carried_out(order).status == Status.INVALID
    assert "has proven" in order.last_error


def test_a_wrong_answer_ends_the_order_with_the_reason_of_the_server(desk: Desk, published, monkeypatch):
    monkeypatch.setattr(type(SOLVERS["http-01"]), "present", lambda self, challenge: Presented())
    monkeypatch.setattr(type(SOLVERS["http-01"]), "is_ready", lambda self, challenge: True)
    order = carried_out(desk.order())
    assert order.status == Status.INVALID
    assert order.last_error.startswith(f"{HOST}: ")
    # Its type, by which people find out what to do.
    assert order.last_error.endswith("(unauthorized)")
    assert (order.certificate, order.sealed_key) == (None, None)
    assert not published["http-01"]


def test_who_publishes_the_answer_by_hand_says_so(desk: Desk, monkeypatch):
    solver = SOLVERS["dns-01"]
    monkeypatch.setattr(type(solver), "is_ready", lambda self, challenge: False)
    order = desk.order(challenge_type="dns-01")
    for _round in range(3):
        advance()
    challenge = AcmeChallenge.objects.get(authorization__order=order)
    assert challenge.status == AcmeChallenge.Status.PRESENTED
    told = complete_challenge(actor=desk.office.owner, challenge=Ref("public_id", challenge.public_id))
    assert told.status == AcmeChallenge.Status.PROCESSING
    assert carried_out(order).status == Status.VALID


def test_an_order_is_taken_back_and_ordered_again(desk: Desk, published, monkeypatch):
    monkeypatch.setattr(type(SOLVERS["http-01"]), "is_ready", lambda self, challenge: False)
    order = desk.order()
    for _round in range(3):
        advance()
    assert published["http-01"]
    cancelled = cancel_order(actor=desk.office.owner, order=Ref("pk", order.pk))
    assert (cancelled.status, cancelled.sealed_key) == (Status.CANCELLED, None)
    carried_out(order)
    assert not published["http-01"]
    monkeypatch.setattr(type(SOLVERS["http-01"]), "is_ready", lambda self, challenge: True)
    again = retry_order(actor=desk.office.owner, order=Ref("pk", order.pk))
    assert again.pk != order.pk
    assert carried_out(again).status == Status.VALID
    with pytest.raises(Conflict):
        retry_order(actor=desk.office.owner, order=Ref("pk", again.pk))


def test_revoking_goes_to_the_ca_first(desk: Desk, pebble):
    row = carried_out(desk.order()).certificate
    revoked = revoke_public_certificate(
        actor=desk.office.owner, certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded, comment="a new one"
    )
    assert pebble.status_of(row.serial) == "Revoked"
    assert revoked.state == Certificate.State.REVOKED
    assert (revoked.open_revocation.reason, revoked.open_revocation.comment) == ("superseded", "a new one")
    with pytest.raises(AlreadyRevoked):
        revoke_public_certificate(actor=desk.office.owner, certificate=Ref("pk", row.pk))
    # An answer that was lost: the CA has done it, the register does not know it yet.
    Certificate.objects.filter(pk=row.pk).update(state=Certificate.State.ISSUED)
    row.revocations.all().delete()
    again = revoke_public_certificate(actor=desk.office.owner, certificate=Ref("pk", row.pk))
    assert again.state == Certificate.State.REVOKED


def test_a_certificate_that_is_due_has_one_successor(desk: Desk):
    row = carried_out(desk.order()).certificate
    Certificate.objects.filter(pk=row.pk).update(renew_at=timezone.now() - timedelta(seconds=1))
    assert renew_due_public_certificates(actor=SYSTEM) == 1
    assert renew_due_public_certificates(actor=SYSTEM) == 0
    with pytest.raises(Conflict):
        renew_public_certificate(actor=desk.office.owner, certificate=Ref("pk", row.pk))
    order = AcmeOrder.objects.get(replaces=row)
    successor = carried_out(order).certificate
    assert (successor.replaces, successor.sans, successor.owner) == (row, row.sans, row.owner)
    assert successor.key_hash != row.key_hash
    assert renew_due_public_certificates(actor=SYSTEM) == 0


def test_a_renewal_that_fails_is_tried_again_later(desk: Desk):
    row = carried_out(desk.order()).certificate
    Certificate.objects.filter(pk=row.pk).update(renew_at=timezone.now())
    desk.office.organization.public_names.all().delete()
    assert renew_due_public_certificates(actor=SYSTEM) == 0
    row.refresh_from_db()
    assert row.renew_at > timezone.now() + timedelta(minutes=30)


def test_an_order_waits_for_as_many_approvers_as_its_account_asks_for(db, pebble, published, monkeypatch):
    desk = open_desk(open_office(), pebble, approvals_needed=1)
    approver = cast.member(desk.office.organization, "approver").actor
    order, refused = desk.order(), desk.order(SUFFIX)
    advance()
    order.refresh_from_db()
    assert (order.status, order.request.kind, order.order_url) == (Status.WAITING, Request.Kind.ACME, "")
    with pytest.raises(Denied):
        approve_request(actor=desk.office.owner, request=Ref("pk", order.request_id), digest=order.request.digest)
    with pytest.raises(Conflict):
        approve_request(actor=approver, request=Ref("pk", order.request_id), digest=refused.request.digest)
    approve_request(actor=approver, request=Ref("pk", order.request_id), digest=order.request.digest)
    reject_request(actor=approver, request=Ref("pk", refused.request_id), reason="not that one")
    assert carried_out(order).status == Status.VALID
    order.request.refresh_from_db()
    assert (order.request.status, order.request.certificate) == (Request.Status.FULFILLED, order.certificate)
    assert carried_out(refused).status == Status.INVALID
    # Who takes it back, after it was agreed to, gets nothing.
    third = desk.order()
    approve_request(actor=approver, request=Ref("pk", third.request_id), digest=third.request.digest)
    monkeypatch.setattr(type(SOLVERS["http-01"]), "is_ready", lambda self, challenge: False)
    for _round in range(3):
        advance()
    third.refresh_from_db()
    assert third.status == Status.AUTHORIZING
    cancel_request(actor=desk.office.owner, request=Ref("pk", third.request_id))
    assert carried_out(third).status == Status.INVALID
    # What was approved once is approved for its successor.
    renewal = renew_public_certificate(actor=desk.office.owner, certificate=Ref("pk", order.certificate_id))
    assert (renewal.status, renewal.request) == (Status.PENDING, None)

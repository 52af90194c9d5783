"""What was approved is issued once, exactly as it was approved, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags
from django.db import transaction
from django.utils import timezone

from accounts.roles import OrganizationRole
from accounts.services.organizations import change_member_role, remove_member
from audit import services as audit
from cas.core.keys import load_private_key, public_key_sha256, same_key
from cas.models import BlockedKey
from cas.services.authorities import disable_ca, enable_ca, update_ca
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from cas.services.templates import retire_template
from certificates.models import Certificate, Decision, Request
from certificates.orders import RevokeAuthorityOrder
from certificates.services import fulfilment, minting
from certificates.services.fulfilment import expire_lapsed_requests, fulfil_due_requests, fulfil_request
from certificates.services.keys import collect_private_key
from certificates.services.revocation import revoke_authority
from certificates.services.sweeps import fulfil_approved
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, Gone, NotFound, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, pki
from tests.certificates.asking import Desk, named, open_desk
from tests.happened import happenings, last_event
from tests.refusals import refused

pytestmark = pytest.mark.django_db

Status = Request.Status
Custody = Certificate.KeyCustody
PASSPHRASE = Secret("open, sesame seeds")


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def fulfil(desk: Desk, request: Request, **more: object) -> Request:
    return fulfil_request(actor=desk.asker.actor, request=named(request), **more)


# --- fulfilled --------------------------------------------------------------------------------------------------------


def test_the_worker_issues_what_was_approved(desk):
    request = desk.approved(desk.order(tags=("shop",), description="for the shop", identifier="shop", usage="server"))
    with happenings() as names:
        assert fulfil_approved() == 1
    assert names == ["certificate.issued", "request.fulfilled"]
    request.refresh_from_db()
    row = request.certificate
    assert (request.status, request.due_at, row.state) == (Status.FULFILLED, None, "issued")
    assert (row.subject, row.sans, row.tags) == ("CN=www.acme.test", ["www.acme.test"], ["shop"])
    assert (row.description, row.identifier, row.usage) == ("for the shop", "shop", "server")
    assert (row.owner, row.requester_label) == (desk.asker.user, desk.asker.user.email)
    assert row.profile_id == request.profile_id
    assert fulfil_approved() == 0


def test_what_was_not_approved_is_left_alone(desk):
    request = desk.ask()
    assert fulfil_approved() == 0
    with refused(Conflict, "request-state"):
        fulfil(desk, request)
    assert not Certificate.objects.exists()


def test_a_managed_key_waits_for_whoever_asked_and_is_collected_once(desk):
    row = fulfil(desk, desk.approved()).certificate
    assert row.key_custody == Custody.WAITING
    ref = Ref("pk", row.pk)
    with pytest.raises(Denied):
        collect_private_key(actor=desk.approver.actor, certificate=ref)
    _row, key = collect_private_key(actor=desk.asker.actor, certificate=ref)
    assert same_key(load_private_key(key, trusted=False).public_key(), row.body.x509.public_key())
    with refused(Gone, "key-collected"):
        collect_private_key(actor=desk.asker.actor, certificate=ref)


def test_a_key_that_is_kept_is_given_to_whoever_asked_once_too(desk):
    order = replace(role_order(desk.office.role), store_private_keys=True)
    update_role(actor=desk.office.owner, role=desk.office.role, order=order)
    row = fulfil(desk, desk.approved()).certificate
    assert row.key_custody == Custody.STORED
    ref = Ref("pk", row.pk)
    with pytest.raises(Denied):
        collect_private_key(actor=desk.approver.actor, certificate=ref)
    collect_private_key(actor=desk.asker.actor, certificate=ref)
    with pytest.raises(Denied):
        collect_private_key(actor=desk.asker.actor, certificate=ref)
    collect_private_key(actor=desk.office.owner, certificate=ref)


def test_a_csr_is_certified_with_its_own_key(desk):
    row = fulfil(desk, desk.approved(desk.order_by_csr())).certificate
    assert row.key_hash == public_key_sha256(pki.a_key().public_key())
    assert row.key_custody == Custody.SUBSCRIBER
    with refused(NotFound, "no-private-key"):
        collect_private_key(actor=desk.asker.actor, certificate=Ref("pk", row.pk))


def test_every_kind_of_name_survives_the_wait():
    desk = open_desk()
    csr = desk.order_by_csr(
        subject=x509.Name.from_rfc4514_string("CN=www.acme.test"),
        sans=(x509.DNSName("*.acme.test"), x509.IPAddress(ip_address("192.0.2.1")), x509.DNSName("www.acme.test")),
    )
    row = fulfil(desk, desk.approved(csr)).certificate
    assert row.sans == ["www.acme.test", "*.acme.test", "192.0.2.1"]


def test_two_calls_make_one_certificate(desk):
    request = desk.approved()
    first = fulfil(desk, request)
    with happenings() as names:
        assert fulfil(desk, request).certificate == first.certificate
    assert names == []
    assert Certificate.objects.count() == 1


def test_an_approver_may_say_now_and_who_may_neither_ask_nor_decide_may_not(desk):
    request = desk.approved()
    auditor = cast.member(desk.office.organization, OrganizationRole.AUDITOR)
    with pytest.raises(Denied):
        fulfil_request(actor=auditor.actor, request=named(request))
    assert fulfil_request(actor=desk.approver.actor, request=named(request)).status == Status.FULFILLED


def test_rows_and_events_know_each_other(desk):
    fulfil(desk, desk.approved())
    audit.seal(actor=SYSTEM)
    assert not audit.verify().findings


# --- a CA with a passphrase -------------------------------------------------------------------------------------------


def test_a_locked_ca_waits_for_somebody_with_the_passphrase():
    desk = open_desk(passphrase=PASSPHRASE)
    request = desk.approved(desk.order(passphrase=PASSPHRASE))
    assert request.due_at is None
    assert fulfil_approved() == 0
    with refused(Unavailable, "ca-locked"):
        fulfil(desk, request)
    with refused(Denied, "wrong-passphrase"):
        fulfil(desk, request, passphrase=Secret("another sentence"))
    request.refresh_from_db()
    assert request.status == Status.APPROVED
    assert fulfil(desk, request, passphrase=PASSPHRASE).status == Status.FULFILLED


# --- what changed meanwhile -------------------------------------------------------------------------------------------


def _change_template(desk: Desk) -> None:
    desk.change_template(validity=timedelta(days=10))


def _loosen_template(desk: Desk) -> None:
    desk.change_template(requires_approval=False)


def _retire_template(desk: Desk) -> None:
    retire_template(actor=desk.office.owner, template=desk.office.template)


def _change_role(desk: Desk) -> None:
    order = replace(role_order(desk.office.role), max_ttl=timedelta(days=100))
    update_role(actor=desk.office.owner, role=desk.office.role, order=order)


def _revoke_ca(desk: Desk) -> None:
    order = RevokeAuthorityOrder(ca=Ref("pk", desk.office.issuing.pk), reason=ReasonFlags.superseded)
    revoke_authority(actor=desk.office.owner, order=order)


def _revoke_root(desk: Desk) -> None:
    order = RevokeAuthorityOrder(ca=Ref("pk", desk.office.root.pk), reason=ReasonFlags.superseded)
    revoke_authority(actor=desk.office.owner, order=order)


def _ask_for_two(desk: Desk) -> None:
    update_ca(actor=desk.office.owner, ca=desk.office.issuing, requires_approval=True, approvals_needed=2)


def _remove_approver(desk: Desk) -> None:
    remove_member(actor=desk.office.owner, membership=desk.approver.user.memberships.get())


def _demote_approver(desk: Desk) -> None:
    change_member_role(
        actor=desk.office.owner, membership=desk.approver.user.memberships.get(), role=OrganizationRole.AUDITOR
    )


def _remove_asker(desk: Desk) -> None:
    remove_member(actor=desk.office.owner, membership=desk.asker.user.memberships.get())


def _block_key(desk: Desk) -> None:
    key_hash = public_key_sha256(pki.a_key().public_key())
    BlockedKey.objects.create(organization=desk.office.organization, key_hash=key_hash, reason="lost")


MEANWHILE: dict[str, tuple[Callable[[Desk], None], str]] = {
    "the template changed": (_change_template, "template-changed"),
    "the template asks for no approval any more": (_loosen_template, "template-changed"),
    "the template was retired": (_retire_template, "template-changed"),
    "the role changed": (_change_role, "template-changed"),
    "the CA was revoked": (_revoke_ca, "ca-not-active"),
    "a CA above it was revoked": (_revoke_root, "ca-not-active"),
    "the CA asks for more approvals": (_ask_for_two, "approvals-missing"),
    "the approver left": (_remove_approver, "approvals-missing"),
    "the approver decides on nothing any more": (_demote_approver, "approvals-missing"),
    "whoever asked left": (_remove_asker, "requester-not-permitted"),
    "the key was blocked": (_block_key, "validation-failed"),
}


@pytest.mark.parametrize(("happen", "code"), MEANWHILE.values(), ids=MEANWHILE)
def test_what_changed_since_ends_the_request_and_nothing_else_is_issued(desk, happen, code):
    request = desk.approved(desk.order_by_csr())
    happen(desk)
    with happenings() as names:
        fulfil_approved()
    assert names == ["request.failed"]
    request.refresh_from_db()
    assert (request.status, request.certificate) == (Status.FAILED, None)
    assert request.last_error
    assert last_event().document["metadata"]["code"] == code
    assert not Certificate.objects.exists()
    assert fulfil_approved() == 0


def test_whoever_calls_learns_the_reason_too(desk):
    request = desk.approved()
    desk.change_template(validity=timedelta(days=10))
    failed = fulfil(desk, request)
    assert failed.status == Status.FAILED
    assert failed.last_error == "Voided: the template web-tls has changed since. Ask anew."


def test_what_would_be_signed_is_compared_with_what_was_approved(desk):
    request = desk.approved()
    Request.objects.update(sans=[["dns", "shop.acme.test"]])
    failed = fulfil(desk, request)
    assert (failed.status, failed.last_error) == (Status.FAILED, "Voided: this is not what was approved.")
    assert not Certificate.objects.exists()


def test_a_yes_to_something_else_does_not_count(desk):
    request = desk.approved()
    Decision.objects.update(digest="0" * 64)
    assert fulfil(desk, request).status == Status.FAILED


def test_an_identifier_that_was_given_away_meanwhile(desk):
    request = desk.approved(desk.order(identifier="shop"))
    certificate = fulfil(desk, desk.approved()).certificate
    Certificate.objects.filter(pk=certificate.pk).update(identifier="shop")
    failed = fulfil(desk, request)
    assert (failed.status, failed.last_error) == (Status.FAILED, "This identifier is in use.")


# --- a bad moment -----------------------------------------------------------------------------------------------------


def test_a_ca_that_is_out_of_service_for_a_while_is_tried_again(desk):
    request = desk.approved()
    disable_ca(actor=desk.office.owner, ca=desk.office.issuing)
    with happenings() as names:
        assert fulfil_approved() == 0
    assert names == []
    request.refresh_from_db()
    assert (request.status, request.attempts, request.lease) == (Status.APPROVED, 1, None)
    assert "disabled" in request.last_error
    assert request.due_at > timezone.now()
    enable_ca(actor=desk.office.owner, ca=desk.office.issuing)
    assert fulfil_approved() == 0, "not before its time"
    Request.objects.update(due_at=timezone.now())
    assert fulfil_approved() == 1


def test_pauses_grow(desk):
    request = desk.approved()
    disable_ca(actor=desk.office.owner, ca=desk.office.issuing)
    for attempts, planned in ((0, 10), (3, 80), (30, 3600)):
        Request.objects.update(due_at=timezone.now(), attempts=attempts)
        fulfil_approved()
        request.refresh_from_db()
        pause = (request.due_at - timezone.now()).total_seconds()
        assert 0.7 * planned < pause < 1.3 * planned, "what failed together is not tried together"


def test_one_that_fails_does_not_stop_the_others(desk, monkeypatch):
    first, second = desk.approved(desk.order(usage="first")), desk.approved()
    real = fulfilment.obtain_key

    def break_first(order, template):
        if order.usage == "first":
            raise RuntimeError("a secret detail")
        return real(order, template)

    monkeypatch.setattr(fulfilment, "obtain_key", break_first)
    assert fulfil_approved() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.attempts, first.last_error) == (Status.APPROVED, 1, "RuntimeError")
    assert second.status == Status.FULFILLED


def test_a_worker_that_lost_its_lease_issues_nothing(desk, monkeypatch):
    request = desk.approved()
    real = fulfilment.obtain_key

    def be_slow(order, template):
        Request.objects.update(lease=request.public_id)
        return real(order, template)

    monkeypatch.setattr(fulfilment, "obtain_key", be_slow)
    assert fulfil_approved() == 0
    assert not Certificate.objects.exists()


def test_what_another_worker_has_in_hand_is_not_taken(desk):
    request = desk.approved()
    Request.objects.update(lease=request.public_id, lease_until=timezone.now() + timedelta(minutes=1))
    assert fulfil_approved() == 0
    Request.objects.update(lease_until=timezone.now())
    assert fulfil_approved() == 1, "whoever had it is gone"


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["pending", "approved"])
def test_what_nobody_finished_expires(desk, state):
    request = desk.approved() if state == "approved" else desk.ask()
    assert expire_lapsed_requests(actor=SYSTEM) == 0
    Request.objects.update(expires_at=timezone.now())
    with happenings() as names:
        assert fulfil_approved() == 1
    assert names == ["request.expired"]
    request.refresh_from_db()
    assert (request.status, request.due_at) == (Status.EXPIRED, None)
    with refused(Conflict, "request-state"):
        fulfil(desk, request)


def test_an_expired_request_is_not_fulfilled_before_the_sweep_comes(desk):
    request = desk.approved()
    Request.objects.update(expires_at=timezone.now())
    with refused(Conflict, "request-expired"):
        fulfil(desk, request)
    assert not Certificate.objects.exists()


def test_a_sweep_reaches_no_further_than_its_actor(desk):
    desk.approved()
    stranger = cast.stranger()
    assert fulfil_due_requests(actor=stranger.actor) == 0
    Request.objects.update(expires_at=timezone.now())
    assert expire_lapsed_requests(actor=stranger.actor) == 0


def test_no_road_goes_around_the_approval(desk):
    """`mint` itself asks: whoever calls it without an approval signs nothing."""
    key = minting.obtain_key(desk.order(), desk.office.template)
    with refused(Denied, "approval-required"), transaction.atomic():
        minting.mint(desk.office.owner, desk.office.template, minting.Wanted(desk.order(), key), now=timezone.now())

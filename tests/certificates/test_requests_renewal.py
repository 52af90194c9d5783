"""Renewals: which inherit an approval, and which wait for one of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags

from accounts.roles import OrganizationRole
from cas.core.keys import KeyAlgorithm, load_private_key, same_key
from cas.services.authorities import update_ca
from certificates.models import Certificate, Request
from certificates.orders import Managed, RenewOrder, RevokeOrder, SameKey
from certificates.services.fulfilment import fulfil_request
from certificates.services.keys import collect_private_key, is_awaited
from certificates.services.minting import Issued
from certificates.services.renewal import renew_at_once, renew_certificate
from certificates.services.requests import approve_request, cancel_request
from certificates.services.revocation import revoke_certificate
from certificates.services.submission import AwaitingApproval
from certificates.services.sweeps import fulfil_approved
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from tests import cast, pki
from tests.certificates.asking import Desk, approve, named, open_desk, with_capability
from tests.happened import happenings, last_event
from tests.refusals import refused

pytestmark = pytest.mark.django_db

Status = Request.Status
Custody = Certificate.KeyCustody


def of(row: Certificate, **changes: object) -> RenewOrder:
    return RenewOrder(certificate=Ref("pk", row.pk), **changes)


def renew(desk: Desk, row: Certificate, actor: Actor | None = None, **changes: object) -> Issued | AwaitingApproval:
    return renew_certificate(actor=actor or desk.office.owner, order=of(row, **changes))


def renewed(desk: Desk, row: Certificate, **changes: object) -> Certificate:
    outcome = renew(desk, row, **changes)
    assert isinstance(outcome, Issued)
    return outcome.certificate


def asked(desk: Desk, row: Certificate, **changes: object) -> Request:
    """The request that a renewal becomes; a worker who does not wait is refused."""
    with refused(Denied, "approval-required"):
        renew_at_once(actor=desk.office.owner, order=of(row, **changes))
    outcome = renew(desk, row, **changes)
    assert isinstance(outcome, AwaitingApproval)
    return outcome.request


def approved_certificate(desk: Desk, **changes: object) -> Certificate:
    request = desk.approved(desk.order(**changes))
    certificate = fulfil_request(actor=desk.asker.actor, request=named(request)).certificate
    assert certificate is not None
    return certificate


def fulfilled(desk: Desk, request: Request) -> Request:
    desk.approve(request)
    return fulfil_request(actor=desk.office.owner, request=named(request))


# --- a stranger -------------------------------------------------------------------------------------------------------


def test_a_stranger_asks_for_no_renewal():
    desk = open_desk()
    row = approved_certificate(desk)
    with refused(NotFound, "certificate-not-found"):
        renew(desk, row, actor=cast.stranger().actor)
    assert Request.objects.filter(kind="renew").count() == 0


# --- inherited --------------------------------------------------------------------------------------------------------


def test_where_the_template_says_so_a_renewal_inherits_the_approval():
    desk = open_desk(approval_covers_renewal=True)
    second = renewed(desk, approved_certificate(desk))
    assert renewed(desk, second).replaces == second
    again = renew_at_once(actor=desk.office.owner, order=of(second, again=True)).certificate
    assert again.replaces == second


OTHERS = {
    "a longer life": {"validity": timedelta(days=300)},
    "another kind of key": {"key": Managed(KeyAlgorithm.ECDSA_P384)},
    "a key from elsewhere": {"key": "csr"},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_a_renewal_inherits_nothing_for_something_else(change):
    desk = open_desk(approval_covers_renewal=True, any_key_algorithm=True)
    row = approved_certificate(desk)
    if change.get("key") == "csr":
        change = {"key": desk.order_by_csr().key}
    request = asked(desk, row, **change)
    assert (request.kind, request.replaces, request.status) == ("renew", row, Status.PENDING)
    assert row.replaced_by.count() == 0


def test_a_renewal_inherits_nothing_from_another_version():
    desk = open_desk(approval_covers_renewal=True)
    row = approved_certificate(desk)
    desk.change_template(description="in other words")
    asked(desk, row)


def test_a_certificate_that_nobody_approved_has_nothing_to_inherit():
    desk = open_desk(requires_approval=False, approval_covers_renewal=True)
    row = desk.office.issue().certificate
    update_ca(actor=desk.office.owner, ca=desk.office.issuing, requires_approval=True)
    asked(desk, row)


def test_an_approved_renewal_is_inherited_from_too():
    desk = open_desk(approval_covers_renewal=True)
    longer = fulfilled(desk, asked(desk, approved_certificate(desk), validity=timedelta(days=300))).certificate
    assert longer is not None
    assert renewed(desk, longer, validity=timedelta(days=300)).replaces == longer


# --- asked for --------------------------------------------------------------------------------------------------------


def test_a_renewal_that_waits_is_a_request_and_then_a_successor():
    desk = open_desk()
    row = approved_certificate(desk, tags=("shop",), description="for the shop", usage="server")
    with happenings() as names:
        outcome = renew(desk, row)
    assert names == ["request.submitted"]
    assert isinstance(outcome, AwaitingApproval)
    assert last_event().document["metadata"]["replaces"] == str(row.public_id)
    request = outcome.request
    assert (request.subject, request.sans, request.tags) == (row.subject, [["dns", "www.acme.test"]], ["shop"])
    successor = fulfilled(desk, request).certificate
    assert successor is not None
    assert (successor.replaces, successor.sans, successor.description) == (row, row.sans, "for the shop")
    assert successor.key_custody == Custody.WAITING
    _row, key = collect_private_key(actor=desk.office.owner, certificate=Ref("pk", successor.pk))
    public_key = successor.body.x509.public_key()
    assert same_key(load_private_key(key, trusted=False).public_key(), public_key)
    assert not same_key(public_key, row.body.x509.public_key())


def test_a_worker_makes_it_as_well():
    desk = open_desk()
    row = approved_certificate(desk)
    desk.approve(asked(desk, row))
    assert fulfil_approved() == 1
    assert row.replaced_by.count() == 1


@pytest.mark.parametrize("stored", [True, False])
def test_the_same_key_waits_too(stored):
    desk = open_desk(renew_same_key=True)
    row = approved_certificate(desk)
    if stored:
        desk.store_keys()
        row = fulfilled(desk, asked(desk, row)).certificate
    request = asked(desk, row, key=SameKey())
    assert (request.same_key, request.csr, request.is_key_made_here) == (True, None, False)
    successor = fulfilled(desk, request).certificate
    assert successor is not None, request.last_error
    assert same_key(successor.body.x509.public_key(), row.body.x509.public_key())
    assert successor.key_custody == (Custody.STORED if stored else Custody.RETURNED)


def test_a_renewal_with_the_same_key_hands_nobody_the_key_of_another():
    desk = open_desk(renew_same_key=True)
    desk.store_keys()
    row = fulfilled(desk, desk.ask(actor=desk.office.owner)).certificate
    operator = cast.member(desk.office.organization, OrganizationRole.OPERATOR).actor
    outcome = renew(desk, row, operator, key=SameKey())
    assert isinstance(outcome, AwaitingApproval)
    successor = fulfilled(desk, outcome.request).certificate
    assert successor is not None
    assert not is_awaited(successor)
    for actor in (operator, desk.asker.actor):
        with refused(Denied):
            collect_private_key(actor=actor, certificate=Ref("pk", successor.pk))
    collect_private_key(actor=desk.office.owner, certificate=Ref("pk", successor.pk))


def test_a_key_of_the_subscribers_own_waits_too():
    desk = open_desk(renew_same_key=True)
    request = desk.approved(desk.order_by_csr())
    row = fulfil_request(actor=desk.asker.actor, request=named(request)).certificate
    renewal = asked(desk, row)
    assert renewal.same_key
    successor = fulfilled(desk, renewal).certificate
    assert successor is not None
    assert same_key(successor.body.x509.public_key(), pki.a_key().public_key())
    assert successor.key_custody == Custody.SUBSCRIBER


def test_nobody_is_asked_for_a_renewal_that_can_never_be():
    desk = open_desk()
    row = approved_certificate(desk)
    with pytest.raises(Invalid):
        renew(desk, row, validity=timedelta(days=999))
    _revoke(desk, row)
    with refused(Conflict, "certificate-revoked"):
        renew(desk, row)
    assert not Request.objects.filter(kind="renew").exists()


def _revoke(desk: Desk, row: Certificate) -> None:
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=desk.office.owner, order=order)


def _renew_otherwise(desk: Desk, row: Certificate) -> None:
    fulfilled(desk, asked(desk, row))


def _take_permission(desk: Desk, _row: Certificate) -> None:
    desk.office.person.user.memberships.update(role=OrganizationRole.MEMBER)


MEANWHILE: dict[str, tuple[Callable[[Desk, Certificate], None], str]] = {
    "the predecessor was revoked": (_revoke, "certificate-revoked"),
    "it has a successor": (_renew_otherwise, "already-renewed"),
    "whoever asked may issue, but not renew": (_take_permission, "requester-not-permitted"),
}


@pytest.mark.parametrize(("happen", "code"), MEANWHILE.values(), ids=MEANWHILE)
def test_what_happened_to_the_predecessor_ends_the_request(happen, code):
    desk = open_desk()
    row = approved_certificate(desk)
    request = desk.approve(asked(desk, row))
    happen(desk, row)
    before = Certificate.objects.count()
    assert fulfil_approved() == 1
    request.refresh_from_db()
    assert (request.status, Certificate.objects.count()) == (Status.FAILED, before)
    assert last_event().document["metadata"]["code"] == code


def test_another_successor_is_made_where_that_was_asked_for():
    desk = open_desk()
    row = approved_certificate(desk)
    request = asked(desk, row, again=True)
    _renew_otherwise(desk, row)
    assert fulfilled(desk, request).status == Status.FULFILLED
    assert row.replaced_by.count() == 2


def test_nobody_approves_their_own_renewal_and_who_asked_takes_it_back():
    desk = open_desk()
    request = asked(desk, approved_certificate(desk))
    owner = with_capability(desk.office.person, "requests:decide")
    with refused(Denied, "own-request"):
        approve(request, owner)
    with refused(Denied, "not-own-request"):
        cancel_request(actor=desk.asker.actor, request=named(request))
    assert cancel_request(actor=owner, request=named(request)).status == Status.CANCELLED


def test_the_digest_says_which_key_is_kept():
    desk = open_desk(renew_same_key=True)
    kept, new = (asked(desk, approved_certificate(desk), key=key) for key in (SameKey(), None))
    assert kept.digest == new.digest, "a key of ours is known by its kind"
    own = desk.approved(desk.order_by_csr())
    row = fulfil_request(actor=desk.asker.actor, request=named(own)).certificate
    request = asked(desk, row)
    with refused(Conflict, "digest-mismatch"):
        approve_request(actor=desk.approver.actor, request=named(request), digest=kept.digest)

"""Several at one request at once: the quorum is counted by one at a time, and there is one certificate."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.x509 import ReasonFlags

from certificates.models import Certificate, Request
from certificates.orders import RevokeAuthorityOrder
from certificates.services import fulfilment, requests
from certificates.services.fulfilment import fulfil_request
from certificates.services.requests import cancel_request, reject_request
from certificates.services.revocation import revoke_authority
from certificates.services.sweeps import fulfil_approved
from kernel.errors import Conflict
from kernel.ref import Ref
from tests.certificates.asking import approve, named, open_desk
from tests.happened import happenings
from tests.postgres import Gate, Session, wait_until_blocked

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

Status = Request.Status


def stop_once(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Gate:
    """The first call of this step ends at a gate; the later ones pass."""
    gate, real = Gate(), getattr(module, name)
    waiting = [gate]

    def call_and_stop(*arguments: Any, **named_ones: Any) -> Any:
        result = real(*arguments, **named_ones)
        if waiting:
            waiting.pop().pass_through()
        return result

    monkeypatch.setattr(module, name, call_and_stop)
    return gate


def test_two_approvers_at_once_are_two_and_approve_once(monkeypatch: pytest.MonkeyPatch):
    desk = open_desk(approvals_needed=2)
    request = desk.ask()
    gate = stop_once(monkeypatch, requests, "_apply")
    with happenings() as names:
        first = Session(lambda: approve(request, desk.approver.actor))
        gate.wait_until_reached()
        second = Session(lambda: approve(request, desk.second.actor))
        wait_until_blocked()
        gate.open()
        assert (first.finish().status, second.finish().status) == (Status.PENDING, Status.APPROVED)
    assert names == ["request.approved", "request.approved"]


def test_a_yes_and_a_no_at_once_are_one_of_them(monkeypatch: pytest.MonkeyPatch):
    desk = open_desk()
    request = desk.ask()
    gate = stop_once(monkeypatch, requests, "_apply")
    no = Session(
        lambda: reject_request(
            actor=desk.approver.actor, request=named(request), digest=request.digest, reason="not our shop"
        )
    )
    gate.wait_until_reached()
    yes = Session(lambda: approve(request, desk.second.actor))
    wait_until_blocked()
    gate.open()
    assert no.finish().status == Status.REJECTED
    with pytest.raises(Conflict):
        yes.finish()


def test_the_same_approver_twice_at_once_counts_once(monkeypatch: pytest.MonkeyPatch):
    desk = open_desk(approvals_needed=2)
    request = desk.ask()
    gate = stop_once(monkeypatch, requests, "_apply")
    first = Session(lambda: approve(request, desk.approver.actor))
    gate.wait_until_reached()
    again = Session(lambda: approve(request, desk.approver.actor))
    wait_until_blocked()
    gate.open()
    assert first.finish().status == Status.PENDING
    with pytest.raises(Conflict):
        again.finish()


def test_a_worker_and_a_person_at_once_make_one_certificate(monkeypatch: pytest.MonkeyPatch):
    desk = open_desk()
    request = desk.approved()
    gate = stop_once(monkeypatch, fulfilment, "mint")
    worker = Session(fulfil_approved)
    gate.wait_until_reached()
    person = Session(lambda: fulfil_request(actor=desk.asker.actor, request=named(request)))
    wait_until_blocked()
    gate.open()
    assert worker.finish() == 1
    answered = person.finish()
    assert answered.status == Status.FULFILLED
    assert Certificate.objects.get() == answered.certificate


def test_two_workers_share_the_work():
    desk = open_desk()
    wanted = {desk.approved().pk for _number in range(6)}
    workers = [Session(fulfil_approved) for _number in range(3)]
    assert sum(worker.finish() for worker in workers) == len(wanted)
    assert set(Certificate.objects.values_list("request", flat=True)) == wanted


def test_a_request_that_is_cancelled_while_it_is_fulfilled_is_one_or_the_other(monkeypatch: pytest.MonkeyPatch):
    desk = open_desk()
    request = desk.approved()
    gate = stop_once(monkeypatch, fulfilment, "mint")
    worker = Session(fulfil_approved)
    gate.wait_until_reached()
    cancelling = Session(lambda: cancel_request(actor=desk.asker.actor, request=named(request)))
    wait_until_blocked()
    gate.open()
    assert worker.finish() == 1
    with pytest.raises(Conflict):
        cancelling.finish()
    request.refresh_from_db()
    assert request.status == Status.FULFILLED


def test_a_ca_that_is_revoked_while_a_request_is_fulfilled(monkeypatch: pytest.MonkeyPatch):
    desk = open_desk()
    request, late = desk.approved(), desk.approved()
    gate = stop_once(monkeypatch, fulfilment, "mint")
    first = Session(lambda: fulfil_request(actor=desk.asker.actor, request=named(request)))
    gate.wait_until_reached()
    order = RevokeAuthorityOrder(ca=Ref("pk", desk.office.issuing.pk), reason=ReasonFlags.superseded)
    revoking = Session(lambda: revoke_authority(actor=desk.office.owner, order=order))
    wait_until_blocked()
    second = Session(lambda: fulfil_request(actor=desk.asker.actor, request=named(late)))
    wait_until_blocked(sessions=2)
    gate.open()
    certificate = first.finish().certificate
    revoking.finish()
    assert second.finish().status == Status.FAILED
    certificate.refresh_from_db()
    assert certificate.state == Certificate.State.REVOKED
    assert Certificate.objects.count() == 1

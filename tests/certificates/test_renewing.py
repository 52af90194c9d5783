"""Renewal that happens by itself: once, in time, for who answers for it; and what is said where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from cryptography import x509
from django.utils import timezone

from accounts import queue
from accounts.models import Organization, ServiceAccount
from accounts.services.credentials import actor_of_service_account
from accounts.services.issuance_policies import PolicyOrder, set_issuance_policy
from accounts.services.service_accounts import create_service_account
from audit.models import AuditEvent
from cas.core.csr import read_csr
from cas.services.authorities import disable_ca, enable_ca
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from cas.services.templates import order_of as template_order
from cas.services.templates import retire_template, update_template
from certificates.models import Certificate, Renewal, Request
from certificates.orders import IssueOrder, RenewOrder, RevokeOrder
from certificates.services import renewing
from certificates.services.editing import update_certificate
from certificates.services.fulfilment import fulfil_due_requests, fulfil_request
from certificates.services.issuance import issue_certificate
from certificates.services.keys import collect_private_key
from certificates.services.many import foresee_handovers
from certificates.services.renewal import renew_certificate
from certificates.services.requests import reject_request
from certificates.services.revocation import Reason, release_certificate, revoke_certificate
from certificates.services.scheduling import schedule_renewal, unschedule_renewal
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, pki
from tests.certificates.asking import approve, open_desk, robot_made_by, with_capability
from tests.clock import Clock
from tests.happened import happenings
from tests.office import Office, open_office, order_for
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
Standing = Renewal.Standing


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def renewing_itself(office: Office, **changes: Any) -> Certificate:
    return office.issue(**({"renew_ahead": 30 * DAY, "validity": 90 * DAY} | changes)).certificate


def by_csr(office: Office) -> Certificate:
    csr = read_csr(pki.make_csr(pki.a_key(), subject="CN=www.acme.test", sans=("www.acme.test",)))
    order = IssueOrder(template=office.template.code, key=csr, renew_ahead=30 * DAY)
    return issue_certificate(actor=office.owner, order=order).certificate


def sweep(actor: Actor = SYSTEM) -> int:
    return renewing.renew_due_certificates(actor=actor)


def come_due(clock: Clock) -> int:
    """The time of a renewal comes, and then the moment that was drawn for it."""
    due = Certificate.objects.filter(renew_at__isnull=False).order_by("renew_at").first()
    assert due is not None
    clock.move_to(due.renew_at)
    before = sweep()
    clock.advance(timedelta(hours=1))
    return before + sweep()


def again(clock: Clock) -> int:
    """The pause is over."""
    clock.move_to(Renewal.objects.get().due_at)
    return sweep()


def of(row: Certificate) -> Ref:
    return Ref("pk", row.pk)


def successor(row: Certificate) -> Certificate:
    return row.replaced_by.get()


# --- the successor ----------------------------------------------------------------------------------------------------


def test_nothing_happens_before_its_time(office, clock):
    row = renewing_itself(office)
    clock.move_to(row.renew_at - timedelta(seconds=1))
    assert (sweep(), Renewal.objects.count()) == (0, 0)


def test_what_is_due_has_one_successor_that_will_have_one_too(office, clock):
    row = renewing_itself(office, tags=("prod",), description="The site")
    with happenings() as told:
        assert come_due(clock) == 1
    new = successor(row)
    assert (new.common_name, new.sans, new.tags, new.description) == (row.common_name, row.sans, ["prod"], "The site")
    assert (new.owner, new.requester_kind, new.key_custody) == (row.owner, "system", "waiting")
    assert new.not_after - new.not_before == row.not_after - row.not_before
    assert new.auto_renew
    assert new.not_after - new.renew_at == 30 * DAY
    assert new.key_hash != row.key_hash
    assert told == ["certificate.issued"]
    row.refresh_from_db()
    assert (row.renew_at, row.auto_renew, Renewal.objects.count()) == (None, True, 0)
    clock.move_to(row.not_after)
    assert (sweep(), row.replaced_by.count()) == (0, 1)


def test_its_owner_collects_the_key(office, clock):
    row = renewing_itself(office)
    come_due(clock)
    _row, key = collect_private_key(actor=office.owner, certificate=of(successor(row)))
    assert key.reveal()


def test_what_is_named_has_a_successor_of_a_like_name(office, clock):
    row = renewing_itself(office, identifier="alice-0123abcd")
    come_due(clock)
    stem, _minus, digits = successor(row).identifier.rpartition("-")
    assert (stem, len(digits)) == ("alice", 8)
    assert digits != "0123abcd"


def test_one_that_lives_for_a_day_is_renewed_thrice_in_two_days_and_not_more(office, clock):
    renewing_itself(office, validity=DAY)
    for _hour in range(48):
        clock.advance(timedelta(hours=1))
        sweep()
    rows = list(Certificate.objects.order_by("pk"))
    assert len(rows) in (3, 4)
    for old, new in pairwise(rows):
        assert old.not_before + DAY * 2 / 3 <= new.not_before < old.not_after


def test_it_lasts_no_longer_than_the_rules_of_now_let_it(office, clock):
    row = renewing_itself(office)
    update_template(
        actor=office.owner,
        template=office.template,
        order=replace(template_order(office.template), validity=40 * DAY),
    )
    update_role(actor=office.owner, role=office.role, order=replace(role_order(office.role), max_ttl=47 * DAY))
    come_due(clock)
    new = successor(row)
    assert new.not_after - new.not_before + timedelta(seconds=1) == 47 * DAY
    assert new.renew_at == new.not_after - 47 * DAY / 3


def test_what_was_due_together_is_not_renewed_in_one_moment(office, clock):
    first = renewing_itself(office)
    for _number in range(7):
        renewing_itself(office)
    clock.move_to(first.renew_at + timedelta(seconds=1))
    assert sweep() == 0
    moments = set(Renewal.objects.values_list("due_at", flat=True))
    assert len(moments) == 8
    assert max(moments) - clock.now <= timedelta(hours=1)


# --- never twice ------------------------------------------------------------------------------------------------------


def _renew_by_hand(office: Office, row: Certificate) -> None:
    renew_certificate(actor=office.owner, order=RenewOrder(certificate=of(row)))


def _revoke(office: Office, row: Certificate) -> None:
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=of(row), reason=Reason.superseded))


def _unschedule(office: Office, row: Certificate) -> None:
    unschedule_renewal(actor=office.owner, certificate=of(row))


OVER: dict[str, tuple[Callable[[Office, Certificate], None], int]] = {
    "somebody has renewed it": (_renew_by_hand, 1),
    "it is revoked": (_revoke, 0),
    "nobody wants it any more": (_unschedule, 0),
}


@pytest.mark.parametrize("case", OVER)
def test_there_is_no_second_one(office, clock, case):
    act, successors = OVER[case]
    row = renewing_itself(office)
    act(office, row)
    clock.move_to(row.not_after - 29 * DAY)
    sweep()
    clock.advance(timedelta(hours=1))
    sweep()
    row.refresh_from_db()
    assert (row.replaced_by.count(), row.renew_at, Renewal.objects.count()) == (successors, None, 0)


def test_nothing_is_renewed_for_an_organization_that_is_closed(office, clock):
    row = renewing_itself(office)
    Organization.objects.filter(pk=office.organization.pk).update(closed_at=timezone.now())
    come_due(clock)
    row.refresh_from_db()
    assert (row.replaced_by.count(), row.renew_at, Renewal.objects.count()) == (0, None, 0)


def test_a_worker_that_stops_after_the_signature_leaves_nothing_to_do_twice(office, clock, monkeypatch):
    row = renewing_itself(office)
    with monkeypatch.context() as stopped:
        stopped.setattr(renewing, "_settle", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            come_due(clock)
    assert row.replaced_by.count() == 1
    assert sweep() == 0
    clock.advance(timedelta(minutes=3))
    assert sweep() == 1
    row.refresh_from_db()
    assert (row.replaced_by.count(), row.renew_at) == (1, None)


def test_what_another_worker_has_in_hand_is_left_to_it(office, clock):
    row = renewing_itself(office)
    clock.move_to(row.renew_at)
    sweep()
    clock.advance(timedelta(hours=1))
    taken = queue.claim(Renewal.objects.all(), row.pk, lasting=timedelta(minutes=2))
    assert taken is not None
    assert (sweep(), row.replaced_by.count()) == (0, 0)


def test_a_stranger_s_sweep_reaches_nothing(office, clock):
    row = renewing_itself(office)
    clock.move_to(row.renew_at + timedelta(hours=1))
    assert (sweep(cast.stranger().actor), Renewal.objects.count()) == (0, 0)


# --- what cannot be renewed now ---------------------------------------------------------------------------------------


def test_a_failure_is_told_once_comes_again_later_and_stops_no_other(office, clock):
    other = open_office("Umbrella")
    broken, fine = renewing_itself(office), renewing_itself(other)
    retire_template(actor=office.owner, template=office.template)
    with happenings() as told:
        assert come_due(clock) == 1
        first = Renewal.objects.get()
        assert again(clock) == again(clock) == 0
    second = Renewal.objects.get()
    assert told.count("renewal.failed") == 1
    assert (broken.replaced_by.count(), fine.replaced_by.count()) == (0, 1)
    assert (second.standing, second.attempts) == (Standing.FAILED, first.attempts + 2)
    assert "retired" in second.last_error
    event = AuditEvent.objects.get(name="renewal.failed")
    assert event.document["metadata"]["code"] == "template-retired"
    assert event.resource_id == broken.pk


def test_it_is_renewed_when_its_ca_is_back(office, clock):
    row = renewing_itself(office)
    disable_ca(actor=office.owner, ca=office.issuing)
    assert come_due(clock) == 0
    assert Renewal.objects.get().standing == Standing.FAILED
    enable_ca(actor=office.owner, ca=office.issuing)
    assert again(clock) == 1
    assert row.replaced_by.count() == 1


def test_an_outage_that_lasts_longer_than_its_life_ends_with_a_successor(office, clock):
    row = renewing_itself(office, validity=DAY)
    clock.advance(7 * DAY)
    sweep()
    assert (sweep(), row.replaced_by.count()) == (0, 1)


def test_a_month_after_its_end_it_is_given_up_and_that_is_told(office, clock):
    row = renewing_itself(office)
    clock.move_to(row.not_after + 31 * DAY)
    with happenings() as told:
        sweep()
    row.refresh_from_db()
    assert (told, row.replaced_by.count(), row.renew_at) == (["renewal.given_up"], 0, None)
    assert Renewal.objects.count() == 0


def test_for_a_key_that_is_not_here_somebody_is_told_and_nothing_is_signed(office, clock):
    row = by_csr(office)
    with happenings() as told:
        assert come_due(clock) == 0
        assert again(clock) == 0
    assert told == ["renewal.needed"]
    assert Renewal.objects.get().standing == Standing.NEEDED
    csr = read_csr(pki.make_csr(pki.a_key(number=1), subject="CN=x"))
    renew_certificate(actor=office.owner, order=RenewOrder(certificate=of(row), key=csr))
    assert again(clock) == 1
    assert row.replaced_by.count() == 1


def test_where_the_template_lets_the_key_stay_it_does(office, clock):
    row = by_csr(office)
    order = replace(template_order(office.template), renew_same_key=True)
    update_template(actor=office.owner, template=office.template, order=order)
    assert come_due(clock) == 1
    assert successor(row).key_hash == row.key_hash


def test_what_is_on_hold_waits_for_the_end_of_the_hold(office, clock):
    row = renewing_itself(office)
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=of(row), reason=Reason.certificate_hold))
    assert come_due(clock) == 0
    assert Renewal.objects.get().standing == Standing.HELD
    release_certificate(actor=office.owner, certificate=of(row))
    assert again(clock) == 1


def test_a_ca_that_waits_for_its_passphrase_is_a_reason_that_is_told(clock):
    passphrase = Secret("open, sesame seeds")
    office = open_office(passphrase=passphrase)
    order = replace(order_for(office.template), passphrase=passphrase, renew_ahead=30 * DAY)
    issue_certificate(actor=office.owner, order=order)
    assert come_due(clock) == 0
    assert Renewal.objects.get().standing == Standing.FAILED


# --- approvals --------------------------------------------------------------------------------------------------------


@pytest.fixture
def approved(clock):
    """A desk whose certificate, issued before approvals were asked for, is due: it is asked for once."""
    desk = open_desk(requires_approval=False)
    row = renewing_itself(desk.office)
    desk.change_template(requires_approval=True)
    assert come_due(clock) == 0
    return desk, row


def test_what_needs_an_approval_is_asked_for_once(approved, clock):
    _desk, row = approved
    assert again(clock) == again(clock) == 0
    request = Request.objects.get()
    assert (request.kind, request.replaces_id, request.person_id) == ("renew", row.pk, row.owner_id)
    assert Renewal.objects.get().standing == Standing.ASKED


def test_who_answers_for_it_cannot_approve_it(approved):
    desk, _row = approved
    with refused(Denied):
        approve(Request.objects.get(), desk.office.owner)


def test_with_the_approval_it_is_made_and_settled(approved, clock):
    desk, row = approved
    approve(Request.objects.get(), desk.approver.actor)
    assert fulfil_due_requests(actor=SYSTEM) == 1
    assert again(clock) == 1
    assert row.replaced_by.count() == 1


def test_a_no_is_a_failure_and_nobody_is_asked_again(approved, clock):
    desk, _row = approved
    request = Request.objects.get()
    reject_request(actor=desk.approver.actor, request=Ref("pk", request.pk), reason="not any more")
    assert again(clock) == again(clock) == 0
    renewal = Renewal.objects.get()
    assert (renewal.standing, Request.objects.count()) == (Standing.FAILED, 1)
    assert "rejected" in renewal.last_error


def test_who_made_the_key_that_asked_does_not_approve_what_renews_it_by_itself(clock):
    desk = open_desk()
    colleague = cast.member(desk.office.organization, "operator", "colleague@acme.example")
    maker = with_capability(colleague, Permission.API_KEYS_WRITE, Permission.REQUESTS_DECIDE)
    asked = desk.approve(desk.ask(actor=robot_made_by(maker, desk.asker, Permission.CERTIFICATES_ISSUE)))
    row = fulfil_request(actor=desk.approver.actor, request=Ref("pk", asked.pk)).certificate
    schedule_renewal(actor=desk.office.owner, certificate=of(row))
    come_due(clock)
    request = row.renewal_requests.get()
    with refused(Denied, "own-request"):
        approve(request, maker)
    assert approve(request, desk.approver.actor).status == "approved"


# --- whether, and how long before -------------------------------------------------------------------------------------


def test_it_can_be_let_and_left_at_any_time(office):
    row = office.issue(validity=90 * DAY).certificate
    assert row.renew_at is None
    with happenings() as told:
        row = schedule_renewal(actor=office.owner, certificate=of(row), ahead=10 * DAY)
        assert (row.auto_renew, row.not_after - row.renew_at) == (True, 10 * DAY)
        row = unschedule_renewal(actor=office.owner, certificate=of(row))
    assert (row.auto_renew, row.renew_at) == (False, None)
    assert told == ["renewal.scheduled", "renewal.unscheduled"]


def test_to_schedule_it_anew_is_to_try_it_at_once(office, clock):
    row = renewing_itself(office)
    disable_ca(actor=office.owner, ca=office.issuing)
    come_due(clock)
    enable_ca(actor=office.owner, ca=office.issuing)
    schedule_renewal(actor=office.owner, certificate=of(row))
    assert Renewal.objects.count() == 0
    clock.advance(timedelta(hours=1))
    sweep()
    clock.advance(timedelta(hours=1))
    assert sweep() == 1


def test_who_may_not_renew_may_not_schedule(office):
    row = office.issue().certificate
    with refused(NotFound):
        schedule_renewal(actor=cast.stranger().actor, certificate=of(row))
    with refused(Denied):
        unschedule_renewal(actor=cast.member(office.organization, "auditor").actor, certificate=of(row))


def test_what_cannot_be_renewed_is_not_scheduled(office):
    row = office.issue().certificate
    with invalid(("ahead", "too-short")):
        schedule_renewal(actor=office.owner, certificate=of(row), ahead=timedelta(minutes=1))
    _renew_by_hand(office, row)
    with refused(Conflict, "already-renewed"):
        schedule_renewal(actor=office.owner, certificate=of(row))


def allow(office: Office, machine: ServiceAccount, names: str) -> None:
    order = PolicyOrder(
        max_validity_days=400,
        cn_patterns=[names],
        san_dns_patterns=[names],
        allowed_ca_ids=[office.issuing.pk],
        allowed_certificate_types=["server", "client", "dual_purpose"],
    )
    set_issuance_policy(actor=office.owner, account=machine, order=order)


def test_what_a_policy_forbids_is_not_left_to_renew_itself(office):
    row = office.issue("www.acme.test").certificate
    machine = create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="machine",
        permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_RENEW],
        needs_policy=True,
    )
    actor = actor_of_service_account(machine.pk, ip=None)
    with refused(Denied, "service-account-has-no-policy"):
        schedule_renewal(actor=actor, certificate=of(row))
    allow(office, machine, "*.other.test")
    with refused(Invalid, "policy-violation"):
        schedule_renewal(actor=actor, certificate=of(row))
    row.refresh_from_db()
    assert not row.auto_renew
    allow(office, machine, "*.acme.test")
    assert schedule_renewal(actor=actor, certificate=of(row)).auto_renew


def test_the_successor_is_a_certificate_of_the_same_names(office, clock):
    row = renewing_itself(office)
    come_due(clock)
    old, new = row.body.x509, successor(row).body.x509
    assert new.subject == old.subject
    assert (
        new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        == old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )


def test_who_may_not_renew_it_does_not_come_to_the_key_of_a_successor_by_answering_for_it(clock):
    desk = open_desk(approval_covers_renewal=True)
    request = desk.approve(desk.ask(replace(desk.order(), renew_ahead=30 * DAY), actor=desk.office.owner))
    row = fulfil_request(actor=desk.office.owner, request=Ref("pk", request.pk)).certificate
    assert row is not None
    collect_private_key(actor=desk.office.owner, certificate=Ref("pk", row.pk))
    row = schedule_renewal(actor=desk.office.owner, certificate=Ref("pk", row.pk))
    (foreseen,) = foresee_handovers([row], visible_to=desk.asker.actor)
    assert foreseen.is_refused
    with refused(Denied):
        update_certificate(actor=desk.asker.actor, certificate=Ref("pk", row.pk), owner=desk.asker.user.email)
    assert come_due(clock) == 1
    successor = row.replaced_by.get()
    with refused(Denied):
        collect_private_key(actor=desk.asker.actor, certificate=Ref("pk", successor.pk))


def test_who_answers_for_a_certificate_hands_it_over():
    desk = open_desk(requires_approval=False)
    issued = issue_certificate(actor=desk.asker.actor, order=desk.order())
    row = update_certificate(
        actor=desk.asker.actor, certificate=Ref("pk", issued.certificate.pk), owner=desk.second.user.email
    )
    assert row.owner == desk.second.user


def test_a_key_that_somebody_else_has_made_hands_nothing_over():
    """Whoever has made it may be the one who uses it."""
    desk = open_desk(requires_approval=False)
    key_of_another_maker = robot_made_by(desk.office.owner, desk.asker, Permission.CERTIFICATES_ISSUE)
    issued = issue_certificate(actor=key_of_another_maker, order=desk.order())
    with refused(Denied):
        update_certificate(
            actor=key_of_another_maker, certificate=Ref("pk", issued.certificate.pk), owner=desk.second.user.email
        )

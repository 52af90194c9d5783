"""Asking and deciding: what is judged at once, who may say yes, to what, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.roles import ORGANIZATION_PERMISSIONS, OrganizationRole
from accounts.services.organizations import remove_member
from accounts.services.people import actor_for_user
from audit.canonical import canonical_bytes
from cas.core.general_names import general_name
from cas.core.keys import public_key_sha256
from cas.models import IssuedSerial
from cas.services.authorities import disable_ca, update_ca
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from certificates.models import Certificate, Decision, Request
from certificates.orders import Managed, SameKey
from certificates.request_selectors import RequestCounts, RequestFilter, count_requests, inbox, matching, requests
from certificates.services.fulfilment import fulfil_request
from certificates.services.issuance import issue_at_once
from certificates.services.requests import approve_request, cancel_request, reject_request
from certificates.services.submission import submit_request
from kernel.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.certificates.asking import Desk, approve, named, open_desk, robot_made_by, robot_of, with_capability
from tests.happened import happenings, last_event
from tests.office import open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

Status = Request.Status
DECIDE = Permission.REQUESTS_DECIDE


@pytest.fixture
def desk() -> Desk:
    return open_desk()


# --- a stranger -------------------------------------------------------------------------------------------------------


def test_a_stranger_sees_and_decides_nothing(desk):
    request, stranger = desk.ask(), cast.stranger()
    actor = with_capability(stranger, DECIDE)
    assert not requests(visible_to=actor).exists()
    assert not inbox(visible_to=actor, at=timezone.now()).exists()
    for act in (
        lambda: approve(request, actor),
        lambda: reject_request(actor=actor, request=named(request), digest=request.digest, reason="no"),
        lambda: cancel_request(actor=actor, request=named(request)),
        lambda: fulfil_request(actor=actor, request=named(request)),
    ):
        with refused(NotFound, "request-not-found"):
            act()
    request.refresh_from_db()
    assert request.status == Status.PENDING


# --- asking -----------------------------------------------------------------------------------------------------------


def test_what_asks_for_an_approval_is_a_request_and_no_certificate(desk):
    with happenings() as names:
        request = desk.ask(desk.order(description="for the shop", tags=("shop",), usage="server"))
    assert names == ["request.submitted"]
    assert not Certificate.objects.exists()
    assert not IssuedSerial.objects.filter(ca=desk.office.issuing, kind="leaf").exists()
    request.refresh_from_db()
    assert (request.status, request.subject) == (Status.PENDING, "CN=www.acme.test")
    assert request.sans == [["dns", "www.acme.test"]], "as they will stand in the certificate"
    assert (request.validity, request.key_algorithm, request.csr) == (timedelta(days=90), "ECDSA_P256", None)
    assert (request.person, request.requester_label) == (desk.asker.user, desk.asker.user.email)
    assert last_event().document["metadata"]["digest"] == request.digest


def test_whoever_cannot_wait_is_refused(desk):
    with refused(Denied, "approval-required"):
        issue_at_once(actor=desk.asker.actor, order=desk.order())


def test_nobody_is_asked_for_what_can_never_be_issued(desk):
    order = desk.order(sans=(general_name("www.umbrella.test"),), validity=timedelta(days=999))
    with invalid(("sans[0]", "name-not-allowed"), ("validity", "too-long")):
        desk.ask(order)
    with invalid(("tags[0]", "invalid")):
        desk.ask(desk.order(tags=("a b",)))
    with invalid(("key", "no-predecessor")):
        desk.ask(desk.order(key=SameKey()))
    disable_ca(actor=desk.office.owner, ca=desk.office.issuing)
    with refused(Unavailable, "ca-not-active"):
        desk.ask()
    assert not Request.objects.exists()


def test_a_console_has_nobody_who_answers_for_it(desk):
    console = replace(cast.SUPERUSER, organization_id=desk.office.organization.pk)
    with pytest.raises(Denied):
        desk.ask(actor=console)


def test_without_the_permission_nobody_asks(desk):
    with pytest.raises(Denied):
        desk.ask(actor=desk.approver.actor)


def test_where_no_approval_is_asked_for_there_is_no_request():
    office = open_office()
    with refused(Conflict, "no-approval-needed"):
        submit_request(actor=office.owner, order=replace(open_order(office), key=Managed()))


def open_order(office):
    return Desk(office, office.person, office.person, office.person).order()


def test_an_identifier_is_asked_for_once(desk):
    first = desk.ask(desk.order(identifier="shop"))
    with refused(Conflict, "identifier-used"):
        desk.ask(desk.order(identifier="shop"))
    cancel_request(actor=desk.asker.actor, request=named(first))
    desk.ask(desk.order(identifier="shop"))


CHANGES = {
    "the subject": lambda desk: desk.order(subject=None, sans=(general_name("www.acme.test"),)),
    "a name": lambda desk: desk.order(sans=(general_name("shop.acme.test"),)),
    "the validity": lambda desk: desk.order(validity=timedelta(days=30)),
    "the key": lambda desk: desk.order_by_csr(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_digest_is_of_everything_that_would_be_signed(desk, change):
    assert desk.ask(change(desk)).digest != desk.ask().digest


def test_the_same_wish_has_the_same_digest(desk):
    assert desk.ask().digest == desk.ask(desk.order(description="something that is not signed")).digest
    assert desk.ask(desk.order_by_csr()).digest == desk.ask(desk.order_by_csr()).digest


def test_whoever_has_the_facts_can_compute_the_digest(desk):
    request = desk.ask(desk.order_by_csr())
    request.refresh_from_db()
    assert sha256(canonical_bytes(request.facts)).hexdigest() == request.digest
    assert request.facts == {
        "profile": desk.office.template.profile_id,
        "ca": desk.office.issuing.pk,
        "subject": "CN=www.acme.test",
        "sans": [["dns", "www.acme.test"]],
        "key_algorithm": "ECDSA_P256",
        "key": public_key_sha256(pki.a_key().public_key()),
        "made_here": False,
        "validity": 90 * 86_400,
        "key_usage": ["digital_signature"],
        "extended_key_usage": ["1.3.6.1.5.5.7.3.1"],
        "certificate_policies": [],
    }


def test_another_version_of_the_template_is_another_digest(desk):
    first = desk.ask()
    desk.change_template(description="the same in other words")
    assert desk.ask().digest != first.digest


# --- four eyes --------------------------------------------------------------------------------------------------------


def as_an_approver(desk: Desk) -> object:
    return with_capability(desk.asker, DECIDE)


def by_a_key_of_their_own(desk: Desk) -> object:
    return robot_of(desk.asker, DECIDE, Permission.REQUESTS_READ)


def by_a_service_account(desk: Desk) -> object:
    return replace(with_capability(desk.asker, DECIDE), kind="service_account", id=9, label="deploy")


def by_an_oauth_client(desk: Desk) -> object:
    return replace(with_capability(desk.asker, DECIDE), kind="oauth_client", id=9, label="portal")


def as_a_superuser(desk: Desk) -> object:
    desk.asker.user.is_superuser = True
    desk.asker.user.save()
    return actor_for_user(desk.asker.user, organization=desk.office.organization)


def above_all_organizations(desk: Desk) -> object:
    return replace(as_a_superuser(desk), organization_id=None)


@pytest.mark.parametrize(
    "disguise",
    [
        as_an_approver,
        by_a_key_of_their_own,
        by_a_service_account,
        by_an_oauth_client,
        as_a_superuser,
        above_all_organizations,
    ],
)
def test_nobody_decides_on_their_own_request(desk, disguise):
    request = desk.ask()
    actor = disguise(desk)
    assert DECIDE in actor.permissions
    with refused(Denied, "own-request"):
        approve(request, actor)
    with refused(Denied, "own-request"):
        reject_request(actor=actor, request=named(request), digest=request.digest, reason="no")
    assert not Decision.objects.exists()


def test_a_key_asks_and_its_owner_cannot_approve(desk):
    robot = robot_of(desk.asker, Permission.CERTIFICATES_ISSUE)
    request = desk.ask(actor=robot)
    assert (request.requester_kind, request.person) == ("api_key", desk.asker.user)
    with refused(Denied, "own-request"):
        approve(request, with_capability(desk.asker, DECIDE))


def test_who_made_the_key_that_asked_has_asked_as_well(desk):
    boss = actor_for_user(cast.superuser(), organization=desk.office.organization)
    robot = robot_made_by(boss, desk.asker, Permission.CERTIFICATES_ISSUE)
    request = desk.ask(actor=robot)
    assert request.asked_by == {desk.asker.user.pk, boss.person_id}
    for actor in (boss, with_capability(desk.asker, DECIDE)):
        with refused(Denied, "own-request"):
            approve(request, actor)
        with refused(Denied, "own-request"):
            reject_request(actor=actor, request=named(request), reason="no")
    now = timezone.now()
    assert not inbox(visible_to=boss, at=now).exists()
    assert matching(RequestFilter(is_own=True), visible_to=boss, at=now).get() == request
    assert desk.approve(request).status == Status.APPROVED


def test_a_key_that_somebody_else_made_approves_nothing(desk):
    boss = actor_for_user(cast.superuser(), organization=desk.office.organization)
    with invalid(("permissions", "owner-only")):
        robot_made_by(boss, desk.approver, DECIDE, Permission.REQUESTS_READ)


def test_the_console_approves_nothing(desk):
    console = replace(cast.SUPERUSER, organization_id=desk.office.organization.pk)
    assert DECIDE in console.permissions
    with pytest.raises(Denied):
        approve(desk.ask(), console)


def test_owners_operators_and_default_keys_do_not_decide(desk):
    request = desk.ask()
    operator = cast.member(desk.office.organization, OrganizationRole.OPERATOR)
    for actor in (desk.office.owner, operator.actor, cast.robot(desk.office.person)):
        with refused(Denied, "permission-denied"):
            approve(request, actor)


def test_a_key_decides_with_the_permission_and_for_its_owner(desk):
    robot = robot_of(desk.approver, DECIDE, Permission.REQUESTS_READ)
    request = approve(desk.ask(), robot)
    decision = request.decisions.get()
    assert (decision.approver, decision.approver_label) == (desk.approver.user, "robot")
    reader = robot_of(desk.second, Permission.REQUESTS_READ)
    with refused(Denied, "permission-denied"):
        approve(desk.ask(), reader)


# --- the quorum -------------------------------------------------------------------------------------------------------


def test_one_approval_is_enough_where_one_is_asked_for(desk):
    request = desk.ask()
    with happenings() as names:
        approved = desk.approve(request)
    assert names == ["request.approved"]
    assert approved.status == Status.APPROVED
    assert approved.due_at is not None
    assert not Certificate.objects.exists()


def test_two_approvals_are_by_two_people():
    desk = open_desk(approvals_needed=2)
    request = desk.ask()
    assert desk.approve(request).status == Status.PENDING
    with refused(Conflict, "already-decided"):
        desk.approve(request)
    robot = robot_of(desk.approver, DECIDE, Permission.REQUESTS_READ)
    with refused(Conflict, "already-decided"):
        approve(request, robot)
    assert desk.approve(request, desk.second).status == Status.APPROVED


def test_the_database_keeps_one_decision_for_each_person(desk):
    request = desk.approve(desk.ask())
    decision = request.decisions.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(
            organization=decision.organization, request=request, approver=decision.approver, verdict="approved"
        )


def test_the_strictest_of_ca_role_and_template_counts(desk):
    office = desk.office
    update_ca(actor=office.owner, ca=office.issuing, requires_approval=True, approvals_needed=2)
    update_role(actor=office.owner, role=office.role, order=replace(role_order(office.role), approver_role="owner"))
    request = desk.ask()
    assert request.approvals_needed == 2
    desk.approve(request)
    assert desk.approve(request, desk.second).status == Status.APPROVED, "the role names people, and asks for nobody"


@pytest.mark.parametrize("at", ["the CA", "the role", "the template"])
def test_each_of_them_can_ask(at):
    desk = open_desk(requires_approval=at == "the template")
    office = desk.office
    if at == "the CA":
        update_ca(actor=office.owner, ca=office.issuing, requires_approval=True)
    if at == "the role":
        update_role(
            actor=office.owner, role=office.role, order=replace(role_order(office.role), requires_approval=True)
        )
    assert desk.approved().status == Status.APPROVED


def test_only_the_named_role_approves():
    desk = open_desk(approver_role="auditor")
    request = desk.ask()
    with refused(Denied, "not-an-approver"):
        desk.approve(request)
    auditor = cast.member(desk.office.organization, OrganizationRole.AUDITOR)
    with refused(Denied, "permission-denied"):
        approve(request, auditor.actor)
    assert approve(request, with_capability(auditor, DECIDE)).status == Status.APPROVED


def test_every_named_role_has_its_say(desk):
    update_ca(actor=desk.office.owner, ca=desk.office.issuing, requires_approval=True, approver_role="auditor")
    request = desk.ask()
    desk.approve(request)
    assert desk.approve(request, desk.second).status == Status.PENDING, "two approvers are no auditor"
    auditor = cast.member(desk.office.organization, OrganizationRole.AUDITOR)
    assert approve(request, with_capability(auditor, DECIDE)).status == Status.APPROVED


def test_a_superuser_has_no_role_that_could_be_named():
    desk = open_desk(approver_role="approver")
    boss = cast.superuser()
    with refused(Denied, "not-an-approver"):
        approve(desk.ask(), actor_for_user(boss, organization=desk.office.organization))


def test_a_yes_of_somebody_who_left_does_not_count():
    desk = open_desk(approvals_needed=2)
    request = desk.ask()
    desk.approve(request)
    remove_member(actor=desk.office.owner, membership=desk.approver.user.memberships.get())
    assert desk.approve(request, desk.second).status == Status.PENDING
    third = cast.member(desk.office.organization, OrganizationRole.APPROVER, "third@acme.example")
    assert desk.approve(request, third).status == Status.APPROVED


# --- what is decided on -----------------------------------------------------------------------------------------------


def test_a_decision_is_about_what_was_seen(desk):
    request, other = desk.ask(), desk.ask(desk.order(validity=timedelta(days=30)))
    with pytest.raises(Conflict) as refusal:
        approve_request(actor=desk.approver.actor, request=named(request), digest=other.digest)
    assert refusal.value.error_code == "digest-mismatch"
    assert refusal.value.facts == {"digest": request.digest, "status": "pending"}
    assert not Decision.objects.exists()


def test_a_template_that_changed_is_not_approved_under_any_more(desk):
    request = desk.ask()
    desk.change_template(validity=timedelta(days=10))
    with refused(Conflict, "template-changed"):
        desk.approve(request)
    rejected = reject_request(actor=desk.approver.actor, request=named(request), digest=request.digest, reason="old")
    assert rejected.status == Status.REJECTED


def test_a_no_is_enough_and_says_why(desk):
    request = desk.ask()
    with invalid(("reason", "required")):
        reject_request(actor=desk.approver.actor, request=named(request), digest=request.digest, reason=" ")
    with happenings() as names:
        rejected = reject_request(
            actor=desk.approver.actor, request=named(request), digest=request.digest, reason="not our shop"
        )
    assert names == ["request.rejected"]
    assert (rejected.status, rejected.decisions.get().reason) == (Status.REJECTED, "not our shop")
    with refused(Conflict, "request-state"):
        desk.approve(request, desk.second)
    with refused(Conflict, "request-state"):
        fulfil_request(actor=desk.asker.actor, request=named(request))


def test_a_no_need_not_say_to_what(desk):
    request = desk.ask()
    other = desk.ask(desk.order(validity=timedelta(days=30)))
    with refused(Conflict, "digest-mismatch"):
        reject_request(actor=desk.approver.actor, request=named(request), digest=other.digest, reason="no")
    rejected = reject_request(actor=desk.approver.actor, request=named(request), reason="not our shop")
    assert rejected.decisions.get().digest == request.digest


def test_it_is_too_late_after_its_time(desk):
    request = desk.ask()
    Request.objects.update(expires_at=timezone.now())
    with refused(Conflict, "request-expired"):
        desk.approve(request)


def test_whoever_asked_takes_it_back(desk):
    request = desk.ask()
    for actor in (desk.approver.actor, desk.office.owner):
        with refused(Denied, "not-own-request"):
            cancel_request(actor=actor, request=named(request))
    with happenings() as names:
        cancelled = cancel_request(actor=desk.asker.actor, request=named(request))
    assert names == ["request.cancelled"]
    assert cancelled.status == Status.CANCELLED
    with refused(Conflict, "request-state"):
        cancel_request(actor=desk.asker.actor, request=named(request))
    with refused(Conflict, "request-state"):
        desk.approve(request)


def test_a_superuser_takes_back_what_nobody_else_can(desk):
    request = desk.approved()
    boss = actor_for_user(cast.superuser())
    assert cancel_request(actor=boss, request=named(request)).status == Status.CANCELLED
    assert last_event().actor_label == "root@localhost"


def test_what_was_approved_can_still_be_taken_back(desk):
    request = desk.approved()
    assert cancel_request(actor=desk.asker.actor, request=named(request)).status == Status.CANCELLED
    with refused(Conflict, "request-state"):
        fulfil_request(actor=desk.asker.actor, request=named(request))


# --- what is seen -----------------------------------------------------------------------------------------------------


def test_without_the_permission_to_read_requests_one_sees_ones_own(desk):
    own = desk.ask()
    other = desk.ask(actor=desk.office.owner)
    narrow = replace(desk.asker.actor, permissions=ORGANIZATION_PERMISSIONS - {Permission.REQUESTS_READ})
    assert list(requests(visible_to=narrow)) == [own]
    assert list(requests(visible_to=desk.asker.actor)) == [other, own]


def test_an_inbox_holds_what_waits_for_this_person():
    desk = open_desk(approvals_needed=2)
    first, second, third = desk.ask(), desk.ask(), desk.ask()
    own = desk.ask(actor=replace(desk.approver.actor, permissions=ORGANIZATION_PERMISSIONS))
    desk.approve(first)
    Request.objects.filter(pk=third.pk).update(expires_at=timezone.now())
    now = timezone.now()
    assert list(inbox(visible_to=desk.approver.actor, at=now)) == [second]
    assert list(inbox(visible_to=desk.second.actor, at=now)) == [first, second, own]
    assert not inbox(visible_to=desk.asker.actor, at=now).exists()


def test_requests_are_looked_for(desk):
    own, other = desk.ask(), desk.ask(actor=desk.office.owner)
    approved = desk.approved()
    looked_for = {
        "all": (RequestFilter(), [approved, other, own]),
        "by status": (RequestFilter(status="approved"), [approved]),
        "by kind": (RequestFilter(kind="renew"), []),
        "by template": (RequestFilter(template="web-tls"), [approved, other, own]),
        "by another template": (RequestFilter(template="Web-TLS"), []),
        "by who asked": (RequestFilter(requester=" OWNER@acme.example"), [other]),
        "by nobody": (RequestFilter(requester="nobody@acme.example"), []),
        "one's own": (RequestFilter(is_own=True), []),
        "those of others": (RequestFilter(is_own=False), [approved, other, own]),
        "an inbox": (RequestFilter(is_in_inbox=True), [other, own]),
        "the rest": (RequestFilter(is_in_inbox=False), [approved]),
        "two things at once": (RequestFilter(is_in_inbox=True, requester="owner@acme.example"), [other]),
    }
    for name, (wanted, found) in looked_for.items():
        assert list(matching(wanted, visible_to=desk.approver.actor, at=timezone.now())) == found, name
    mine = matching(RequestFilter(is_own=True), visible_to=desk.asker.actor, at=timezone.now())
    assert list(mine) == [approved, own]
    assert not matching(RequestFilter(), visible_to=cast.stranger().actor, at=timezone.now()).exists()
    console = replace(cast.SUPERUSER, organization_id=desk.office.organization.pk)
    assert not matching(RequestFilter(is_own=True), visible_to=console, at=timezone.now()).exists()


def test_requests_are_counted(desk):
    desk.approved()
    cancel_request(actor=desk.asker.actor, request=named(desk.ask()))
    desk.ask()
    now = timezone.now()
    assert count_requests(visible_to=desk.approver.actor, at=now) == RequestCounts(1, 1, own=0, inbox=1)
    assert count_requests(visible_to=desk.asker.actor, at=now) == RequestCounts(1, 1, own=2, inbox=0)


def test_an_unknown_request_is_not_found(desk):
    with refused(NotFound, "request-not-found"):
        approve_request(actor=desk.approver.actor, request=Ref("pk", 0), digest="")


def test_a_reason_has_a_length(desk):
    with pytest.raises(Invalid):
        approve_request(actor=desk.approver.actor, request=named(desk.ask()), digest="", reason="x" * 1001)

"""What stands against an open request now: found without reserving, writing or signing anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import Mock

import pytest
from cryptography.x509 import ReasonFlags
from django.utils import timezone

from accounts.roles import OrganizationRole
from accounts.services.organizations import remove_member
from audit.models import AuditEvent
from cas.core.keys import public_key_sha256
from cas.core.leaf import LeafPlan
from cas.core.signing import LintedDraft, prepare
from cas.models import BlockedKey, IssuedSerial
from cas.services.authorities import disable_ca
from cas.services.ca_certificates import renew_authority
from cas.services.templates import retire_template
from certificates.delivery import Delivery, KeyFormat
from certificates.models import Certificate, Request
from certificates.orders import RenewOrder, RevokeOrder, SameKey
from certificates.services import minting, review_memory
from certificates.services.fulfilment import fulfil_request
from certificates.services.keys import collect_private_key, collect_requested_key, fulfil_and_collect
from certificates.services.renewal import renew_certificate
from certificates.services.requests import cancel_request
from certificates.services.review import findings_about, glance_at_all
from certificates.services.revocation import revoke_certificate
from kernel.errors import Conflict, Denied, Gone, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, pki
from tests.certificates.asking import Desk, named, open_desk, robot_made_by, with_capability
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def found(request: Request) -> list[tuple[str, str]]:
    request.refresh_from_db()
    return [(finding.field, finding.code) for finding in findings_about(request)]


def seen(request: Request) -> list[tuple[str, str]]:
    request.refresh_from_db()
    return [(finding.field, finding.code) for finding in glance_at_all([request])[request.pk]]


@pytest.fixture
def drafts(monkeypatch) -> list[LeafPlan]:
    """Every plan that was drafted and linted."""
    linted: list[LeafPlan] = []

    def noted(plan: LeafPlan) -> LintedDraft:
        linted.append(plan)
        return prepare(plan)

    monkeypatch.setattr(minting, "prepare", noted)
    return linted


@pytest.mark.parametrize("key", ["made here", "of a CSR"])
def test_nothing_stands_against_what_would_be_issued(desk, key):
    request = desk.ask(desk.order_by_csr() if key == "of a CSR" else None)
    before = AuditEvent.objects.count(), IssuedSerial.objects.count()
    assert found(request) == []
    assert found(desk.approve(request)) == []
    assert (AuditEvent.objects.count() - 1, IssuedSerial.objects.count()) == before


def _block_key(desk: Desk) -> None:
    key_hash = public_key_sha256(pki.a_key().public_key())
    BlockedKey.objects.create(organization=desk.office.organization, key_hash=key_hash, reason="lost")


def _remove_asker(desk: Desk) -> None:
    remove_member(actor=desk.office.owner, membership=desk.asker.user.memberships.get())


def _take_identifier(desk: Desk) -> None:
    row = fulfil_request(actor=desk.asker.actor, request=named(desk.approved())).certificate
    Certificate.objects.filter(pk=row.pk).update(identifier="shop")


FINDINGS: dict[str, tuple[Callable[[Desk], None], list[tuple[str, str]]]] = {
    "the template has changed": (lambda desk: desk.change_template(description="new"), [("", "template-changed")]),
    "the template is retired": (
        lambda desk: retire_template(actor=desk.office.owner, template=desk.office.template),
        [("", "template-changed")],
    ),
    "the CA is out of service": (
        lambda desk: disable_ca(actor=desk.office.owner, ca=desk.office.issuing),
        [("", "ca-not-active")],
    ),
    "the key was blocked": (_block_key, [("public_key", "forbidden-key")]),
    "whoever asked has left": (_remove_asker, [("", "requester-not-permitted")]),
    "its time is over": (lambda _desk: Request.objects.update(expires_at=timezone.now()), [("", "request-expired")]),
    "the identifier is taken": (_take_identifier, [("", "identifier-used")]),
    "the row is not what was agreed to": (
        lambda _desk: Request.objects.update(sans=[["dns", "shop.acme.test"]]),
        [("", "approval-void")],
    ),
}


@pytest.mark.parametrize(("happen", "expected"), FINDINGS.values(), ids=FINDINGS)
def test_what_has_happened_since_is_found(desk, happen, expected):
    request = desk.ask(desk.order_by_csr(identifier="shop"))
    assert seen(request) == found(request) == []
    happen(desk)
    assert seen(request) == found(request) == expected


def test_what_is_seen_to_be_good_is_drafted_once(desk, drafts):
    request, other = desk.ask(desk.order_by_csr()), desk.ask()
    drafts.clear()
    assert [seen(request), seen(other), seen(request), seen(other)] == [[]] * 4
    assert len(drafts) == 2
    found(request)
    assert len(drafts) == 3, "who decides is told what holds now"


def test_who_decides_finds_judged_what_was_filed(desk, drafts, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        requests = [desk.ask(desk.order_by_csr()), desk.ask()]
    drafts.clear()
    assert [seen(request) for request in requests] == [[], []]
    assert not drafts
    desk.change_template(description="new")
    assert [seen(request) for request in requests] == [[("", "template-changed")]] * 2


def test_another_program_judges_for_itself(desk, drafts, monkeypatch):
    request = desk.ask(desk.order_by_csr())
    seen(request)
    monkeypatch.setattr(review_memory, "_program", lambda: b"another")
    drafts.clear()
    seen(request)
    assert len(drafts) == 1


def test_what_is_refused_is_judged_again_each_time(desk):
    request = desk.ask(desk.order_by_csr())
    _block_key(desk)
    assert seen(request) == [("public_key", "forbidden-key")]
    BlockedKey.objects.all().delete()
    assert seen(request) == []


def test_nothing_is_remembered_for_longer_than_its_end_is_within_the_chain(desk, drafts, monkeypatch):
    request, room = desk.ask(desk.order_by_csr()), timedelta(minutes=2)
    kept: list[int] = []
    monkeypatch.setattr(review_memory, "first_end", lambda _chain: drafts[-1].not_after + room)
    monkeypatch.setattr(review_memory.cache, "set_many", lambda _names, timeout: kept.append(timeout))
    assert seen(request) == []
    assert kept == [119]
    room = timedelta(days=2)
    assert seen(request) == []
    assert kept == [119, 86400], "and never for more than a day"


def test_without_a_cache_all_are_judged(desk, drafts, monkeypatch):
    request = desk.ask(desk.order_by_csr())
    for call in ("get_many", "set_many"):
        monkeypatch.setattr(review_memory.cache, call, Mock(side_effect=ConnectionError))
    drafts.clear()
    assert [seen(request), seen(request)] == [[], []]
    assert len(drafts) == 2


def test_under_a_new_certificate_of_the_ca_it_is_drafted_again(desk, drafts):
    request = desk.ask(desk.order_by_csr())
    seen(request)
    renew_authority(actor=desk.office.owner, ca=desk.office.issuing)
    drafts.clear()
    assert [seen(request), seen(request)] == [[], []]
    assert len(drafts) == 1


def test_a_closed_request_is_judged_no_more(desk):
    request = desk.ask()
    desk.change_template(description="new")
    cancel_request(actor=desk.asker.actor, request=named(request))
    assert found(request) == []


def test_a_renewal_is_judged_with_its_predecessor(desk):
    desk.change_template(renew_same_key=True)
    row = fulfil_request(actor=desk.asker.actor, request=named(desk.approved())).certificate
    order = RenewOrder(certificate=Ref("pk", row.pk), key=SameKey())
    request = renew_certificate(actor=desk.office.owner, order=order).request
    assert found(request) == []
    revoke = RevokeOrder(certificate=order.certificate, reason=ReasonFlags.superseded)
    revoke_certificate(actor=desk.office.owner, order=revoke)
    assert found(request) == [("", "certificate-revoked")]


# --- the key of a request ---------------------------------------------------------------------------------------------


def test_the_key_of_a_request_is_collected_once_by_who_asked(desk):
    request = desk.approved()
    with refused(Conflict, "request-state"):
        collect_requested_key(actor=desk.asker.actor, request=named(request))
    fulfil_request(actor=desk.approver.actor, request=named(request))
    with refused(NotFound, "request-not-found"):
        collect_requested_key(actor=cast.stranger().actor, request=named(request))
    with pytest.raises(Denied):
        collect_requested_key(actor=desk.approver.actor, request=named(request))
    row, _key = collect_requested_key(actor=desk.asker.actor, request=named(request))
    assert row.key_custody == "returned"
    with refused(Gone, "key-collected"):
        collect_requested_key(actor=desk.asker.actor, request=named(request))


def test_who_is_here_gets_the_key_with_the_certificate(desk):
    request = desk.approved()
    with refused(Denied, "not-own-request"):
        fulfil_and_collect(actor=desk.approver.actor, request=named(request))
    row, key = fulfil_and_collect(actor=desk.asker.actor, request=named(request))
    assert isinstance(key, Secret)
    assert row.certificate is not None
    with refused(Gone, "key-collected"):
        collect_private_key(actor=desk.asker.actor, certificate=Ref("pk", row.certificate.pk))
    with refused(Gone, "key-collected"):
        fulfil_and_collect(actor=desk.asker.actor, request=named(request))
    assert Certificate.objects.count() == 1


def test_a_key_made_by_another_makes_nothing_of_a_request_whose_key_it_does_not_get(desk):
    colleague = cast.member(desk.office.organization, OrganizationRole.OPERATOR, "colleague@acme.example")
    maker = with_capability(colleague, Permission.API_KEYS_WRITE)
    robot = robot_made_by(maker, desk.asker, Permission.CERTIFICATES_ISSUE)
    with refused(Denied):
        fulfil_and_collect(actor=robot, request=named(desk.approved()))
    assert not Certificate.objects.exists()
    own = desk.approve(desk.ask(actor=robot))
    assert fulfil_and_collect(actor=robot, request=named(own))[1] is not None


def test_where_no_key_is_made_none_is_handed_out(desk):
    with invalid(("key_delivery", "contradiction")):
        fulfil_and_collect(actor=desk.asker.actor, request=named(desk.approved(desk.order_by_csr())))
    assert not Certificate.objects.exists()


def test_a_format_that_cannot_be_costs_nothing(desk):
    request, delivery = desk.approved(), Delivery(key_format=KeyFormat.P12)
    with pytest.raises(Invalid):
        fulfil_and_collect(actor=desk.asker.actor, request=named(request), delivery=delivery)
    assert not Certificate.objects.exists()


def test_what_has_failed_hands_out_nothing(desk):
    request = desk.approved()
    desk.change_template(description="new")
    row, key = fulfil_and_collect(actor=desk.asker.actor, request=named(request))
    assert (row.status, key) == ("failed", None)

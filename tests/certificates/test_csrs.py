"""CSRs that are approved before anybody has chosen who signs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.roles import OrganizationRole
from accounts.services.credentials import actor_of_service_account
from accounts.services.issuance_policies import PolicyOrder, set_issuance_policy
from accounts.services.service_accounts import create_service_account
from audit.models import AuditEvent
from audit.services import verify
from cas.core.csr import read_csr
from cas.core.general_names import general_name
from cas.core.keys import KeyAlgorithm, public_key_sha256
from cas.core.names import parse_name
from cas.models import BlockedKey
from cas.orders import Dialect
from cas.selectors import standing_template
from cas.services.authorities import update_ca
from cas.services.roles import order_of as role_order_of
from cas.services.roles import update_role
from cas.services.standing import enable_dialect
from cas.services.templates import order_of, update_template
from cas.standing import Slot
from certificates.csr_orders import CsrOrder, SignCsrOrder
from certificates.models import Certificate, Request
from certificates.orders import RenewOrder
from certificates.request_selectors import csrs, get_csr, inbox
from certificates.services.csrs import sign_csr, submit_csr
from certificates.services.fulfilment import expire_lapsed_requests, fulfil_due_requests, fulfil_request
from certificates.services.issuance import issue_at_once
from certificates.services.keys import export_private_key
from certificates.services.renewal import renew_at_once
from certificates.services.requests import approve_request, cancel_request, reject_request
from certificates.services.review import findings_about
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.certificates.asking import with_capability
from tests.office import Office, open_office, order_for

pytestmark = pytest.mark.django_db

NAMES = ("db.acme.test", "10.1.2.3", "dba@acme.test")


@dataclass(frozen=True)
class Counter:
    """Who asks, who decides, and who signs, in an office whose issuing CA signs approved CSRs."""

    office: Office
    asker: cast.Person
    approver: cast.Person

    @property
    def signer(self) -> Actor:
        return self.office.owner

    def order(self, **changes: object) -> CsrOrder:
        plain = CsrOrder(
            organization=Ref("pk", self.office.organization.pk),
            key=KeyAlgorithm.ECDSA_P256,
            subject=parse_name("CN=Accounts database,O=ACME"),
            sans=tuple(map(general_name, NAMES)),
        )
        return replace(plain, **changes)

    def ask(self, **changes: object) -> Request:
        return submit_csr(actor=self.asker.actor, order=self.order(**changes))

    def approved(self, **changes: object) -> Request:
        return self.approve(self.ask(**changes))

    def approve(self, row: Request) -> Request:
        return approve_request(actor=self.approver.actor, request=Ref("pk", row.pk), digest=row.digest)

    def template(self):
        ca = Ref("pk", self.office.issuing.pk)
        return standing_template(ca, Slot.SCAIVAULT_CSR, visible_to=self.signer)

    def sign(self, row: Request, actor: Actor | None = None, **changes: object):
        order = SignCsrOrder(
            request=Ref("pk", row.pk), ca=Ref("pk", self.office.issuing.pk), template=self.template().code
        )
        return sign_csr(actor=actor or self.signer, order=replace(order, **changes))


@pytest.fixture
def counter() -> Counter:
    office = open_office()
    enable_dialect(actor=office.owner, ca=Ref("pk", office.issuing.pk), dialect=Dialect.SCAIVAULT)
    return Counter(
        office,
        cast.member(office.organization, OrganizationRole.OPERATOR),
        cast.member(office.organization, OrganizationRole.APPROVER),
    )


def refused(family: type[Exception], call, *args: object, **kwargs: object) -> str:
    with pytest.raises(family) as refusal:
        call(*args, **kwargs)
    return refusal.value.error_code


def test_a_stranger_neither_sees_decides_nor_signs(counter):
    row, stranger = counter.approved(), cast.stranger()
    here = Ref("pk", row.pk)
    assert not csrs(visible_to=stranger.actor).exists()
    for call, how in (
        (approve_request, {"request": here, "digest": row.digest}),
        (reject_request, {"request": here, "reason": "no"}),
        (cancel_request, {"request": here}),
        (submit_csr, {"order": counter.order()}),
    ):
        with pytest.raises(NotFound):
            call(actor=stranger.actor, **how)
    with pytest.raises(NotFound):
        counter.sign(row, stranger.actor)
    assert not Certificate.objects.exists()


def test_a_key_is_made_here_and_stays_sealed(counter):
    row = counter.ask()
    csr = read_csr(bytes(row.csr))
    assert (row.kind, row.status, row.ca, row.template) == ("csr", "pending", None, None)
    assert csr.subject == parse_name("CN=Accounts database,O=ACME")
    assert tuple(csr.sans) == tuple(map(general_name, NAMES))
    assert row.facts == {
        "kind": "csr",
        "subject": "CN=Accounts database,O=ACME",
        "sans": [["dns", "db.acme.test"], ["ip", "10.1.2.3"], ["email", "dba@acme.test"]],
        "key_algorithm": "ECDSA_P256",
        "key": public_key_sha256(csr.public_key),
        "made_here": True,
    }
    assert row.sealed_key
    event = AuditEvent.objects.get(event_id=row.event)
    assert (event.name, event.document["metadata"]["digest"]) == ("request.submitted", row.digest)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_44])
def test_keys_of_every_family_are_made(counter, algorithm):
    row = counter.ask(key=algorithm)
    assert read_csr(bytes(row.csr)).algorithm is algorithm


def test_what_could_never_be_signed_is_not_asked_for(counter):
    bad = counter.order(subject=x509.Name([]), sans=())
    with pytest.raises(Invalid) as refusal:
        submit_csr(actor=counter.asker.actor, order=bad)
    assert [(each.field, each.code) for each in refusal.value.errors] == [("subject", "no-name")]
    brought = read_csr(pki.make_csr(subject="CN=Ours"))
    BlockedKey.objects.create(
        organization=counter.office.organization, key_hash=public_key_sha256(brought.public_key), reason="lost"
    )
    with pytest.raises(Invalid) as refusal:
        counter.ask(key=brought)
    assert [(each.field, each.code) for each in refusal.value.errors] == [("public_key", "forbidden-key")]
    assert not Request.objects.exists()


def test_who_may_not_issue_may_not_ask(counter):
    auditor = cast.member(counter.office.organization, OrganizationRole.AUDITOR)
    with pytest.raises(Denied):
        submit_csr(actor=auditor.actor, order=counter.order())


def test_nobody_decides_on_their_own_whatever_they_may_do(counter):
    row = counter.ask()
    actor = with_capability(counter.asker, Permission.REQUESTS_DECIDE)
    assert refused(Denied, approve_request, actor=actor, request=Ref("pk", row.pk), digest=row.digest) == "own-request"
    assert get_csr(Ref("pk", row.pk), visible_to=counter.signer).status == "pending"


def test_it_stands_in_the_inbox_of_approvers(counter):
    row = counter.ask()
    assert list(inbox(visible_to=counter.approver.actor, at=timezone.now())) == [row]
    assert findings_about(row) == ()


def test_a_yes_to_something_else_is_none(counter):
    row = counter.ask()
    code = refused(Conflict, approve_request, actor=counter.approver.actor, request=Ref("pk", row.pk), digest="0" * 64)
    assert code == "digest-mismatch"


def test_an_approved_one_is_signed_and_its_key_kept(counter):
    row = counter.approved()
    issued = counter.sign(row, validity=timedelta(days=30))
    row.refresh_from_db()
    certificate = issued.certificate
    assert (row.status, row.certificate, row.sealed_key) == ("fulfilled", certificate, None)
    assert certificate.sans == list(NAMES)
    assert certificate.subject == "CN=Accounts database,O=ACME"
    assert (certificate.requester_label, certificate.owner) == (counter.asker.actor.label, counter.asker.user)
    assert (certificate.key_custody, issued.private_key) == ("stored", None)
    assert issued.x509.not_valid_after_utc - issued.x509.not_valid_before_utc == timedelta(days=30, seconds=-1)
    assert certificate.key_hash == row.facts["key"]
    _row, key = export_private_key(actor=counter.signer, certificate=Ref("pk", certificate.pk))
    assert key
    told = AuditEvent.objects.filter(resource_type="request").order_by("pk").values_list("name", flat=True)
    assert list(told) == ["request.submitted", "request.approved", "request.fulfilled"]
    assert not verify().findings


def test_a_key_that_was_brought_is_never_here(counter):
    brought = read_csr(pki.make_csr(subject="CN=db.acme.test", sans=("db.acme.test",)))
    row = counter.approved(key=brought)
    assert row.sealed_key is None
    issued = counter.sign(row)
    assert issued.certificate.key_custody == "subscriber"
    assert public_key_sha256(issued.x509.public_key()) == public_key_sha256(brought.public_key)


def test_some_of_the_names_may_be_left_out_and_none_added(counter):
    row = counter.approved()
    for names in (("db.acme.test", "other.acme.test"), ("10.1.2.4",)):
        assert refused(Conflict, counter.sign, row, sans=tuple(map(general_name, names))) == "names-not-approved"
    assert not Certificate.objects.exists()
    assert counter.sign(row, sans=(general_name("10.1.2.3"),)).certificate.sans == ["10.1.2.3"]


def test_only_what_is_approved_is_signed_and_once(counter):
    pending, rejected = counter.ask(), counter.ask()
    reject_request(actor=counter.approver.actor, request=Ref("pk", rejected.pk), reason="not ours")
    done = counter.approved()
    counter.sign(done)
    for row in (pending, rejected, done):
        assert refused(Conflict, counter.sign, row) == "request-state"
    assert Certificate.objects.count() == 1


def test_a_key_leaves_with_the_request_that_is_closed(counter):
    rejected, cancelled, expired = counter.ask(), counter.ask(), counter.ask()
    reject_request(actor=counter.approver.actor, request=Ref("pk", rejected.pk), reason="not ours")
    cancel_request(actor=counter.asker.actor, request=Ref("pk", cancelled.pk))
    Request.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    expire_lapsed_requests(actor=SYSTEM)
    assert set(Request.objects.values_list("status", "sealed_key")) == {
        ("rejected", None),
        ("cancelled", None),
        ("expired", None),
    }
    assert refused(NotFound, get_csr, Ref("pk", cancelled.pk), visible_to=counter.signer) == "request-not-found"


def test_the_role_says_how_long_and_which_names(counter):
    row = counter.approved()
    with pytest.raises(Invalid) as refusal:
        counter.sign(row, validity=timedelta(days=398))
    assert [error.field for error in refusal.value.errors] == ["validity"]
    role = counter.template().role
    narrow = replace(role_order_of(role), allow_any_name=False, allowed_domains=("umbrella.test",))
    update_role(actor=counter.signer, role=role, order=narrow)
    with pytest.raises(Invalid):
        counter.sign(row)
    assert not Certificate.objects.exists()
    assert get_csr(Ref("pk", row.pk), visible_to=counter.signer).status == "approved"


def test_a_role_that_keeps_no_keys_signs_only_what_was_brought(counter):
    role = counter.template().role
    update_role(actor=counter.signer, role=role, order=replace(role_order_of(role), store_private_keys=False))
    assert refused(Conflict, counter.sign, counter.approved()) == "role-keeps-no-keys"
    assert counter.sign(counter.approved(key=read_csr(pki.make_csr(subject="CN=db.acme.test"))))


def test_nobody_issues_by_its_template_without_an_approval(counter):
    order = order_for(counter.template(), "anything.example")
    assert refused(Denied, issue_at_once, actor=counter.signer, order=order) == "approval-required"
    issued = counter.sign(counter.approved()).certificate
    renewal = RenewOrder(certificate=Ref("pk", issued.pk))
    assert refused(Denied, renew_at_once, actor=counter.signer, order=renewal) == "approval-required"
    assert Certificate.objects.count() == 1


def test_a_template_that_wants_two_approvals_is_not_satisfied_by_one(counter):
    row, template = counter.approved(), counter.template()
    update_template(actor=counter.signer, template=template, order=replace(order_of(template), approvals_needed=2))
    assert refused(Conflict, counter.sign, row) == "approvals-missing"
    assert not Certificate.objects.exists()


def test_what_ca_and_role_ask_for_is_another_approval(counter):
    row, role = counter.approved(), counter.template().role
    update_role(actor=counter.signer, role=role, order=replace(role_order_of(role), requires_approval=True))
    assert refused(Denied, counter.sign, row) == "approval-required"
    role.refresh_from_db()
    update_role(actor=counter.signer, role=role, order=replace(role_order_of(role), requires_approval=False))
    update_ca(actor=counter.signer, ca=counter.office.issuing, requires_approval=True)
    assert refused(Denied, counter.sign, row) == "approval-required"
    assert not Certificate.objects.exists()


def test_who_asked_and_has_left_gets_nothing(counter):
    row = counter.approved()
    counter.asker.user.memberships.all().delete()
    assert refused(Conflict, counter.sign, row) == "requester-not-permitted"


def test_an_approver_who_is_none_any_more_counts_no_more(counter):
    row = counter.approved()
    counter.approver.user.memberships.all().delete()
    assert refused(Conflict, counter.sign, row) == "approvals-missing"


def test_who_may_not_issue_under_the_ca_signs_nothing(counter):
    row = counter.approved()
    auditor = cast.member(counter.office.organization, OrganizationRole.AUDITOR)
    with pytest.raises(Denied):
        counter.sign(row, auditor.actor)


def test_nobody_fulfils_it_without_a_ca(counter):
    row = counter.approved()
    assert refused(Conflict, fulfil_request, actor=counter.signer, request=Ref("pk", row.pk)) == "ca-to-be-chosen"
    assert fulfil_due_requests(actor=SYSTEM) == 0
    assert findings_about(get_csr(Ref("pk", row.pk), visible_to=counter.signer)) == ()


def test_a_ca_that_is_not_opened_for_it_says_so(counter):
    with pytest.raises(Denied) as refusal:
        standing_template(Ref("pk", counter.office.root.pk), Slot.SCAIVAULT_CSR, visible_to=counter.signer)
    assert refusal.value.error_code == "dialect-not-enabled"


def test_whoever_signs_is_bound_by_a_policy_of_their_own_as_well(counter):
    row, office = counter.approved(), counter.office
    account = create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.organization.memberships.get(role="owner").user,
        name="signer",
        permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE, Permission.REQUESTS_READ],
        needs_policy=True,
    )
    actor = actor_of_service_account(account.pk, ip=None)

    def allow_at(ca_id: int) -> None:
        order = PolicyOrder(
            max_validity_days=400,
            cn_patterns=["*"],
            san_dns_patterns=["*.acme.test"],
            san_ip_cidrs=["10.0.0.0/8"],
            san_email_domains=["acme.test"],
            allowed_ca_ids=[ca_id],
            allowed_certificate_types=["server", "client", "dual_purpose"],
        )
        set_issuance_policy(actor=office.owner, account=account, order=order)

    assert refused(Denied, counter.sign, row, actor) == "service-account-has-no-policy"
    allow_at(office.root.pk)
    assert refused(Invalid, counter.sign, row, actor) == "policy-violation"
    assert not Certificate.objects.exists()
    allow_at(office.issuing.pk)
    assert counter.sign(row, actor).certificate.owner == counter.asker.user

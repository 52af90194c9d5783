"""The shape of services: who acts is always said, and what happened is told exactly once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from cryptography.x509 import ReasonFlags
from django.utils import timezone

from accounts.models import ApiKey, Membership, User
from accounts.roles import OrganizationRole
from accounts.services.api_keys import create_api_key, revoke_api_key
from accounts.services.masterkey import rotate_master_key
from accounts.services.organizations import add_member, change_member_role, create_organization, remove_member
from accounts.services.people import (
    change_password,
    create_first_administrator,
    create_user,
)
from cas.models import CertificateAuthority, Role
from cas.services import roles, templates
from cas.services.authorities import create_authority, disable_ca, enable_ca, retire_ca, update_ca
from certificates.bundles import Format
from certificates.models import Certificate, CrlScope, Request
from certificates.orders import BatchOrder, Managed, RenewOrder, RevokeAuthorityOrder, RevokeOrder
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.batches import issue_batch
from certificates.services.crl import publish_crl
from certificates.services.downloads import download_certificate
from certificates.services.editing import update_certificate
from certificates.services.fulfilment import expire_lapsed_requests, fulfil_due_requests, fulfil_request
from certificates.services.issuance import issue_at_once, issue_certificate
from certificates.services.keys import collect_private_key, collect_requested_key, fulfil_and_collect
from certificates.services.preview import preview_issuance, preview_many
from certificates.services.renewal import renew_at_once, renew_certificate
from certificates.services.requests import approve_request, cancel_request, reject_request
from certificates.services.responders import rotate_responder
from certificates.services.revocation import release_certificate, revoke_authority, revoke_certificate
from certificates.services.revoking import revoke_and_publish
from certificates.services.submission import submit_request
from kernel.actor import SYSTEM, Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.seal import new_key
from kernel.secret import Secret
from tests import cast
from tests.architecture.acme import ACME_CALLS
from tests.architecture.authorities import AUTHORITY_CALLS
from tests.architecture.clients import CLIENT_CALLS
from tests.architecture.dialects import DIALECT_CALLS
from tests.architecture.fastpki import FASTPKI_CALLS
from tests.architecture.keys import KEY_CALLS
from tests.architecture.machines import MACHINE_CALLS
from tests.architecture.names import NAME_CALLS
from tests.architecture.notices import NOTICE_CALLS
from tests.architecture.oauth import OAUTH_CALLS
from tests.architecture.people import PEOPLE_CALLS
from tests.architecture.policy import POLICY_CALLS
from tests.architecture.register import REGISTER_CALLS
from tests.architecture.renewals import RENEWAL_CALLS
from tests.architecture.services import opening_transactions, services
from tests.happened import happenings
from tests.office import Office, authority_order, open_office, order_for

HOLD, SUPERSEDED = ReasonFlags.certificate_hold, ReasonFlags.superseded


@dataclass(frozen=True)
class Stage:
    """An office with one of everything that a service could be about."""

    office: Office
    teammate: Membership
    guest: User
    key: ApiKey
    disabled: CertificateAuthority
    spare_role: Role
    certificate: Certificate
    held: Certificate
    waiting: Certificate
    approver: Actor
    asked: Request
    approved: Request

    @property
    def owner(self) -> Actor:
        return self.office.owner


@pytest.fixture
def stage(db) -> Stage:
    office = open_office()
    teammate = cast.member(office.organization, OrganizationRole.OPERATOR)
    key, _token = cast.api_key(office.person)
    order = authority_order(office.organization, "Second Root")
    disabled = establish_authority(actor=office.owner, order=order)
    disable_ca(actor=office.owner, ca=disabled)
    spare = roles.create_role(actor=office.owner, order=replace(roles.order_of(office.role), name="spare"))
    approver = cast.member(office.organization, OrganizationRole.APPROVER).actor
    guarded = replace(templates.order_of(office.template), code="guarded", requires_approval=True)
    order = order_for(templates.create_template(actor=office.owner, order=guarded))
    asked, approved = (submit_request(actor=office.owner, order=order) for _number in range(2))
    approve_request(actor=approver, request=Ref("pk", approved.pk), digest=approved.digest)
    certificate, held = office.issue().certificate, office.issue().certificate
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", held.pk), reason=HOLD))
    return Stage(
        office=office,
        teammate=Membership.objects.get(user=teammate.user),
        guest=cast.superuser("guest@localhost"),
        key=key,
        disabled=disabled,
        spare_role=spare,
        certificate=certificate,
        held=held,
        waiting=office.issue(key=Managed(collect_later=True)).certificate,
        approver=approver,
        asked=asked,
        approved=approved,
    )


def _create_key(s: Stage) -> None:
    create_api_key(
        actor=s.owner,
        organization=s.office.organization,
        owner=s.office.person.user,
        name="second",
        permissions=[Permission.CERTIFICATES_READ],
    )


def _change_password(s: Stage) -> None:
    change_password(
        actor=s.owner, user=s.office.person.user, old=Secret(cast.PASSWORD), new=Secret("a wholly different sentence")
    )


def _create_template(s: Stage) -> None:
    order = replace(templates.order_of(s.office.template), code="second")
    templates.create_template(actor=s.owner, order=order)


def _update_template(s: Stage) -> None:
    order = templates.order_of(s.office.template)
    templates.update_template(actor=s.owner, template=s.office.template, order=order)


def _revoke_ca(s: Stage) -> None:
    order = RevokeAuthorityOrder(ca=Ref("pk", s.office.issuing.pk), reason=SUPERSEDED)
    revoke_authority(actor=s.owner, order=order)


def _revoke(s: Stage) -> None:
    order = RevokeOrder(certificate=Ref("pk", s.certificate.pk), reason=SUPERSEDED)
    revoke_certificate(actor=s.owner, order=order)


def _revoke_with_passphrase(s: Stage) -> None:
    order = RevokeOrder(certificate=Ref("pk", s.certificate.pk), reason=SUPERSEDED)
    revoke_and_publish(actor=s.owner, order=order, passphrase=Secret("open sesame, please"))


def _ask(s: Stage) -> None:
    order = order_for(s.office.template)
    submit_request(actor=s.owner, order=replace(order, template="guarded"))


def _issue_batch(s: Stage) -> None:
    rows = (order_for(s.office.template), order_for(s.office.template, "other.acme.test"))
    issue_batch(actor=s.owner, order=BatchOrder(template=s.office.template.code, rows=rows), report=str)


def _preview_many(s: Stage) -> None:
    orders = [order_for(s.office.template), order_for(s.office.template, "evil.test")]
    preview_many(actor=s.owner, template=s.office.template.code, ca=None, orders=orders)


def _reject(s: Stage) -> None:
    reject_request(actor=s.approver, request=Ref("pk", s.asked.pk), digest=s.asked.digest, reason="no")


def _collect_requested_key(s: Stage) -> None:
    asked = Ref("pk", s.approved.pk)
    fulfil_request(actor=s.approver, request=asked)
    collect_requested_key(actor=s.owner, request=asked)


def _expire(s: Stage) -> None:
    Request.objects.filter(pk=s.asked.pk).update(expires_at=timezone.now())
    expire_lapsed_requests(actor=SYSTEM)


def _scope(s: Stage) -> CrlScope:
    return CrlScope.objects.select_related("ca", "ca__key").get(ca=s.office.issuing, scope=0)


Call = Callable[[Stage], object]
CALLS: dict[str, tuple[Call, list[str]]] = {
    "accounts.create_organization": (
        lambda s: create_organization(actor=cast.SUPERUSER, name="New"),
        ["organization.created"],
    ),
    "accounts.add_member": (
        lambda s: add_member(actor=s.owner, organization=s.office.organization, user=s.guest, role="member"),
        ["membership.created"],
    ),
    "accounts.change_member_role": (
        lambda s: change_member_role(actor=s.owner, membership=s.teammate, role="auditor"),
        ["membership.changed"],
    ),
    "accounts.remove_member": (
        lambda s: remove_member(actor=s.owner, membership=s.teammate),
        ["membership.removed"],
    ),
    "accounts.create_user": (
        lambda s: create_user(actor=cast.SUPERUSER, email="new@localhost", password=None),
        ["user.created"],
    ),
    "accounts.change_password": (_change_password, ["password.changed"]),
    "accounts.create_api_key": (_create_key, ["api_key.created"]),
    "accounts.revoke_api_key": (lambda s: revoke_api_key(actor=s.owner, key=s.key), ["api_key.revoked"]),
    "accounts.rotate_master_key": (
        lambda s: rotate_master_key(actor=cast.SUPERUSER, new_key=new_key()),
        ["master_key.rotated"],
    ),
    "cas.create_authority": (
        lambda s: create_authority(actor=s.owner, order=authority_order(s.office.organization, "New")),
        ["ca.created"],
    ),
    "cas.update_ca": (lambda s: update_ca(actor=s.owner, ca=s.disabled, description="x"), ["ca.updated"]),
    "cas.disable_ca": (lambda s: disable_ca(actor=s.owner, ca=s.office.issuing), ["ca.disabled"]),
    "cas.enable_ca": (lambda s: enable_ca(actor=s.owner, ca=s.disabled), ["ca.enabled"]),
    "cas.retire_ca": (lambda s: retire_ca(actor=s.owner, ca=s.disabled), ["ca.retired"]),
    "cas.create_role": (
        lambda s: roles.create_role(actor=s.owner, order=replace(roles.order_of(s.office.role), name="new")),
        ["role.created"],
    ),
    "cas.update_role": (
        lambda s: roles.update_role(actor=s.owner, role=s.office.role, order=roles.order_of(s.office.role)),
        ["role.updated"],
    ),
    "cas.retire_role": (lambda s: roles.retire_role(actor=s.owner, role=s.spare_role), ["role.retired"]),
    "cas.create_template": (_create_template, ["template.created"]),
    "cas.update_template": (_update_template, ["template.updated"]),
    "cas.retire_template": (
        lambda s: templates.retire_template(actor=s.owner, template=s.office.template),
        ["template.retired"],
    ),
    "certificates.establish_authority": (
        lambda s: establish_authority(actor=s.owner, order=authority_order(s.office.organization, "New")),
        ["ca.created", "responder.rotated", "crl.published"],
    ),
    "certificates.publish_everything": (
        lambda s: publish_everything(actor=s.owner, ca=s.office.issuing),
        ["crl.published"],
    ),
    "certificates.publish_crl": (lambda s: publish_crl(actor=s.owner, scope=_scope(s)), ["crl.published"]),
    "certificates.rotate_responder": (
        lambda s: rotate_responder(actor=s.owner, ca=s.office.issuing),
        ["responder.rotated"],
    ),
    "certificates.issue_certificate": (
        lambda s: issue_certificate(actor=s.owner, order=order_for(s.office.template)),
        ["certificate.issued"],
    ),
    "certificates.issue_at_once": (
        lambda s: issue_at_once(actor=s.owner, order=order_for(s.office.template)),
        ["certificate.issued"],
    ),
    "certificates.preview_issuance": (
        lambda s: preview_issuance(actor=s.owner, order=order_for(s.office.template)),
        [],
    ),
    "certificates.preview_many": (_preview_many, []),
    "certificates.issue_batch": (_issue_batch, ["certificate.issued", "certificate.issued"]),
    "certificates.submit_request": (_ask, ["request.submitted"]),
    "certificates.approve_request": (
        lambda s: approve_request(actor=s.approver, request=Ref("pk", s.asked.pk), digest=s.asked.digest),
        ["request.approved"],
    ),
    "certificates.reject_request": (_reject, ["request.rejected"]),
    "certificates.cancel_request": (
        lambda s: cancel_request(actor=s.owner, request=Ref("pk", s.asked.pk)),
        ["request.cancelled"],
    ),
    "certificates.fulfil_request": (
        lambda s: fulfil_request(actor=s.owner, request=Ref("pk", s.approved.pk)),
        ["certificate.issued", "request.fulfilled"],
    ),
    "certificates.fulfil_and_collect": (
        lambda s: fulfil_and_collect(actor=s.owner, request=Ref("pk", s.approved.pk)),
        ["certificate.issued", "request.fulfilled", "certificate.key_collected"],
    ),
    "certificates.fulfil_due_requests": (
        lambda s: fulfil_due_requests(actor=SYSTEM),
        ["certificate.issued", "request.fulfilled"],
    ),
    "certificates.expire_lapsed_requests": (_expire, ["request.expired"]),
    "certificates.renew_certificate": (
        lambda s: renew_certificate(actor=s.owner, order=RenewOrder(certificate=Ref("pk", s.certificate.pk))),
        ["certificate.issued"],
    ),
    "certificates.renew_at_once": (
        lambda s: renew_at_once(actor=s.owner, order=RenewOrder(certificate=Ref("pk", s.certificate.pk))),
        ["certificate.issued"],
    ),
    "certificates.update_certificate": (
        lambda s: update_certificate(actor=s.owner, certificate=Ref("pk", s.certificate.pk), tags=["x"]),
        ["certificate.updated"],
    ),
    "certificates.revoke_certificate": (_revoke, ["certificate.revoked"]),
    # Its CA has no passphrase, so that this one opens nothing.
    "certificates.revoke_and_publish": (_revoke_with_passphrase, ["certificate.revoked"]),
    "certificates.release_certificate": (
        lambda s: release_certificate(actor=s.owner, certificate=Ref("pk", s.held.pk)),
        ["certificate.released"],
    ),
    "certificates.revoke_authority": (_revoke_ca, ["ca.revoked"]),
    "certificates.download_certificate": (
        lambda s: download_certificate(actor=s.owner, certificate=Ref("pk", s.certificate.pk), fmt=Format.PEM),
        ["certificate.downloaded"],
    ),
    "certificates.collect_private_key": (
        lambda s: collect_private_key(actor=s.owner, certificate=Ref("pk", s.waiting.pk)),
        ["certificate.key_collected"],
    ),
    "certificates.collect_requested_key": (
        _collect_requested_key,
        ["certificate.issued", "request.fulfilled", "certificate.key_collected"],
    ),
    **ACME_CALLS,
    **AUTHORITY_CALLS,
    **DIALECT_CALLS,
    **CLIENT_CALLS,
    **FASTPKI_CALLS,
    **KEY_CALLS,
    **MACHINE_CALLS,
    **NAME_CALLS,
    **NOTICE_CALLS,
    **OAUTH_CALLS,
    **PEOPLE_CALLS,
    **POLICY_CALLS,
    **REGISTER_CALLS,
    **RENEWAL_CALLS,
}


@pytest.mark.parametrize(("call", "events"), CALLS.values(), ids=CALLS)
def test_what_happened_is_told_once(stage, call, events):
    with happenings() as names:
        call(stage)
    assert names == events


@pytest.mark.django_db
def test_the_first_administrator_is_told_of_once():
    with happenings() as names:
        create_first_administrator(actor=SYSTEM, email="first@localhost")
    assert names == ["user.created"]


def test_no_service_is_forgotten_above():
    assert set(services()) == {*CALLS, "accounts.create_first_administrator"}


@pytest.mark.parametrize("function", services().values(), ids=services())
def test_a_service_is_called_by_names_alone(function):
    parameters = inspect.signature(function).parameters
    assert all(each.kind is each.KEYWORD_ONLY for each in parameters.values())
    assert parameters["actor"].default is inspect.Parameter.empty


def test_whatever_opens_a_transaction_says_who_acts():
    assert set(opening_transactions()) - set(services()) == set()

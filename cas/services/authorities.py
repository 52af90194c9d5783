"""CAs: created, taken out of service, retired. (Revoking one, with all below it, is the register's work.)"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import policy
from accounts.models import Organization
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from cas import keystore, selectors
from cas.chains import lock_subtree
from cas.core.authority import AuthorityWish
from cas.core.keys import PublicKey
from cas.models import CertificateAuthority, IssuedSerial
from cas.orders import AuthorityOrder
from cas.services.certifying import certify, draft_certificate
from cas.services.founding import (
    insert_authority,
    keep_ca_certificate,
    new_key,
    policy_errors,
    reference,
    terms_errors,
    wrong_status,
)
from cas.services.serials import serial_text
from cas.services.standing import add_standing_templates
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.text import _

Status = CertificateAuthority.Status


def create_authority(
    *, actor: Actor, order: AuthorityOrder, predecessor: CertificateAuthority | None = None
) -> CertificateAuthority:
    """A root, or an intermediate under `order.parent`, with a key of its own.

    The key is made before the transaction begins. Raises NotFound (organization, parent), Denied, Invalid with
    every violation, Conflict (the name is taken), Unavailable (the parent cannot sign, the token is not there).
    """
    organization, parent = _place(actor, order)
    if errors := terms_errors(order, order.key_backend):
        raise Invalid(errors=errors)
    with new_key(actor, order) as key, transaction.atomic():
        return _create(actor, order, organization, parent, key, predecessor)


@transaction.atomic
def retire_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """It issues nothing more, and goes on answering for what it has issued. Raises Denied, Conflict."""
    return _change_status(
        actor, ca, Status.RETIRED, EventName.CA_RETIRED, allowed_from={Status.ACTIVE, Status.DISABLED}
    )


@transaction.atomic
def retire_childless_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """`retire_ca`, where no CA stands below it that is not retired itself. Raises Denied, Conflict."""
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    row, *below = lock_subtree(ca.pk)
    gone = (Status.RETIRED, Status.CANCELLED)
    children = [each for each in below if each.parent_id == row.pk and each.status not in gone]
    if children:
        text = _("%(ca)s has %(count)s CAs directly below it.")
        raise Conflict(text, code="ca-has-children", ca=row.name, count=len(children))
    return retire_ca(actor=actor, ca=row)


@transaction.atomic
def disable_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """It issues nothing, nor does any CA below it, until it is enabled. Raises Denied, Conflict."""
    return _change_status(actor, ca, Status.DISABLED, EventName.CA_DISABLED, allowed_from={Status.ACTIVE})


@transaction.atomic
def enable_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """Raises Denied, Conflict (it was not disabled)."""
    return _change_status(actor, ca, Status.ACTIVE, EventName.CA_ENABLED, allowed_from={Status.DISABLED})


@transaction.atomic
def update_ca(
    *,
    actor: Actor,
    ca: CertificateAuthority,
    description: str | None = None,
    base_url: str | None = None,
    crl_lifetime: timedelta | None = None,
    allow_leaf_certificates: bool | None = None,
    requires_approval: bool | None = None,
    approver_role: str | None = None,
    approvals_needed: int | None = None,
) -> CertificateAuthority:
    """Change what may change of a CA; None leaves a field as it is. Raises Denied, Invalid."""
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    changes: dict[str, Any] = {
        "description": description,
        "base_url": base_url,
        "crl_lifetime": crl_lifetime,
        "allow_leaf_certificates": allow_leaf_certificates,
        "requires_approval": requires_approval,
        "approver_role": approver_role,
        "approvals_needed": approvals_needed,
    }
    given = {field: value for field, value in changes.items() if value is not None}
    if errors := policy_errors(**given):
        raise Invalid(errors=errors)
    if base_url is not None:
        given["base_url"] = base_url.rstrip("/")
    row = lock_subtree(ca.pk)[0]
    for field, value in given.items():
        setattr(row, field, value)
    row.save(update_fields=list(given))
    audit.record(actor, EventName.CA_UPDATED, reference(row), organization_id=row.organization_id, fields=sorted(given))
    return row


def _place(actor: Actor, order: AuthorityOrder) -> tuple[Organization, CertificateAuthority | None]:
    organization = get_organization(order.organization, visible_to=actor)
    parent = selectors.get_ca(order.parent, visible_to=actor) if order.parent else None
    if parent is not None and parent.organization_id != organization.pk:
        raise selectors.ca_not_found()
    policy.require(actor, Permission.CAS_CREATE, organization_id=organization.pk, ca_id=parent.pk if parent else None)
    return organization, parent


def _create(
    actor: Actor,
    order: AuthorityOrder,
    organization: Organization,
    parent: CertificateAuthority | None,
    key: keystore.NewKey,
    predecessor: CertificateAuthority | None,
) -> CertificateAuthority:
    draft = draft_certificate(_wish(order, key.public_key), issuer=parent, now=timezone.now())
    kept = keystore.keep_key(key, organization=organization, passphrase=order.passphrase)
    ca = insert_authority(
        order,
        organization=organization,
        subject=draft.plan.subject,
        public_key=key.public_key,
        key=kept,
        predecessor=predecessor,
    )
    certificate = certify(
        actor,
        draft,
        signing_ca=parent or ca,
        kind=IssuedSerial.Kind.CA,
        passphrase=order.parent_passphrase if parent else order.passphrase,
        is_new=parent is None,
    )
    keep_ca_certificate(ca, certificate, issuer=parent or ca)
    audit.record(
        actor,
        EventName.CA_CREATED,
        reference(ca),
        organization_id=organization.pk,
        event_id=ca.event,
        parent=parent.name if parent else None,
        successor_of=predecessor.name if predecessor else None,
        serial=serial_text(draft.plan.serial),
        subject=ca.subject,
        key_algorithm=ca.key_algorithm,
        key_backend=kept.backend,
        not_after=draft.plan.not_after,
    )
    if order.dialect is not None:
        add_standing_templates(actor, ca, order.dialect)
    return ca


def _wish(order: AuthorityOrder, public_key: PublicKey) -> AuthorityWish:
    return AuthorityWish(
        subject=order.subject,
        public_key=public_key,
        validity=order.lifetime,
        may_end_earlier=order.may_be_shortened,
        path_length=order.path_length,
        permitted=order.permitted_names,
        excluded=order.excluded_names,
        extended_key_usage=order.extended_key_usage,
    )


def _change_status(
    actor: Actor, ca: CertificateAuthority, status: Status, event: EventName, *, allowed_from: set[Status]
) -> CertificateAuthority:
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    row = lock_subtree(ca.pk)[0]
    if row.status not in allowed_from:
        raise wrong_status(row)
    row.status = status
    row.save(update_fields=["status"])
    audit.record(actor, event, reference(row), organization_id=row.organization_id)
    return row

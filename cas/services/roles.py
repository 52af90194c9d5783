"""Roles: the guard rails of issuance under one CA."""

from __future__ import annotations

from copy import copy

from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas import selectors
from cas.models import CertificateAuthority, Role, Template
from cas.orders import RoleOrder
from cas.services import profiles
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


@transaction.atomic
def create_role(*, actor: Actor, order: RoleOrder) -> Role:
    """Raises NotFound (the CA), Denied, Invalid with every wrong field, Conflict (the name is taken)."""
    ca = selectors.get_ca(order.ca, visible_to=actor)
    policy.require(actor, Permission.ROLES_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    return add_role(actor, ca, order)


def add_role(actor: Actor, ca: CertificateAuthority, order: RoleOrder) -> Role:
    """A step: the row and its event. Raises Invalid with every wrong field, Conflict (the name is taken)."""
    role = Role(organization_id=ca.organization_id, ca=ca, event=audit.new_event_id(), **profiles.columns(order))
    _check(role)
    profiles.insert(role, _taken(order))
    _record(actor, EventName.ROLE_CREATED, role, event_id=role.event)
    return role


@transaction.atomic
def update_role(*, actor: Actor, role: Role, order: RoleOrder) -> Role:
    """Make the role what the order says; every template under it gets a new profile version.

    Raises Denied, Invalid (also where a template under it would promise more than the role allows), Conflict.
    """
    policy.require(actor, Permission.ROLES_WRITE, organization_id=role.organization_id, ca_id=role.ca_id)
    row = profiles.lock(Role, role.pk)
    changed = _assign(actor, row, order)
    profiles.save(row, changed, _taken(order))
    for template in Template.objects.select_for_update().filter(role=row, retired_at__isnull=True).order_by("id"):
        template.role = row
        profiles.keep_profile(template)
    _record(actor, EventName.ROLE_UPDATED, row)
    return row


def draft_role(actor: Actor, role: Role, order: RoleOrder) -> Role:
    """A step: the role as it would be. Nothing is written. Raises Invalid with every wrong field."""
    row = copy(role)
    _assign(actor, row, order)
    return row


@transaction.atomic
def retire_role(*, actor: Actor, role: Role) -> Role:
    """It cannot be used any more, and its name is free again.

    Raises Denied, Conflict (templates stand on it), NotFound (retired already).
    """
    policy.require(actor, Permission.ROLES_WRITE, organization_id=role.organization_id, ca_id=role.ca_id)
    row = profiles.lock(Role, role.pk)
    users = list(row.templates.filter(retired_at__isnull=True).order_by("id").values_list("code", flat=True)[:10])
    if users:
        text = _("The role is in use by these templates: %(templates)s.")
        raise Conflict(text, code="role-in-use", templates=", ".join(users))
    row.retired_at = timezone.now()
    row.save(update_fields=["retired_at"])
    _record(actor, EventName.ROLE_RETIRED, row)
    return row


def order_of(role: Role) -> RoleOrder:
    """The order that would make this role again; `dataclasses.replace` it for a change."""
    return RoleOrder(
        ca=Ref("pk", role.ca_id),
        name=role.name,
        max_ttl=role.max_ttl,
        description=role.description,
        allowed_domains=tuple(role.allowed_domains),
        allow_any_name=role.allow_any_name,
        allow_bare_domains=role.allow_bare_domains,
        allow_subdomains=role.allow_subdomains,
        allow_wildcards=role.allow_wildcards,
        allow_dns_sans=role.allow_dns_sans,
        allow_ip_sans=role.allow_ip_sans,
        allowed_ip_ranges=tuple(role.allowed_ip_ranges),
        allow_email_sans=role.allow_email_sans,
        allowed_email_domains=tuple(role.allowed_email_domains),
        allow_uri_sans=role.allow_uri_sans,
        allowed_uri_prefixes=tuple(role.allowed_uri_prefixes),
        key_algorithms=tuple(role.key_algorithms),
        common_name=role.common_name,
        subject_attributes=tuple(role.subject_attributes),
        store_private_keys=role.store_private_keys,
        requires_approval=role.requires_approval,
        approver_role=role.approver_role,
        approvals_needed=role.approvals_needed,
    )


def _assign(actor: Actor, row: Role, order: RoleOrder) -> list[str]:
    profiles.require_same_ca(selectors.get_ca(order.ca, visible_to=actor), row)
    changed = profiles.assign(row, order)
    _check(row)
    return changed


def _check(role: Role) -> None:
    errors = [
        *profiles.code_errors("name", role.name, longest=80),
        *profiles.policy_errors(role),
        *profiles.role_errors(role),
    ]
    if errors:
        raise Invalid(errors=errors)


def _taken(order: RoleOrder) -> Conflict:
    return Conflict(_("A role named %(name)s exists already."), code="role-exists", name=order.name)


def _record(actor: Actor, event: EventName, role: Role, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("role", role.pk, role.name, public_id=role.public_id),
        organization_id=role.organization_id,
        event_id=event_id,
        ca=role.ca.name,
        version=role.version,
    )

"""Templates: the recipes on offer. Each save makes a new profile version; what was issued keeps its own."""

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
from cas.orders import TemplateOrder
from cas.services import profiles
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid, NotFound
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


@transaction.atomic
def create_template(*, actor: Actor, order: TemplateOrder) -> Template:
    """Raises NotFound (CA, role), Denied, Invalid with every wrong field, Conflict (the code is taken)."""
    ca, role = _find_parts(actor, order)
    policy.require(actor, Permission.TEMPLATES_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    return add_template(actor, ca, role, order)


def add_template(actor: Actor, ca: CertificateAuthority, role: Role, order: TemplateOrder) -> Template:
    """A step: the row, its first profile version and its event. Raises Invalid, Conflict (the code is taken)."""
    template = Template(
        organization_id=ca.organization_id, ca=ca, role=role, event=audit.new_event_id(), **profiles.columns(order)
    )
    _check(template)
    profiles.insert(template, _taken(order))
    profiles.keep_profile(template)
    _record(actor, EventName.TEMPLATE_CREATED, template, event_id=template.event)
    return template


@transaction.atomic
def update_template(*, actor: Actor, template: Template, order: TemplateOrder) -> Template:
    """Make the template what the order says. Raises NotFound, Denied, Invalid with every wrong field, Conflict."""
    policy.require(actor, Permission.TEMPLATES_WRITE, organization_id=template.organization_id, ca_id=template.ca_id)
    row = profiles.lock(Template, template.pk)
    rewrite_template(actor, row, order)
    profiles.keep_profile(row)
    return row


def rewrite_template(actor: Actor, row: Template, order: TemplateOrder) -> None:
    """A step: the row and its event. Whether it agrees with its role is judged when the profile is kept.

    Raises NotFound (the role), Invalid with every wrong field, Conflict (the code is taken).
    """
    changed = _assign(actor, row, order)
    profiles.save(row, changed, _taken(order))
    _record(actor, EventName.TEMPLATE_UPDATED, row)


def draft_template(actor: Actor, template: Template, order: TemplateOrder) -> Template:
    """A step: the template as it would be. Nothing is written. Raises what `rewrite_template` does, but Conflict."""
    row = copy(template)
    _assign(actor, row, order)
    return row


@transaction.atomic
def retire_template(*, actor: Actor, template: Template) -> Template:
    """Nothing is issued by it any more, and its code is free again. Raises Denied, NotFound (retired already)."""
    policy.require(actor, Permission.TEMPLATES_WRITE, organization_id=template.organization_id, ca_id=template.ca_id)
    row = profiles.lock(Template, template.pk)
    row.retired_at = timezone.now()
    row.save(update_fields=["retired_at"])
    _record(actor, EventName.TEMPLATE_RETIRED, row)
    return row


def order_of(template: Template) -> TemplateOrder:
    """The order that would make this template again; `dataclasses.replace` it for a change."""
    return TemplateOrder(
        ca=Ref("pk", template.ca_id),
        role=Ref("pk", template.role_id),
        name=template.name,
        code=template.code,
        key_algorithm=template.key_algorithm,
        any_key_algorithm=template.any_key_algorithm,
        validity=template.validity,
        backdate=template.backdate,
        key_usage=tuple(template.key_usage),
        description=template.description,
        extended_key_usage=tuple(template.extended_key_usage),
        certificate_policies=tuple(template.certificate_policies),
        lint=template.lint,
        add_common_name_to_sans=template.add_common_name_to_sans,
        include_cdp=template.include_cdp,
        include_aia=template.include_aia,
        renew_same_key=template.renew_same_key,
        approval_covers_renewal=template.approval_covers_renewal,
        requires_approval=template.requires_approval,
        approver_role=template.approver_role,
        approvals_needed=template.approvals_needed,
    )


def _assign(actor: Actor, row: Template, order: TemplateOrder) -> list[str]:
    ca, role = _find_parts(actor, order)
    profiles.require_same_ca(ca, row)
    row.role = role
    changed = profiles.assign(row, order)
    _check(row)
    return [*changed, "role"]


def _find_parts(actor: Actor, order: TemplateOrder) -> tuple[CertificateAuthority, Role]:
    ca = selectors.get_ca(order.ca, visible_to=actor)
    role = selectors.get_role(order.role, visible_to=actor)
    if role.ca_id != ca.pk:
        raise NotFound(_("%(ca)s has no role %(role)s."), code="role-not-found", ca=ca.name, role=role.name)
    return ca, role


def _check(template: Template) -> None:
    errors = [
        *text_errors("name", template.name, longest=120, required=True),
        *profiles.code_errors("code", template.code, longest=80),
        *profiles.policy_errors(template),
    ]
    if errors:
        raise Invalid(errors=errors)


def _taken(order: TemplateOrder) -> Conflict:
    text = _("A template with the code %(template_code)s exists already.")
    return Conflict(text, code="template-exists", template_code=order.code)


def _record(actor: Actor, event: EventName, template: Template, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("template", template.pk, template.code, public_id=template.public_id),
        organization_id=template.organization_id,
        event_id=event_id,
        ca=template.ca.name,
        role=template.role.name,
        version=template.version,
        requires_approval=template.requires_approval,
    )

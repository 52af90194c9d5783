"""Roles that an organization makes for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import policy
from accounts.features import require_feature
from accounts.models import CustomRole, Invitation, Membership, Organization, SignInProvider
from accounts.roles import OrganizationRole
from accounts.services.organizations import ChosenRole, known_permissions, require_no_more_than
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.features import Feature
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST_NAME: Final = 120
_LONGEST_SLUG: Final = 80


@transaction.atomic
def create_custom_role(
    *, actor: Actor, organization: Organization, name: str, permissions: Sequence[str], slug: str = ""
) -> CustomRole:
    """A role of these permissions; its slug, made of the name where none is given, is its name for templates and for
    ever. Raises Denied (also for permissions that the actor lacks), Invalid, Conflict (the slug is taken).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=organization.pk)
    require_feature(organization, Feature.CUSTOM_ROLES)
    name = _read_name(name)
    slug = slug or slugify(name)[:_LONGEST_SLUG].strip("-")
    if not 0 < len(slug) <= _LONGEST_SLUG or slug != slugify(slug):
        text = _("A slug has up to %(longest)s lower-case letters, digits and hyphens.")
        raise Invalid.of("slug", "invalid", text, longest=_LONGEST_SLUG)
    if slug in OrganizationRole.values:
        raise Invalid.of(
            "slug", "reserved", _("%(slug)s is the name of a role that every organization has."), slug=slug
        )
    role = CustomRole(organization=organization, name=name, slug=slug, event=audit.new_event_id())
    _give(actor, role, permissions)
    try:
        with transaction.atomic():
            role.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("There is a role %(slug)s already."), code="custom-role-exists", slug=slug) from error
    _record(actor, EventName.CUSTOM_ROLE_CREATED, role, event_id=role.event)
    return role


@transaction.atomic
def update_custom_role(
    *, actor: Actor, role: CustomRole, name: str | None = None, permissions: Sequence[str] | None = None
) -> CustomRole:
    """Whoever holds the role has the new permissions at once. Raises Denied (also where the role, before or after, can
    do more than the actor), Invalid.
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=role.organization_id)
    role = CustomRole.objects.select_for_update().get(pk=role.pk)
    require_no_more_than(actor, ChosenRole(role.slug, role).permissions)
    if name is not None:
        role.name = _read_name(name)
    if permissions is not None:
        _give(actor, role, permissions)
    role.save(update_fields=["name", "permissions"])
    _record(actor, EventName.CUSTOM_ROLE_UPDATED, role)
    return role


@transaction.atomic
def delete_custom_role(*, actor: Actor, role: CustomRole) -> None:
    """Raises Denied, Conflict (somebody holds it, or is going to)."""
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=role.organization_id)
    role = CustomRole.objects.select_for_update().get(pk=role.pk)
    if _is_in_use(role):
        raise Conflict(_("The role is in use: by a member, an invitation or a sign-in provider."), code="role-in-use")
    _record(actor, EventName.CUSTOM_ROLE_DELETED, role)
    role.delete()


def _read_name(name: str) -> str:
    name = name.strip()
    if errors := text_errors("name", name, longest=_LONGEST_NAME, required=True):
        raise Invalid(errors=errors)
    return name


def _give(actor: Actor, role: CustomRole, permissions: Sequence[str]) -> None:
    role.permissions = list(known_permissions("permissions", permissions))
    if not role.permissions:
        raise Invalid.of("permissions", "required", _("Name at least one permission."))
    require_no_more_than(actor, ChosenRole(role.slug, role).permissions)


def _is_in_use(role: CustomRole) -> bool:
    here = {"organization_id": role.organization_id}
    if Membership.objects.filter(custom_role=role).exists():
        return True
    if Invitation.objects.filter(**here, role=role.slug, accepted_at=None, cancelled_at=None).exists():
        return True
    providers = SignInProvider.objects.filter(**here).values_list("default_role", "role_map")
    return any(role.slug in (default, *mapped.values()) for default, mapped in providers)


def _record(actor: Actor, event: EventName, role: CustomRole, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("custom_role", role.pk, role.slug),
        organization_id=role.organization_id,
        event_id=event_id,
        name=role.name,
        permissions=role.permissions,
    )

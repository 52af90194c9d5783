"""Organizations and who belongs to them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify

from accounts import policy
from accounts.models import CustomRole, Membership, Organization, User
from accounts.roles import ORGANIZATION_PERMISSIONS, OrganizationRole
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST_NAME: Final = 120
_LONGEST_DESCRIPTION: Final = 1000
_LONGEST_SLUG: Final = 80


@transaction.atomic
def create_organization(
    *, actor: Actor, name: str, slug: str = "", description: str = "", owner: User | None = None
) -> Organization:
    """A new tenant, with its first owner if one is named. Superusers only.

    Raises Denied, Invalid, Conflict (name or slug taken).
    """
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can create organizations."))
    name = name.strip()
    slug = slug or _slug_of(name)
    if errors := _text_errors(name, description):
        raise Invalid(errors=errors)
    if not 0 < len(slug) <= _LONGEST_SLUG or slug != slugify(slug):
        text = _("A slug has up to %(longest)s lower-case letters, digits and hyphens.")
        raise Invalid.of("slug", "invalid", text, longest=_LONGEST_SLUG)
    event_id = audit.new_event_id()
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, slug=slug, description=description, event=event_id)
    except IntegrityError as error:
        raise Conflict(_("An organization with this name exists already."), code="organization-exists") from error
    if owner is not None:
        add_member(actor=actor, organization=organization, user=owner, role=OrganizationRole.OWNER)
    audit.record(
        actor,
        EventName.ORGANIZATION_CREATED,
        Resource("organization", organization.pk, name),
        organization_id=organization.pk,
        event_id=event_id,
    )
    return organization


@transaction.atomic
def update_organization(
    *, actor: Actor, organization: Organization, name: str | None = None, description: str | None = None
) -> Organization:
    """What is None stays; the slug does in any case. Raises Denied, Invalid, Conflict (the name is taken)."""
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=organization.pk)
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    row.name = row.name if name is None else name.strip()
    row.description = row.description if description is None else description
    if errors := _text_errors(row.name, row.description):
        raise Invalid(errors=errors)
    try:
        with transaction.atomic():
            row.save(update_fields=["name", "description"])
    except IntegrityError as error:
        raise Conflict(_("An organization with this name exists already."), code="organization-exists") from error
    resource = Resource("organization", row.pk, row.name)
    facts = {"name": row.name, "description": row.description}
    audit.record(actor, EventName.ORGANIZATION_UPDATED, resource, organization_id=row.pk, event_id=None, **facts)
    return row


@transaction.atomic
def close_organization(*, actor: Actor, organization: Organization) -> Organization:
    """Nobody belongs to it any more. What it has issued stays, and is answered for. Superusers only.

    Raises Denied, Conflict (somebody belongs to it; it is closed).
    """
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    if row.closed_at is not None:
        raise Conflict(_("This has been done already."), code="organization-closed")
    if row.memberships.exists():
        text = _("Cannot delete organization with users. Remove all users first.")
        raise Conflict(text, code="organization-in-use")
    row.closed_at = timezone.now()
    row.save(update_fields=["closed_at"])
    resource = Resource("organization", row.pk, row.name)
    audit.record(actor, EventName.ORGANIZATION_CLOSED, resource, organization_id=row.pk)
    return row


@transaction.atomic
def set_second_factor_rule(*, actor: Actor, organization: Organization, rule: str) -> Organization:
    """Who needs a second factor to see anything here. Raises Denied, Invalid (unknown rule)."""
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=organization.pk)
    if rule not in Organization.SecondFactor.values:
        known = ", ".join(Organization.SecondFactor.values)
        raise Invalid.of("second_factor", "invalid", _("Known are %(known)s."), known=known)
    organization.second_factor = rule
    organization.save(update_fields=["second_factor"])
    resource = Resource("organization", organization.pk, organization.name)
    audit.record(actor, EventName.ORGANIZATION_UPDATED, resource, organization_id=organization.pk, second_factor=rule)
    return organization


@transaction.atomic
def add_member(*, actor: Actor, organization: Organization, user: User, role: str) -> Membership:
    """`role` is one of ours, or the slug of one of the organization's own.

    Raises Denied (also for a role with more rights than the actor's), Invalid (unknown role), Conflict (is one).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=organization.pk)
    chosen = choose_role(organization.pk, role)
    require_no_more_than(actor, chosen.permissions)
    return join(actor, organization, user, chosen)


@transaction.atomic
def change_member_role(
    *, actor: Actor, membership: Membership, role: str, capabilities: Sequence[str] | None = None
) -> Membership:
    """Another role, and other capabilities beside it where they are given.

    Raises Denied (also where a role, old or new, can do more than the actor), Invalid, Conflict (the last owner).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=membership.organization_id)
    chosen = choose_role(membership.organization_id, role)
    if capabilities is not None:
        chosen = replace(chosen, capabilities=known_permissions("capabilities", capabilities))
    membership = _lock(membership)
    if capabilities is None:
        chosen = replace(chosen, capabilities=known_permissions("capabilities", membership.capabilities))
    require_no_more_than(actor, chosen.permissions)
    _require_not_above(actor, membership)
    if membership.role == OrganizationRole.OWNER and role != OrganizationRole.OWNER:
        _keep_an_owner(membership)
    assign(membership, chosen)
    _record(actor, EventName.MEMBERSHIP_CHANGED, membership)
    return membership


@transaction.atomic
def remove_member(*, actor: Actor, membership: Membership) -> None:
    """The member's keys end with the membership. Raises Denied (also of one who can do more), Conflict (the last owner;
    but a superuser takes out whoever is the very last, so that the organization can be closed).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=membership.organization_id)
    membership = _lock(membership)
    _require_not_above(actor, membership)
    is_alone = membership.organization.memberships.count() == 1
    if membership.role == OrganizationRole.OWNER and not (actor.is_superuser and is_alone):
        _keep_an_owner(membership)
    leave(actor, membership)


@dataclass(frozen=True, slots=True)
class ChosenRole:
    """A role of ours, or one of an organization's own, and the capabilities beside it."""

    name: str
    custom: CustomRole | None = None
    capabilities: tuple[str, ...] = ()

    @property
    def label(self) -> str | Promise:
        """What people call it."""
        return self.custom.name if self.custom else OrganizationRole(self.name).label

    @property
    def permissions(self) -> frozenset[Permission]:
        return Membership(role=self.name, custom_role=self.custom, capabilities=list(self.capabilities)).permissions


def choose_role(organization_id: int, name: str, *, field: str = "role") -> ChosenRole:
    """The role of this name in the organization. Raises Invalid."""
    if name in OrganizationRole.values:
        return ChosenRole(name)
    custom = CustomRole.objects.filter(organization_id=organization_id, slug=name).first()
    if custom is None:
        own = CustomRole.objects.filter(organization_id=organization_id).order_by("slug").values_list("slug", flat=True)
        known = ", ".join([*OrganizationRole.values, *own])
        raise Invalid.of(field, "unknown-role", _("Unknown role; known are %(known)s."), known=known)
    return ChosenRole(name, custom)


def known_permissions(field: str, values: Sequence[str]) -> tuple[str, ...]:
    """Sorted, each once. Raises Invalid with every value that is no permission of organizations."""
    unknown = [(index, value) for index, value in enumerate(values) if value not in ORGANIZATION_PERMISSIONS]
    if unknown:
        text = _("There is no permission %(value)s.")
        raise Invalid(
            errors=[field_error(f"{field}[{index}]", "unknown-permission", text, value=v) for index, v in unknown]
        )
    return tuple(sorted({str(value) for value in values}))


def require_no_more_than(actor: Actor, permissions: frozenset[Permission]) -> None:
    """Nobody makes a member who can do more than they can. Approvers are appointed by owners, who do not decide.

    Raises Denied.
    """
    missing = permissions - actor.permissions - {Permission.REQUESTS_DECIDE}
    if missing:
        raise Denied(
            _("A member cannot be given permissions that you do not have: %(missing)s."),
            missing=", ".join(sorted(missing)),
        )


def join(actor: Actor, organization: Organization, user: User, role: ChosenRole) -> Membership:
    """A step: the person becomes a member. Raises Denied (managed by another organization), Conflict (is one)."""
    if {user.managed_by_id, user.sponsored_by_id} - {None, organization.pk}:
        raise Denied(_("This person belongs to another organization."))
    if organization.closed_at is not None:
        raise Conflict(_("This organization is closed."), code="organization-closed")
    membership = Membership(organization=organization, user=user, event=audit.new_event_id())
    membership.role, membership.custom_role = role.name, role.custom
    membership.capabilities = list(role.capabilities)
    try:
        with transaction.atomic():
            membership.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("%(email)s is a member already."), code="member-exists", email=user.email) from error
    _record(actor, EventName.MEMBERSHIP_CREATED, membership, event_id=membership.event)
    return membership


def assign(membership: Membership, role: ChosenRole) -> None:
    """A step: the membership has this role and these capabilities from now on, and nothing of the old ones."""
    membership.role, membership.custom_role = role.name, role.custom
    membership.capabilities = list(role.capabilities)
    membership.save(update_fields=["role", "custom_role", "capabilities"])


def leave(actor: Actor, membership: Membership) -> None:
    """A step: the membership ends."""
    _record(actor, EventName.MEMBERSHIP_REMOVED, membership)
    membership.delete()


def _slug_of(name: str) -> str:
    """From the name, or any at all where its letters are of another alphabet; empty where it has none."""
    slug = slugify(name)[:_LONGEST_SLUG].strip("-")
    is_word = any(sign.isalnum() for sign in name)
    return slug or (f"organization-{secrets.token_hex(4)}" if is_word else "")


def _text_errors(name: str, description: str) -> list[FieldError]:
    return [
        *text_errors("name", name, longest=_LONGEST_NAME, required=True),
        *text_errors("description", description, longest=_LONGEST_DESCRIPTION, several_lines=True),
    ]


def _lock(membership: Membership) -> Membership:
    """All owners of the organization are locked together, so that two cannot remove each other at once."""
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user", "custom_role")
    members = {row.pk: row for row in rows.filter(organization_id=membership.organization_id).order_by("id")}
    if membership.pk not in members:
        raise Conflict(_("The membership has been removed."), code="member-not-found")
    return members[membership.pk]


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(organization_id=membership.organization_id, role=OrganizationRole.OWNER)
    if not others.exclude(pk=membership.pk).exists():
        raise Conflict(_("An organization keeps at least one owner."), code="last-owner")


def _require_not_above(actor: Actor, membership: Membership) -> None:
    """Nobody takes the role of a member who can do more: a key could throw out the owners who watch it."""
    if membership.permissions - actor.permissions - {Permission.REQUESTS_DECIDE}:
        raise Denied(_("This member can do more than you can."))


def _record(actor: Actor, event: EventName, membership: Membership, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("membership", membership.pk, membership.user.email),
        organization_id=membership.organization_id,
        event_id=event_id,
        role=membership.role,
        capabilities=list(membership.capabilities),
    )

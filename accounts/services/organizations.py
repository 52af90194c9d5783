"""Organizations and who belongs to them."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import policy
from accounts.models import Membership, Organization, User
from accounts.roles import PERMISSIONS, OrganizationRole
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST_NAME: Final = 120
_LONGEST_SLUG: Final = 80


@transaction.atomic
def create_organization(*, actor: Actor, name: str, slug: str = "", owner: User | None = None) -> Organization:
    """A new tenant, with its first owner if one is named. Superusers only.

    Raises Denied, Invalid, Conflict (name or slug taken).
    """
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can create organizations."))
    name = name.strip()
    slug = slug or slugify(name)[:_LONGEST_SLUG].strip("-")
    if errors := text_errors("name", name, longest=_LONGEST_NAME, required=True):
        raise Invalid(errors=errors)
    if not 0 < len(slug) <= _LONGEST_SLUG or slug != slugify(slug):
        text = _("A slug has up to %(longest)s lower-case letters, digits and hyphens.")
        raise Invalid.of("slug", "invalid", text, longest=_LONGEST_SLUG)
    event_id = audit.new_event_id()
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, slug=slug, event=event_id)
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
def add_member(*, actor: Actor, organization: Organization, user: User, role: str) -> Membership:
    """Raises Denied (also for a role with more rights than the actor's), Invalid (unknown role), Conflict (is one)."""
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=organization.pk)
    _check_role(role)
    _require_no_more_than(actor, role)
    event_id = audit.new_event_id()
    try:
        with transaction.atomic():
            membership = Membership.objects.create(organization=organization, user=user, role=role, event=event_id)
    except IntegrityError as error:
        raise Conflict(_("%(email)s is a member already."), code="member-exists", email=user.email) from error
    _record(actor, EventName.MEMBERSHIP_CREATED, membership, event_id=event_id)
    return membership


@transaction.atomic
def change_member_role(*, actor: Actor, membership: Membership, role: str) -> Membership:
    """Raises Denied (also where a role, old or new, can do more than the actor), Invalid, Conflict (the last owner)."""
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=membership.organization_id)
    _check_role(role)
    _require_no_more_than(actor, role)
    membership = _lock(membership)
    _require_not_above(actor, membership)
    if membership.role == OrganizationRole.OWNER and role != OrganizationRole.OWNER:
        _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    _record(actor, EventName.MEMBERSHIP_CHANGED, membership)
    return membership


@transaction.atomic
def remove_member(*, actor: Actor, membership: Membership) -> None:
    """His keys stop working with the membership. Raises Denied (also if he can do more), Conflict (the last owner)."""
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=membership.organization_id)
    membership = _lock(membership)
    _require_not_above(actor, membership)
    if membership.role == OrganizationRole.OWNER:
        _keep_an_owner(membership)
    _record(actor, EventName.MEMBERSHIP_REMOVED, membership)
    membership.delete()


def _lock(membership: Membership) -> Membership:
    """All owners of the organization are locked together, so that two cannot remove each other at once."""
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user")
    members = {row.pk: row for row in rows.filter(organization_id=membership.organization_id).order_by("id")}
    if membership.pk not in members:
        raise Conflict(_("The membership has been removed."), code="member-not-found")
    return members[membership.pk]


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(organization_id=membership.organization_id, role=OrganizationRole.OWNER)
    if not others.exclude(pk=membership.pk).exists():
        raise Conflict(_("An organization keeps at least one owner."), code="last-owner")


def _check_role(role: str) -> None:
    if role not in OrganizationRole.values:
        known = ", ".join(OrganizationRole.values)
        raise Invalid.of("role", "unknown-role", _("Unknown role; known are %(known)s."), known=known)


def _require_no_more_than(actor: Actor, role: str) -> None:
    """Nobody makes a member who can do more than he can. Approvers are appointed by owners, who do not decide."""
    missing = PERMISSIONS[role] - actor.permissions - {Permission.REQUESTS_DECIDE}
    if missing:
        raise Denied(
            _("A member cannot be given permissions that you do not have: %(missing)s."),
            missing=", ".join(sorted(missing)),
        )


def _require_not_above(actor: Actor, membership: Membership) -> None:
    """Nobody takes the role of a member who can do more than he can: a key could throw out the owners who watch it."""
    if PERMISSIONS[membership.role] - actor.permissions - {Permission.REQUESTS_DECIDE}:
        raise Denied(_("This member can do more than you can."))


def _record(actor: Actor, event: EventName, membership: Membership, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("membership", membership.pk, membership.user.email),
        organization_id=membership.organization_id,
        event_id=event_id,
        role=membership.role,
    )

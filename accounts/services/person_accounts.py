"""Accounts that come with a password from whoever makes them, and what is changed about them by others."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.models import CustomRole, Membership, Organization, User
from accounts.people_selectors import home_of_person
from accounts.roles import OrganizationRole
from accounts.services.organizations import (
    ChosenRole,
    add_member,
    change_member_role,
    join,
    remove_member,
    require_no_more_than,
)
from accounts.services.people import (
    NewPerson,
    add_user,
    disable_user,
    email_errors,
    enable_user,
    end_sessions,
    set_password,
)
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, Invalid
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

# A role for whoever sees everything and has single capabilities beside it; made where it is first needed, and the
# organization's own to edit from then on.
READER_SLUG: Final = "fastpki-user"
_READER_NAME: Final = "FastPKI user"
_READER: Final = (
    Permission.ORGANIZATIONS_READ,
    Permission.MEMBERS_READ,
    Permission.API_KEYS_READ,
    Permission.CAS_READ,
    Permission.ROLES_READ,
    Permission.TEMPLATES_READ,
    Permission.CERTIFICATES_READ,
    Permission.CERTIFICATES_DOWNLOAD,
    Permission.REQUESTS_READ,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOrder:
    """Somebody who gets an account with this password, and with which role and permissions."""

    username: str
    email: str
    password: Secret
    organization: Organization | None = None
    is_owner: bool = False
    is_superuser: bool = False
    is_active: bool = True
    capabilities: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """What is to change about somebody; None stays as it is. Of `among`, exactly `capabilities` are held afterwards."""

    email: str | None = None
    password: Secret | None = None
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_owner: bool | None = None
    organization: Organization | None = None
    leaves: bool = False
    capabilities: frozenset[Permission] | None = None
    among: frozenset[Permission] = frozenset()

    @property
    def is_for_superusers(self) -> bool:
        standing = (self.is_active, self.is_superuser, self.is_owner, self.organization)
        return self.leaves or any(each is not None for each in standing)


@transaction.atomic
def create_person(*, actor: Actor, order: PersonOrder) -> User:
    """An account; whoever may change the members of an organization makes one in it, with no more rights than their own
    and never an owner. Superusers make every kind.

    Somebody whose password an owner has chosen belongs to that organization alone (`User.sponsored_by`).
    Raises Denied, Invalid, Conflict (e-mail address or username taken).
    """
    organization = order.organization
    _require_in_person(actor)
    if not actor.is_superuser:
        if order.is_superuser or order.is_owner:
            raise Denied(_("Not enough permissions to create admin or superuser accounts"))
        if not order.is_active:
            raise Denied(_("Only a superuser can do this."))
        policy.require(actor, Permission.MEMBERS_WRITE, organization_id=organization.pk if organization else None)
    if organization is None and (order.is_owner or order.capabilities):
        text = _("Only in an organization somebody is an admin, or can do anything: name it.")
        raise Invalid.of("organization_id", "required", text)
    user = add_user(
        actor,
        NewPerson(
            email=order.email,
            username=order.username,
            password=order.password,
            is_superuser=order.is_superuser,
            sponsored_by=None if actor.is_superuser else organization,
        ),
    )
    if organization is not None:
        role = _role(actor, organization, order.is_owner, order.capabilities)
        require_no_more_than(actor, role.permissions)
        join(actor, organization, user, role)
    return user if order.is_active else disable_user(actor=actor, user=user)


@transaction.atomic
def update_person(*, actor: Actor, user: User, change: PersonChange) -> User:
    """Raises Denied (who may change what is said by `_require_keeper`; all but capabilities, e-mail address and
    password are for superusers), Invalid, Conflict (taken; the last owner; closed).
    """
    if change.is_for_superusers and not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))
    if change.email is not None or change.password is not None:
        _set_credentials(actor, user, change)
    if change.is_superuser is not None and change.is_superuser != user.is_superuser:
        _set_superuser(actor, user, change.is_superuser)
    if change.is_active is not None and change.is_active != user.is_active:
        (enable_user if change.is_active else disable_user)(actor=actor, user=user)
    _place(actor, user, change)
    user.refresh_from_db()
    return user


@transaction.atomic
def admit_person(*, actor: Actor, organization: Organization, user: User) -> Membership:
    """The person belongs to the organization from now on, sees what is its, and does nothing yet.

    Raises Denied, Conflict (is a member already).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=organization.pk)
    role = _role(actor, organization, False, frozenset())
    require_no_more_than(actor, role.permissions)
    return join(actor, organization, user, role)


@transaction.atomic
def close_user(*, actor: Actor, user: User) -> User:
    """The person is nobody any more, for good: belongs nowhere, signs in nowhere. Superusers only, and not oneself.

    Raises Denied, Conflict (the last owner of an organization, or closed).
    """
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))
    if actor.person_id == user.pk:
        raise Invalid.of("user_id", "oneself", _("Cannot delete your own account"))
    row = User.objects.select_for_update().get(pk=user.pk)
    if row.closed_at is not None:
        raise Conflict(_("This account is closed for good."), code="user-closed")
    for membership in row.memberships.select_related("user", "custom_role"):
        remove_member(actor=actor, membership=membership)
    row.is_active, row.closed_at = False, timezone.now()
    row.save(update_fields=["is_active", "closed_at"])
    end_sessions(row)
    audit.record(actor, EventName.USER_CLOSED, Resource("user", row.pk, row.email), organization_id=None)
    return row


def _set_credentials(actor: Actor, user: User, change: PersonChange) -> None:
    _require_keeper(actor, user)
    row = User.objects.select_for_update().get(pk=user.pk)
    resource, changed = Resource("user", row.pk, row.email), ["email"]
    if change.email is not None:
        if errors := email_errors(change.email.strip()):
            raise Invalid(errors=errors)
        row.email = change.email.strip()
    if change.password is not None:
        set_password(row, change.password, field="password")
        changed += ["password", "must_change_password", "password_expires_at"]
    try:
        with transaction.atomic():
            row.save(update_fields=changed)
    except IntegrityError as error:
        raise Conflict(_("A user with this e-mail address or username exists already."), code="user-exists") from error
    end_sessions(row)
    if change.email is not None:
        audit.record(actor, EventName.USER_UPDATED, resource, organization_id=None, email=row.email)
    if change.password is not None:
        audit.record(actor, EventName.PASSWORD_CHANGED, resource, organization_id=None)


def _require_keeper(actor: Actor, user: User) -> None:
    """Superusers may; and an owner, of somebody who has the password from this very organization anyway. Nobody does
    so for themselves here: at the page the present password is asked for.
    """
    _require_in_person(actor)
    if actor.is_superuser:
        return
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=user.sponsored_by_id)
    if user.is_superuser or actor.person_id == user.pk:
        raise Denied(_("Change your own password at the page where the present one is asked for."))
    membership = home_of_person(user, seen_by=actor)
    if membership is not None:
        require_no_more_than(actor, membership.permissions)


def _require_in_person(actor: Actor) -> None:
    """A program that knows somebody's password could be that person after its own end."""
    if actor.kind not in (ActorKind.USER, ActorKind.CONSOLE):
        raise Denied(_("Only a person gives others their passwords."), code="not-with-this-credential")


def _set_superuser(actor: Actor, user: User, is_superuser: bool) -> None:
    if actor.person_id == user.pk:
        raise Denied(_("Nobody can do this to their own account."))
    row = User.objects.select_for_update().get(pk=user.pk)
    row.is_superuser = is_superuser
    row.save(update_fields=["is_superuser"])
    end_sessions(row)
    resource = Resource("user", row.pk, row.email)
    audit.record(actor, EventName.USER_UPDATED, resource, organization_id=None, superuser=is_superuser)


def _place(actor: Actor, user: User, change: PersonChange) -> None:
    """Where the person belongs, and what they may do there."""
    old = home_of_person(user, seen_by=actor)
    moves = change.leaves or (change.organization is not None and _organization_of(old) != change.organization.pk)
    if old is not None and moves:
        remove_member(actor=actor, membership=old)
    if change.organization is not None and moves:
        was_owner = old is not None and old.role == OrganizationRole.OWNER
        is_owner = was_owner if change.is_owner is None else change.is_owner
        role = _role(actor, change.organization, is_owner, _capabilities(old, change))
        new = add_member(actor=actor, organization=change.organization, user=user, role=role.name)
        change_member_role(actor=actor, membership=new, role=role.name, capabilities=sorted(role.capabilities))
    elif old is not None and not moves and (change.is_owner is not None or change.capabilities is not None):
        role = _changed_role(actor, old, change)
        change_member_role(actor=actor, membership=old, role=role.name, capabilities=sorted(role.capabilities))
    elif change.is_owner or change.capabilities:
        text = _("Only in an organization somebody is an admin, or can do anything: name it.")
        raise Invalid.of("organization_id", "required", text)


def _changed_role(actor: Actor, old: Membership, change: PersonChange) -> ChosenRole:
    """The role afterwards: the present one, unless another is wanted or it allows what was taken away."""
    capabilities = _capabilities(old, change)
    is_owner = old.role == OrganizationRole.OWNER
    if change.is_owner is not None and change.is_owner != is_owner:
        return _role(actor, old.organization, change.is_owner, capabilities)
    kept = ChosenRole(old.role, old.custom_role, tuple(sorted(capabilities)))
    allows_more = change.capabilities is not None and (kept.permissions & change.among) - change.capabilities
    return kept if is_owner or not allows_more else _role(actor, old.organization, False, capabilities)


def _capabilities(old: Membership | None, change: PersonChange) -> frozenset[Permission]:
    had = frozenset(Permission(each) for each in old.capabilities if each in set(Permission)) if old else frozenset()
    return had if change.capabilities is None else (had - change.among) | change.capabilities


def _role(actor: Actor, organization: Organization, is_owner: bool, capabilities: Set[Permission]) -> ChosenRole:
    if is_owner:
        return ChosenRole(OrganizationRole.OWNER, None, tuple(sorted(capabilities)))
    return replace(_reader(actor, organization), capabilities=tuple(sorted(capabilities)))


def _reader(actor: Actor, organization: Organization) -> ChosenRole:
    row = CustomRole.objects.filter(organization=organization, slug=READER_SLUG).first()
    if row is None:
        row = CustomRole.objects.create(
            organization=organization,
            name=_READER_NAME,
            slug=READER_SLUG,
            permissions=sorted(_READER),
            event=audit.new_event_id(),
        )
        audit.record(
            actor,
            EventName.CUSTOM_ROLE_CREATED,
            Resource("custom_role", row.pk, row.slug),
            organization_id=organization.pk,
            event_id=row.event,
            name=row.name,
            permissions=row.permissions,
        )
    return ChosenRole(row.slug, row)


def _organization_of(membership: Membership | None) -> int | None:
    return membership.organization_id if membership is not None else None

"""People: made, signed in, their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Membership, Organization, User
from accounts.roles import ORGANIZATION_PERMISSIONS
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import Text, _

FIRST_PASSWORD_LIFETIME: Final = timedelta(days=1)
_FIRST_PASSWORD_LENGTH: Final = 20
_LONGEST_EMAIL: Final = 254
_LONGEST_NAME: Final = 150


def actor_for_user(
    user: User,
    *,
    organization: Organization | None = None,
    memberships: Sequence[Membership] | None = None,
    ip: str | None = None,
    trace_id: str = "",
) -> Actor:
    """The person as an actor in one organization: the named one, else the default, else the only one.

    A superuser without an organization acts above all of them; anyone else without one sees nothing. `memberships` are
    the person's, where they have just been read.
    """
    organization_id, permissions = _rights(user, organization, memberships)
    return Actor(
        kind=ActorKind.USER,
        id=user.pk,
        label=user.email,
        organization_id=organization_id,
        permissions=permissions,
        person_id=user.pk,
        is_superuser=user.is_superuser,
        ip=ip,
        trace_id=trace_id,
    )


def memberships_of(user: User) -> list[Membership]:
    """The person's, each with its organization and its role."""
    return list(Membership.objects.filter(user=user).select_related("custom_role", "organization"))


def member_permissions(user: User, membership: Membership | None) -> frozenset[Permission]:
    """What a person may do now in the organization of this membership; without one, nothing.

    An owner who has chosen somebody's password can be that person, who so decides on nothing, whatever the role.
    """
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return ORGANIZATION_PERMISSIONS
    rights = membership.permissions if membership else frozenset()
    return rights - {Permission.REQUESTS_DECIDE} if user.sponsored_by_id is not None else rights


@transaction.atomic
def create_user(
    *, actor: Actor, email: str, password: Secret | None, username: str = "", name: str = "", is_superuser: bool = False
) -> User:
    """A person, without any organization yet. Superusers only.

    Raises Denied, Invalid (e-mail, names, weak password), Conflict (e-mail or username taken).
    """
    if not actor.is_superuser and actor.kind is not ActorKind.SYSTEM:
        raise Denied(_("Only a superuser can create users."))
    return add_user(
        actor, NewPerson(email=email, password=password, username=username, name=name, is_superuser=is_superuser)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody who is going to have an account."""

    email: str
    password: Secret | None = None
    username: str = ""
    name: str = ""
    is_superuser: bool = False
    managed_by: Organization | None = None
    sponsored_by: Organization | None = None


def add_user(actor: Actor, person: NewPerson) -> User:
    """A step: the account. Raises Invalid (e-mail, names, weak password), Conflict (e-mail or username taken)."""
    email = person.email.strip()
    user = User(email=email, username=person.username or email, name=person.name, managed_by=person.managed_by)
    user.is_superuser, user.sponsored_by = person.is_superuser, person.sponsored_by
    errors = [
        *email_errors(email),
        *text_errors("username", person.username, longest=_LONGEST_EMAIL),
        *text_errors("name", person.name, longest=_LONGEST_NAME),
    ]
    if errors:
        raise Invalid(errors=errors)
    if person.password is None:
        user.set_unusable_password()
    else:
        set_password(user, person.password, field="password")
    user.event = audit.new_event_id()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("A user with this e-mail address or username exists already."), code="user-exists") from error
    audit.record(
        actor,
        EventName.USER_CREATED,
        Resource("user", user.pk, user.email),
        organization_id=None,
        event_id=user.event,
        superuser=user.is_superuser,
    )
    return user


@transaction.atomic
def update_profile(*, actor: Actor, user: User, name: str) -> User:
    """One's own name. Raises Denied (another's), Invalid."""
    require_self(actor, user)
    name = name.strip()
    if errors := text_errors("name", name, longest=_LONGEST_NAME):
        raise Invalid(errors=errors)
    user.name = name
    user.save(update_fields=["name"])
    audit.record(actor, EventName.USER_UPDATED, Resource("user", user.pk, user.email), organization_id=None, name=name)
    return user


@transaction.atomic
def disable_user(*, actor: Actor, user: User) -> User:
    """The person's sessions, keys and tokens stop working at once. Superusers only.

    Raises Denied (also for oneself), Conflict (disabled already).
    """
    _require_superuser(actor)
    if actor.person_id == user.pk:
        raise Denied(_("Nobody can disable their own account."))
    return _set_active(actor, user, EventName.USER_DISABLED, is_active=False)


@transaction.atomic
def enable_user(*, actor: Actor, user: User) -> User:
    """The person signs in anew. Superusers only. Raises Denied, Conflict (not disabled, or closed)."""
    _require_superuser(actor)
    if user.closed_at is not None:
        raise Conflict(_("This account is closed for good."), code="user-closed")
    return _set_active(actor, user, EventName.USER_ENABLED, is_active=True)


@transaction.atomic
def change_password(*, actor: Actor, user: User, old: Secret, new: Secret) -> None:
    """One's own password; every session ends with the old one. Raises Denied (another's), Invalid (wrong, weak)."""
    require_self(actor, user)
    if not user.check_password(old.reveal().decode(errors="replace")):
        raise Invalid.of("old_password", "wrong", _("This is not your present password."))
    if new == old:
        raise Invalid.of("new_password", "unchanged", _("The new password must differ from the old one."))
    set_password(user, new, field="new_password")
    user.save(update_fields=["password", "must_change_password", "password_expires_at"])
    audit.record(actor, EventName.PASSWORD_CHANGED, Resource("user", user.pk, user.email), organization_id=None)


@transaction.atomic
def create_first_administrator(*, actor: Actor, email: str) -> tuple[User, Secret] | None:
    """The first superuser of an empty database, with a random password that expires in a day.

    None where somebody exists already. The password is returned here once and stands nowhere else.
    """
    if User.objects.exists():
        return None
    password = Secret(get_random_string(_FIRST_PASSWORD_LENGTH))
    try:
        user = create_user(actor=actor, email=email, username="admin", password=password, is_superuser=True)
    except Conflict:
        # Another process was faster by a moment: the unique username let only one through.
        return None
    user.must_change_password = True
    user.password_expires_at = timezone.now() + FIRST_PASSWORD_LIFETIME
    user.save(update_fields=["must_change_password", "password_expires_at"])
    return user, password


def _rights(
    user: User, organization: Organization | None, known: Sequence[Membership] | None
) -> tuple[int | None, frozenset[Permission]]:
    if user.is_superuser:
        return (organization.pk if organization else None), member_permissions(user, None)
    memberships = {row.organization_id: row for row in (memberships_of(user) if known is None else known)}
    wanted = organization.pk if organization else user.default_organization_id
    if wanted is None and len(memberships) == 1:
        wanted = next(iter(memberships))
    membership = memberships.get(wanted) if wanted is not None else None
    return (wanted if membership else None), member_permissions(user, membership)


def email_errors(email: str) -> list[FieldError]:
    """What is wrong with an e-mail address."""
    try:
        validate_email(email)
    except ValidationError:
        return [field_error("email", "invalid", _("This is not an e-mail address."))]
    return text_errors("email", email, longest=_LONGEST_EMAIL)


def set_password(user: User, password: Secret, *, field: str) -> None:
    """A step: the row, not saved yet, has this password, for good. Raises Invalid (weak)."""
    try:
        text = password.reveal().decode()
        validate_password(text, user)
    except UnicodeDecodeError as error:
        raise Invalid.of(field, "invalid", _("The password is not text.")) from error
    except ValidationError as error:
        messages = [FieldError(field, "weak-password", Text(message)) for message in error.messages]
        raise Invalid(errors=messages) from error
    user.set_password(text)
    user.must_change_password = False
    user.password_expires_at = None


def end_sessions(user: User) -> None:
    """A step: every session of this person ends. Whoever is at the page goes on by signing it anew."""
    user.session_generation = F("session_generation") + 1
    user.save(update_fields=["session_generation"])
    user.refresh_from_db(fields=["session_generation"])


def require_self(actor: Actor, user: User) -> None:
    """Raises Denied for everyone but that very person, at the page."""
    if actor.kind is not ActorKind.USER or actor.id != user.pk:
        raise Denied(_("Only the person concerned can change this."))


def _require_superuser(actor: Actor) -> None:
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))


def _set_active(actor: Actor, user: User, event: EventName, *, is_active: bool) -> User:
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_active is is_active:
        raise Conflict(_("This has been done already."), code="user-state")
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    end_sessions(user)
    audit.record(actor, event, Resource("user", user.pk, user.email), organization_id=None)
    return user

"""People: made, signed in, their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Membership, Organization, User
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS
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
    user: User, *, organization: Organization | None = None, ip: str | None = None, trace_id: str = ""
) -> Actor:
    """The person as an actor in one organization: the named one, else his default, else his only one.

    A superuser without an organization acts above all of them; anyone else without one sees nothing.
    """
    organization_id, permissions = _rights(user, organization)
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


def person_permissions(user: User, role: str | None, capabilities: Sequence[str] | None) -> frozenset[Permission]:
    """What a person may do now where he has this role and these capabilities; no role, no permission."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return ORGANIZATION_PERMISSIONS
    if role is None:
        return frozenset()
    known = {permission.value: permission for permission in ORGANIZATION_PERMISSIONS}
    return PERMISSIONS[role] | {known[value] for value in capabilities or () if value in known}


def member_permissions(user: User, membership: Membership | None) -> frozenset[Permission]:
    """What a person may do in the organization of this membership, now."""
    if membership is None:
        return person_permissions(user, None, None)
    return person_permissions(user, membership.role, membership.capabilities)


@transaction.atomic
def create_user(
    *, actor: Actor, email: str, password: Secret | None, username: str = "", name: str = "", is_superuser: bool = False
) -> User:
    """A person, without any organization yet. Superusers only.

    Raises Denied, Invalid (e-mail, names, weak password), Conflict (e-mail or username taken).
    """
    if not actor.is_superuser and actor.kind is not ActorKind.SYSTEM:
        raise Denied(_("Only a superuser can create users."))
    email = email.strip()
    user = User(email=email, username=username or email, name=name, is_superuser=is_superuser)
    errors = [
        *_email_errors(email),
        *text_errors("username", username, longest=_LONGEST_EMAIL),
        *text_errors("name", name, longest=_LONGEST_NAME),
    ]
    if errors:
        raise Invalid(errors=errors)
    if password is None:
        user.set_unusable_password()
    else:
        _check_password(password, user)
        user.set_password(password.reveal().decode())
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
        superuser=is_superuser,
    )
    return user


@transaction.atomic
def change_password(*, actor: Actor, user: User, old: Secret, new: Secret) -> None:
    """One's own password. Raises Denied (another's), Invalid (wrong old one, weak new one)."""
    if actor.kind is not ActorKind.USER or actor.id != user.pk:
        raise Denied(_("Only the person himself changes his password."))
    if not user.check_password(old.reveal().decode(errors="replace")):
        raise Invalid.of("old_password", "wrong", _("This is not your present password."))
    if new == old:
        raise Invalid.of("new_password", "unchanged", _("The new password must differ from the old one."))
    _check_password(new, user, field="new_password")
    user.set_password(new.reveal().decode())
    user.must_change_password = False
    user.password_expires_at = None
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


@transaction.atomic
def record_sign_in(*, actor: Actor) -> None:
    """A session began."""
    resource = Resource("user", actor.id, actor.label)
    audit.record(actor, EventName.SESSION_STARTED, resource, organization_id=actor.organization_id)


@transaction.atomic
def record_sign_out(*, actor: Actor) -> None:
    """A session was ended by the person."""
    resource = Resource("user", actor.id, actor.label)
    audit.record(actor, EventName.SESSION_ENDED, resource, organization_id=actor.organization_id)


def _rights(user: User, organization: Organization | None) -> tuple[int | None, frozenset[Permission]]:
    if user.is_superuser:
        return (organization.pk if organization else None), member_permissions(user, None)
    memberships = {row.organization_id: row for row in Membership.objects.filter(user=user)}
    wanted = organization.pk if organization else user.default_organization_id
    if wanted is None and len(memberships) == 1:
        wanted = next(iter(memberships))
    membership = memberships.get(wanted) if wanted is not None else None
    return (wanted if membership else None), member_permissions(user, membership)


def _email_errors(email: str) -> list[FieldError]:
    try:
        validate_email(email)
    except ValidationError:
        return [field_error("email", "invalid", _("This is not an e-mail address."))]
    return text_errors("email", email, longest=_LONGEST_EMAIL)


def _check_password(password: Secret, user: User, field: str = "password") -> None:
    try:
        text = password.reveal().decode()
        validate_password(text, user)
    except UnicodeDecodeError as error:
        raise Invalid.of(field, "invalid", _("The password is not text.")) from error
    except ValidationError as error:
        messages = [FieldError(field, "weak-password", Text(message)) for message in error.messages]
        raise Invalid(errors=messages) from error

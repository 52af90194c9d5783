"""A forgotten password: a link by mail, and a new one."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts import mail
from accounts.models import User
from accounts.services.people import end_sessions, set_password
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Gone
from kernel.secret import Secret
from kernel.text import _

# Its tokens are signed, expire (PASSWORD_RESET_TIMEOUT), and are void once the password has changed, or was used.
_tokens: Final = PasswordResetTokenGenerator()


def mail_password_reset(*, actor: Actor, email: str, language: str) -> None:
    """Send a link to the person who has this address and a password; to anybody else, nothing.

    It takes as long as it takes: whoever asks for it must not be kept waiting, or the time would tell who exists.
    Raises OSError and what else the mail server says.
    """
    user = _person_with_password(email)
    if user is None:
        return
    place = urlsafe_base64_encode(force_bytes(str(user.public_id)))
    path = f"/password/new/{place}/{_tokens.make_token(user)}/"
    mail.send("password_reset", to=user.email, language=language, path=path, person=user.name or user.username)
    with transaction.atomic():
        resource = Resource("user", user.pk, user.email)
        audit.record(actor, EventName.PASSWORD_RESET_REQUESTED, resource, organization_id=None)


def person_of_link(place: str, token: str) -> User:
    """Whose link this is. Raises Gone where it is not good, or not any more."""
    gone = Gone(_("This link is not good any more. Ask for a new one."), code="link-gone")
    try:
        user = User.objects.filter(public_id=urlsafe_base64_decode(place).decode()).first()
    except (ValueError, TypeError, ValidationError) as error:
        raise gone from error
    if user is None or not user.is_active or user.managed_by_id or not _tokens.check_token(user, token):
        raise gone
    return user


@transaction.atomic
def reset_password(*, actor: Actor, place: str, token: str, new: Secret) -> User:
    """A new password for whose link this is; every session of that person ends, the second factor stays.

    Raises Gone (the link), Invalid (a weak password).
    """
    found = person_of_link(place, token)
    user = User.objects.select_for_update().get(pk=found.pk)
    if user.password != found.password:
        raise Gone(_("This link is not good any more. Ask for a new one."), code="link-gone")
    set_password(user, new, field="new_password")
    # The link has come to this address, so it is the person's own, and nobody else knows the new password.
    user.sponsored_by = None
    user.save(update_fields=["password", "must_change_password", "password_expires_at", "sponsored_by"])
    end_sessions(user)
    audit.record(actor, EventName.PASSWORD_RESET, Resource("user", user.pk, user.email), organization_id=None)
    return user


def _person_with_password(email: str) -> User | None:
    user = User.objects.filter(email__iexact=email.strip(), is_active=True, managed_by=None).first()
    return user if user is not None and user.has_usable_password() else None

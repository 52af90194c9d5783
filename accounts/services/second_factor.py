"""A second factor besides the password: an authenticator app (RFC 6238), passkeys (WebAuthn), recovery codes.

django-allauth knows how each of them works; here it is said who may change them, and that it is told. Whatever
changes here ends every session; the page signs its own anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from allauth.mfa.webauthn.internal.auth import WebAuthn, complete_registration, parse_registration_response
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Membership, Organization, User
from accounts.roles import OrganizationRole
from accounts.services.people import end_sessions, memberships_of, require_self
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.limits import text_errors
from kernel.secret import Secret
from kernel.text import _

_FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_LONGEST_NAME: Final = 80


def factors_of(user: User) -> list[Authenticator]:
    """The person's second factors, without the recovery codes, oldest first."""
    return list(Authenticator.objects.filter(user=user, type__in=_FACTORS).order_by("id"))


def recovery_codes_left(user: User) -> int | None:
    """How many of the recovery codes are unused; None where there are none."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else None


def is_missing(user: User, memberships: Iterable[Membership] | None = None) -> bool:
    """Whether an organization of the person's (or, for superusers, the installation) asks for a factor that is missing.

    `memberships` are the person's, where they have just been read.
    """
    is_asked = (user.is_superuser and settings.SUPERUSERS_NEED_SECOND_FACTOR) or any(
        map(_asks, memberships_of(user) if memberships is None else memberships)
    )
    return is_asked and not factors_of(user)


def _asks(membership: Membership) -> bool:
    rule = membership.organization.second_factor
    if rule == Organization.SecondFactor.OWNERS:
        return membership.role == OrganizationRole.OWNER
    return rule == Organization.SecondFactor.EVERYONE


@transaction.atomic
def add_authenticator_app(*, actor: Actor, user: User, secret: Secret, code: str) -> None:
    """`secret` (base32) was shown to the app; `code` is what it made of it. Raises Denied, Invalid, Conflict."""
    _require_own_account(actor, user)
    text = secret.reveal().decode()
    if not validate_totp_code(text, code):
        raise Invalid.of("code", "wrong", _("This is not the code that the app shows now."))
    try:
        with transaction.atomic():
            row = TOTP.activate(user, text).instance
    except IntegrityError as error:
        raise Conflict(_("There is an authenticator app already."), code="second-factor-exists") from error
    end_sessions(user)
    _record(actor, EventName.SECOND_FACTOR_ADDED, user, row)


@transaction.atomic
def add_passkey(*, actor: Actor, user: User, name: str, credential: Mapping[str, Any]) -> None:
    """`credential` is the browser's answer to the challenge of this session. Raises Denied, Invalid."""
    _require_own_account(actor, user)
    name = name.strip()
    if errors := text_errors("name", name, longest=_LONGEST_NAME, required=True):
        raise Invalid(errors=errors)
    try:
        parse_registration_response(dict(credential))
        complete_registration(dict(credential))
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        text = _("The browser's answer does not fit. Open the page again and repeat it.")
        raise Invalid.of("credential", "invalid", text) from error
    row = WebAuthn.add(user, name, dict(credential)).instance
    end_sessions(user)
    _record(actor, EventName.SECOND_FACTOR_ADDED, user, row)


@transaction.atomic
def remove_second_factor(*, actor: Actor, user: User, number: int) -> None:
    """One of one's own; with the last one the recovery codes go as well. Raises Denied, NotFound."""
    _require_own_account(actor, user)
    row = Authenticator.objects.filter(user=user, type__in=_FACTORS, pk=number).first()
    if row is None:
        raise NotFound(_("There is no such second factor."), code="second-factor-not-found")
    kind, name = row.type, str(row)
    row.delete()
    if not factors_of(user):
        Authenticator.objects.filter(user=user).delete()
    end_sessions(user)
    resource = Resource("user", user.pk, user.email)
    audit.record(actor, EventName.SECOND_FACTOR_REMOVED, resource, organization_id=None, kind=kind, name=name)


@transaction.atomic
def make_recovery_codes(*, actor: Actor, user: User) -> tuple[Secret, ...]:
    """New ones, each good once, shown this once; the old ones end. Raises Denied, Conflict (no second factor)."""
    _require_own_account(actor, user)
    if not factors_of(user):
        raise Conflict(_("Recovery codes stand in for a second factor; add one first."), code="second-factor-missing")
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    codes = RecoveryCodes.activate(user)
    end_sessions(user)
    resource = Resource("user", user.pk, user.email)
    audit.record(actor, EventName.RECOVERY_CODES_MADE, resource, organization_id=None)
    return tuple(Secret(code) for code in codes.generate_codes())


@transaction.atomic
def reset_second_factor(*, actor: Actor, user: User) -> None:
    """For somebody who has lost theirs: they sign in by password and add a new one. Superusers only, and not their own.

    Raises Denied, Conflict (there is none).
    """
    if not actor.is_superuser or actor.person_id == user.pk:
        raise Denied(_("Only another superuser can do this."))
    deleted, _rows = Authenticator.objects.filter(user=user).delete()
    if not deleted:
        raise Conflict(_("There is no second factor."), code="second-factor-missing")
    end_sessions(user)
    resource = Resource("user", user.pk, user.email)
    audit.record(actor, EventName.SECOND_FACTOR_REMOVED, resource, organization_id=None, kind="all")


def _require_own_account(actor: Actor, user: User) -> None:
    """Raises Denied for others, and for people whose identity provider decides how they sign in."""
    require_self(actor, user)
    if user.managed_by_id is not None:
        raise Denied(_("How you sign in is decided by your organization's identity provider."))


def _record(actor: Actor, event: EventName, user: User, row: Authenticator) -> None:
    resource = Resource("user", user.pk, user.email)
    audit.record(actor, event, resource, organization_id=None, kind=row.type, name=str(row))

"""Who somebody from elsewhere is here: by issuer and subject, in one organization, and never by an e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.models import ExternalIdentity, Membership, Organization, User
from accounts.roles import ONLY_BY_HAND
from accounts.services.organizations import ChosenRole, assign, choose_role, join, leave, require_no_more_than
from accounts.services.people import NewPerson, add_user, end_sessions
from accounts.subjects import is_subject, subject_errors
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, DomainError, Invalid
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST_ISSUER: Final = 300
_LATEST: Final = 253_402_300_799  # the last second of the year 9999
# So many values of a claim are looked at.
_LONGEST_LIST: Final = 200


class IdentitySource(Protocol):
    """Somebody elsewhere who knows people, and what one organization makes of that."""

    @property
    def organization_id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def issuer(self) -> str: ...
    @property
    def role_claim(self) -> str: ...
    @property
    def role_map(self) -> Mapping[str, str]: ...
    @property
    def default_role(self) -> str: ...
    @property
    def makes_members(self) -> bool: ...
    @property
    def is_active(self) -> bool: ...


def recognize(*, actor: Actor, provider: IdentitySource, claims: Mapping[str, Any]) -> User:
    """The person whom these claims, which the provider has signed, are about.

    Known by their `sub`, else made, where the provider makes members. The person's role follows the newest claims (by
    their `iat`), unless an owner has bound the person by hand: no role, no membership. `actor` is nobody yet.
    Raises Denied, with the same words whatever the reason.
    """
    subject = claims.get("sub")
    if not is_subject(subject):
        raise _unknown(provider)
    # What the person has lost is lost, also where they are refused for it: that is a transaction of its own.
    with transaction.atomic():
        identity = _find(provider, subject)
        if identity is None:
            identity = _make(actor, provider, subject, claims)
        elif not identity.is_bound_by_hand and is_news(identity, claims):
            _follow(actor, provider, identity, claims)
        if is_news(identity, claims):
            identity.claims_at = _made_at(claims)
            identity.save(update_fields=["claims_at"])
    _require_admitted(provider, identity)
    identity.last_used_at = timezone.now()
    identity.save(update_fields=["last_used_at"])
    return identity.user


@transaction.atomic
def bind_identity(*, actor: Actor, membership: Membership, issuer: str, subject: str) -> ExternalIdentity:
    """From now on this subject of this issuer is this member, whatever the role. One known already is bound.

    Whoever binds it could be behind it: where that is another one, what this member asks for or decides by way of it
    may be the binder's doing. Raises Denied (also for actors that are no persons, and where the member can do more
    than the actor, or is a superuser), Invalid, Conflict (it is somebody else).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=membership.organization_id)
    if actor.kind not in (ActorKind.USER, ActorKind.CONSOLE):
        text = _("Only a person binds what somebody signs in with: a program would outlive its own limits.")
        raise Denied(text, code="not-with-this-credential")
    require_no_more_than(actor, membership.permissions)
    if membership.user.is_superuser:
        raise Denied(_("A superuser stands above organizations, and never comes in through one of them."))
    issuer, subject = issuer.strip(), subject.strip()
    errors = text_errors("issuer", issuer, longest=_LONGEST_ISSUER, required=True)
    if errors := errors + subject_errors(subject):
        raise Invalid(errors=errors)
    row, is_new = ExternalIdentity.objects.select_for_update().get_or_create(
        organization_id=membership.organization_id,
        issuer=issuer,
        subject=subject,
        defaults={"user": membership.user, "event": audit.new_event_id()},
    )
    if row.user_id != membership.user_id:
        raise Conflict(_("This identity is somebody else's."), code="external-identity-exists")
    # An identity that became known by itself keeps its row; what tells of it is the newer event.
    row.is_bound_by_hand, row.event = True, row.event if is_new else audit.new_event_id()
    row.maker_id = None if actor.doer_id == membership.user_id else actor.doer_id
    row.save(update_fields=["is_bound_by_hand", "maker", "event"])
    _record(actor, EventName.EXTERNAL_IDENTITY_CREATED, row, event_id=row.event)
    return row


@transaction.atomic
def delete_identity(*, actor: Actor, identity: ExternalIdentity) -> None:
    """Nobody is known by it any more, and the person's sessions end. The membership stays. Raises Denied."""
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=identity.organization_id)
    end_sessions(identity.user)
    _record(actor, EventName.EXTERNAL_IDENTITY_DELETED, identity)
    identity.delete()


def find_identity(source: IdentitySource, subject: str) -> ExternalIdentity | None:
    """Who this subject is here, if anybody."""
    rows = ExternalIdentity.objects.select_related("user")
    return rows.filter(organization_id=source.organization_id, issuer=source.issuer, subject=subject).first()


def is_news(identity: ExternalIdentity, claims: Mapping[str, Any]) -> bool:
    """Whether these claims were made after those that the role follows. Where they do not say when: they are."""
    made_at = _made_at(claims)
    return made_at is None or identity.claims_at is None or made_at > identity.claims_at


def role_for(provider: IdentitySource, claims: Mapping[str, Any]) -> ChosenRole | None:
    """The first role that the claims stand for, else the provider's default; None where there is none."""
    for value in _claimed(claims, provider.role_claim):
        if value in provider.role_map:
            return _given(provider.organization_id, provider.role_map[value])
    return _given(provider.organization_id, provider.default_role) if provider.default_role else None


def _find(provider: IdentitySource, subject: str) -> ExternalIdentity | None:
    rows = ExternalIdentity.objects.select_for_update(of=("self",)).select_related("user")
    return rows.filter(organization_id=provider.organization_id, issuer=provider.issuer, subject=subject).first()


def _made_at(claims: Mapping[str, Any]) -> datetime | None:
    made_at = claims.get("iat")
    if not isinstance(made_at, int | float) or not 0 < made_at <= _LATEST:
        return None
    return datetime.fromtimestamp(made_at, tz=UTC)


def _given(organization_id: int, name: str) -> ChosenRole | None:
    """The role as it is today: one that has grown since, or is gone, is not given."""
    try:
        role = choose_role(organization_id, name)
    except Invalid:
        return None
    return None if role.permissions & ONLY_BY_HAND else role


def _claimed(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts of a claim, which may stand deeper: `realm_access.roles`. A name with dots in it is tried first."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return [value for value in values[:_LONGEST_LIST] if isinstance(value, str)]


def _make(actor: Actor, provider: IdentitySource, subject: str, claims: Mapping[str, Any]) -> ExternalIdentity:
    role = role_for(provider, claims)
    if not provider.makes_members or role is None:
        raise _unknown(provider)
    organization = Organization.objects.get(pk=provider.organization_id)
    email, name = claims.get("email"), claims.get("name")
    person = NewPerson(
        email=email if isinstance(email, str) else "",
        name=name if isinstance(name, str) else "",
        managed_by=organization,
    )
    try:
        with transaction.atomic():
            user = add_user(actor, person)
            join(actor, organization, user, role)
    except (Invalid, Conflict) as error:
        # No address, or one that is somebody's: nobody becomes that somebody by claiming the address.
        raise _unknown(provider) from error
    row = ExternalIdentity(
        organization=organization, issuer=provider.issuer, subject=subject, user=user, event=audit.new_event_id()
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise _unknown(provider) from error
    _record(actor, EventName.EXTERNAL_IDENTITY_CREATED, row, event_id=row.event)
    return row


def _follow(actor: Actor, provider: IdentitySource, identity: ExternalIdentity, claims: Mapping[str, Any]) -> None:
    """The membership becomes what the claims say now; without a role it ends, and keys and tokens with it."""
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user", "custom_role")
    membership = rows.filter(organization_id=provider.organization_id, user=identity.user).first()
    says_roles = bool(provider.role_map or provider.default_role)
    if membership is None or not says_roles or membership.permissions & ONLY_BY_HAND:
        return
    role = role_for(provider, claims)
    if role is None:
        leave(actor, membership)
    elif membership.role != role.name:
        assign(membership, role)
        resource = Resource("membership", membership.pk, membership.user.email)
        log = provider.organization_id
        audit.record(actor, EventName.MEMBERSHIP_CHANGED, resource, organization_id=log, role=role.name)


def _require_admitted(provider: IdentitySource, identity: ExternalIdentity) -> None:
    user = identity.user
    rows = Membership.objects.select_related("custom_role")
    membership = rows.filter(organization_id=provider.organization_id, user=user).first()
    if membership is None or not user.is_active or user.is_superuser or not provider.is_active:
        raise _unknown(provider)
    if membership.permissions & ONLY_BY_HAND and not identity.is_bound_by_hand:
        raise _unknown(provider)


def _unknown(provider: IdentitySource) -> DomainError:
    text = _("%(provider)s knows you, and %(organization)s does not. Ask one of its owners to add you.")
    organization = Organization.objects.get(pk=provider.organization_id).name
    return Denied(text, code="identity-unknown", provider=provider.name, organization=organization)


def _record(actor: Actor, event: EventName, row: ExternalIdentity, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("external_identity", row.pk, row.subject),
        organization_id=row.organization_id,
        event_id=event_id,
        issuer=row.issuer,
        person=row.user.email,
        by_hand=row.is_bound_by_hand,
    )

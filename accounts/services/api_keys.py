"""API keys: made, replaced, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import policy, tokens
from accounts.address_ranges import all_within, read_networks
from accounts.grants import GrantOrder
from accounts.models import ApiKey, Organization, User
from accounts.services.credentials import digest_key
from accounts.services.grants import add_grants, orders_of, told
from accounts.services.rights import only_for_oneself, read_rights, require_licensed, require_no_more_than
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

LONGEST_OVERLAP: Final = timedelta(days=30)
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """The row, and the token that is shown this once."""

    row: ApiKey
    token: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A key that is to be made, judged."""

    organization: Organization
    owner: User
    name: str
    maker_id: int | None
    permissions: Sequence[str]
    grants: Sequence[GrantOrder] | None
    networks: Sequence[str]
    expires_at: datetime | None


@transaction.atomic
def create_api_key(
    *,
    actor: Actor,
    organization: Organization,
    owner: User,
    name: str,
    permissions: Iterable[str] = (),
    grants: Sequence[GrantOrder] | None = None,
    expires_at: datetime | None = None,
    allowed_cidrs: Sequence[str] = (),
) -> NewApiKey:
    """A key for one organization: with a subset of its owner's permissions, or with grants at single CAs and nothing
    elsewhere. One that is made by another key works no longer than that one, and from nowhere else. Only who will own a
    key can make one that decides on requests.

    Raises Denied (also for a permission that the actor lacks), Unlicensed, Invalid with every wrong field.
    """
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=organization.pk)
    require_licensed(grants, organization)
    plan = _plan(actor, organization, owner, name, permissions, grants, expires_at, allowed_cidrs)
    new = _make(plan)
    _record(actor, EventName.API_KEY_CREATED, new.row, event_id=new.row.event, **_told(plan))
    return new


@transaction.atomic
def rotate_api_key(
    *, actor: Actor, key: ApiKey, overlap: timedelta = timedelta(), expires_at: datetime | None = None
) -> NewApiKey:
    """A new key in the place of this one, which works on for the time of the overlap, and no longer than it would have.

    The new one has the same name, owner, rights and addresses; it lives as long as the old one was made to, unless
    `expires_at` says otherwise. Raises Denied, Conflict (the old one has ended, or has a successor already), Invalid.
    """
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=key.organization_id)
    old = ApiKey.objects.select_for_update(of=("self",)).select_related("organization", "owner").get(pk=key.pk)
    now = timezone.now()
    _require_replaceable(old, now)
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        text = _("The old key may work on for %(days)s days at most.")
        raise Invalid.of("overlap", "out-of-range", text, days=LONGEST_OVERLAP.days)
    if expires_at is None and old.expires_at is not None:
        expires_at = now + (old.expires_at - old.created_at)
        parent = _parent(actor)
        if parent and parent.expires_at:
            expires_at = min(expires_at, parent.expires_at)
    grants = orders_of(old) if old.kind == ApiKey.Kind.PER_CA else None
    plan = _plan(actor, old.organization, old.owner, old.name, old.permissions, grants, expires_at, old.allowed_cidrs)
    new = _make(plan, replaces=old)
    ends = now + overlap
    old.expires_at = min(ends, old.expires_at) if old.expires_at else ends
    old.save(update_fields=["expires_at"])
    facts = _told(plan) | {"replaces": old.pk, "old_ends": old.expires_at}
    _record(actor, EventName.API_KEY_ROTATED, new.row, event_id=new.row.event, **facts)
    return new


@transaction.atomic
def revoke_api_key(*, actor: Actor, key: ApiKey) -> ApiKey:
    """It stops working at once. Raises Denied, Conflict (revoked already)."""
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=key.organization_id)
    row = ApiKey.objects.select_for_update().get(pk=key.pk)
    if row.revoked_at is not None:
        raise Conflict(_("The API key is revoked already."), code="already-revoked")
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    _record(actor, EventName.API_KEY_REVOKED, row)
    return row


def _plan(
    actor: Actor,
    organization: Organization,
    owner: User,
    name: str,
    permissions: Iterable[str],
    grants: Sequence[GrantOrder] | None,
    expires_at: datetime | None,
    allowed_cidrs: Sequence[str],
) -> _Plan:
    parent = _parent(actor)
    # Who made the first key has seen, or could have seen, every key that it makes.
    maker_id = parent.maker_id if parent else actor.doer_id
    wanted, errors = read_rights(permissions, grants, organization)
    networks = read_networks(allowed_cidrs, errors)
    errors += text_errors("name", name, longest=_LONGEST_NAME, required=True)
    if expires_at is not None and expires_at <= timezone.now():
        errors.append(field_error("expires_at", "in-the-past", _("The key would have expired already.")))
    errors += _escapes(parent, expires_at, networks)
    errors += only_for_oneself(wanted, owner, maker_id)
    if errors:
        raise Invalid(errors=errors)
    require_no_more_than(actor, organization, owner, wanted)
    return _Plan(
        organization=organization,
        owner=owner,
        name=name.strip(),
        maker_id=maker_id,
        permissions=sorted(wanted) if grants is None else [],
        grants=grants,
        networks=networks,
        expires_at=expires_at,
    )


def _make(plan: _Plan, *, replaces: ApiKey | None = None) -> NewApiKey:
    kind = ApiKey.Kind.ORGANIZATION if plan.grants is None else ApiKey.Kind.PER_CA
    minted = tokens.mint(kind)
    row = ApiKey.objects.create(
        organization=plan.organization,
        owner=plan.owner,
        maker_id=plan.maker_id,
        kind=kind,
        name=plan.name,
        prefix=minted.prefix,
        digest=tokens.digest(minted.token, digest_key()),
        permissions=plan.permissions,
        allowed_cidrs=plan.networks,
        replaces=replaces,
        expires_at=plan.expires_at,
        event=audit.new_event_id(),
    )
    add_grants(plan.grants or (), to=row)
    return NewApiKey(row, minted.token)


def _told(plan: _Plan) -> dict[str, object]:
    rights = {"permissions": plan.permissions} if plan.grants is None else {"grants": told(plan.grants)}
    return {**rights, "owner": plan.owner.pk, "maker": plan.maker_id}


def _parent(actor: Actor) -> ApiKey | None:
    """The key that makes a key. Raises Denied for credentials that end with a certificate or a consent."""
    if actor.kind in (ActorKind.SERVICE_ACCOUNT, ActorKind.OAUTH_CLIENT):
        raise Denied(_("API keys are made by people, or by API keys."), code="not-with-this-credential")
    return ApiKey.objects.filter(pk=actor.id).first() if actor.kind is ActorKind.API_KEY else None


def _require_replaceable(old: ApiKey, now: datetime) -> None:
    if old.revoked_at is not None:
        raise Conflict(_("The API key is revoked already."), code="already-revoked")
    if ApiKey.objects.filter(replaces=old).exists():
        raise Conflict(_("The API key has a successor already."), code="already-replaced")
    if old.expires_at is not None and old.expires_at <= now:
        raise Conflict(_("The API key has expired."), code="key-expired")


def _escapes(parent: ApiKey | None, expires_at: datetime | None, networks: Sequence[str]) -> list[FieldError]:
    """Where a key that makes a key would leave its own limits behind."""
    errors = []
    if parent and parent.expires_at and (expires_at is None or expires_at > parent.expires_at):
        text = _("A key cannot make one that outlives it: it ends at %(end)s.")
        end = parent.expires_at.isoformat(timespec="seconds")
        errors.append(field_error("expires_at", "beyond-maker", text, end=end))
    if parent and parent.allowed_cidrs and not all_within(networks, parent.allowed_cidrs):
        text = _("A key cannot make one that works from elsewhere: it works from %(ranges)s.")
        errors.append(field_error("allowed_cidrs", "beyond-maker", text, ranges=", ".join(parent.allowed_cidrs)))
    return errors


def _record(actor: Actor, event: EventName, row: ApiKey, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("api_key", row.pk, f"{row.name} ({row.prefix}…)"),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )

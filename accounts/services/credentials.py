"""API keys: made, revoked, and turned into an actor."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import policy, tokens, vault
from accounts.models import ApiKey, CustomRole, Membership, Organization, ServerSecret, User
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.rows import select_together
from accounts.services.people import member_permissions
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, FieldError, Invalid, Unauthenticated, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
# Writing the time of every single use would turn each read request into a write.
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)
_LONGEST_NAME: Final = 120
_KEY_SQL: Final = """
    JOIN accounts_user ON accounts_user.id = accounts_apikey.owner_id
    LEFT JOIN accounts_membership ON accounts_membership.user_id = accounts_apikey.owner_id
        AND accounts_membership.organization_id = accounts_apikey.organization_id
    LEFT JOIN accounts_customrole ON accounts_customrole.id = accounts_membership.custom_role_id
    WHERE accounts_apikey.prefix = %s
"""


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """The row, and the token that is shown this once."""

    row: ApiKey
    token: Secret


@transaction.atomic
def create_api_key(
    *,
    actor: Actor,
    organization: Organization,
    owner: User,
    name: str,
    permissions: Iterable[str],
    expires_at: datetime | None = None,
    allowed_cidrs: Sequence[str] = (),
) -> NewApiKey:
    """A key for one organization with a subset of its owner's permissions. One that is made by another key works no
    longer than that one, and from nowhere else. Only who will own a key can make one that decides on requests.

    Raises Denied (also for a permission that the actor himself lacks), Invalid with every wrong field.
    """
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=organization.pk)
    parent = ApiKey.objects.filter(pk=actor.id).first() if actor.kind is ActorKind.API_KEY else None
    # Who made the first key has seen, or could have seen, every key that it makes.
    maker_id = parent.maker_id if parent else actor.person_id
    wanted, errors = _read_permissions(permissions)
    networks = _read_networks(allowed_cidrs, errors)
    errors += text_errors("name", name, longest=_LONGEST_NAME, required=True)
    if expires_at is not None and expires_at <= timezone.now():
        errors.append(field_error("expires_at", "in-the-past", _("The key would have expired already.")))
    errors += _escapes(parent, expires_at, networks)
    if Permission.REQUESTS_DECIDE in wanted and maker_id != owner.pk:
        errors.append(_not_for_others())
    if errors:
        raise Invalid(errors=errors)
    _require_no_more_than(actor, organization, owner, wanted)
    minted = tokens.mint(ApiKey.Kind.ORGANIZATION)
    row = ApiKey.objects.create(
        organization=organization,
        owner=owner,
        maker_id=maker_id,
        name=name.strip(),
        prefix=minted.prefix,
        digest=tokens.digest(minted.token, _digest_key()),
        permissions=sorted(wanted),
        allowed_cidrs=networks,
        expires_at=expires_at,
        event=audit.new_event_id(),
    )
    _record(
        actor,
        EventName.API_KEY_CREATED,
        row,
        event_id=row.event,
        permissions=row.permissions,
        owner=owner.pk,
        maker=maker_id,
    )
    return NewApiKey(row, minted.token)


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


def authenticate_token(token: Secret, *, ip: str | None, trace_id: str = "") -> Actor:
    """The actor that an API key stands for; its rights are the key's and its owner's, both, now.

    Raises Unauthenticated, always with the same words: which part was wrong is nobody's business.
    """
    refused = Unauthenticated(_("The API key is not valid."), code="invalid-token")
    found = _find(token)
    if found is None or not tokens.matches(token, _digest_key(), bytes(found.row.digest)):
        raise refused
    row, now = found.row, timezone.now()
    has_ended = row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now)
    rights = member_permissions(found.owner, found.membership)
    if not row.is_made_by_owner:
        # Two people know it, or somebody unknown does: a decision by it would be anybody's.
        rights -= {Permission.REQUESTS_DECIDE}
    address = _read_address(ip)
    if has_ended or not rights or not _address_allowed(row.allowed_cidrs, address):
        raise refused
    _note_use(row, now, address)
    return Actor(
        kind=ActorKind.API_KEY,
        id=row.pk,
        label=row.name,
        organization_id=row.organization_id,
        permissions=rights & {Permission(value) for value in row.permissions},
        person_id=row.owner_id,
        maker_id=None if row.is_made_by_owner else row.maker_id,
        ip=ip,
        trace_id=trace_id,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """An API key, and what its owner is now in its organization."""

    row: ApiKey
    owner: User
    membership: Membership | None


def _find(token: Secret) -> _Found | None:
    """The one query of a request's credential."""
    prefix = tokens.lookup_prefix(token.reveal().decode(errors="replace"))
    if prefix is None:
        return None
    found = select_together((ApiKey, User, Membership, CustomRole), _KEY_SQL, [prefix])
    if not found:
        return None
    row, owner, membership, role = found[0]
    if role is not None:
        membership.custom_role = role
    return _Found(row, owner, membership)


def _digest_key() -> Secret:
    return vault.server_secret(ServerSecret.Purpose.TOKEN_DIGEST)


def _read_permissions(values: Iterable[str]) -> tuple[set[Permission], list[FieldError]]:
    wanted: set[Permission] = set()
    errors: list[FieldError] = []
    known = {permission.value: permission for permission in ORGANIZATION_PERMISSIONS}
    for index, value in enumerate(values):
        if value in known:
            wanted.add(known[value])
        else:
            text = _("There is no permission %(value)s.")
            errors.append(field_error(f"permissions[{index}]", "unknown-permission", text, value=value))
    if not wanted and not errors:
        errors.append(field_error("permissions", "required", _("Name at least one permission.")))
    return wanted, errors


def _read_networks(values: Sequence[str], errors: list[FieldError]) -> list[str]:
    networks = []
    for index, value in enumerate(values):
        try:
            networks.append(str(_unmapped(ipaddress.ip_network(value))))
        except ValueError:
            text = _("%(value)s is not an address range such as 10.0.0.0/8.")
            errors.append(field_error(f"allowed_cidrs[{index}]", "invalid", text, value=value))
    return networks


def _require_no_more_than(actor: Actor, organization: Organization, owner: User, wanted: set[Permission]) -> None:
    """Nobody makes a key that can do more than he can, nor one in the name of somebody who cannot."""
    membership = Membership.objects.filter(organization=organization, user=owner).first()
    missing = wanted - (actor.permissions & member_permissions(owner, membership))
    if missing:
        raise Denied(
            _("A key cannot have permissions that its maker and its owner do not both have: %(missing)s."),
            missing=", ".join(sorted(missing)),
        )


def _not_for_others() -> FieldError:
    text = _("Only its owner can make a key with %(permission)s: whoever makes a key has seen it.")
    return field_error("permissions", "owner-only", text, permission=Permission.REQUESTS_DECIDE.value)


def _escapes(parent: ApiKey | None, expires_at: datetime | None, networks: Sequence[str]) -> list[FieldError]:
    """Where a key that makes a key would leave its own limits behind."""
    errors = []
    if parent and parent.expires_at and (expires_at is None or expires_at > parent.expires_at):
        text = _("A key cannot make one that outlives it: it ends at %(end)s.")
        end = parent.expires_at.isoformat(timespec="seconds")
        errors.append(field_error("expires_at", "beyond-maker", text, end=end))
    if parent and parent.allowed_cidrs and not _all_within(networks, parent.allowed_cidrs):
        text = _("A key cannot make one that works from elsewhere: it works from %(ranges)s.")
        errors.append(field_error("allowed_cidrs", "beyond-maker", text, ranges=", ".join(parent.allowed_cidrs)))
    return errors


def _all_within(networks: Sequence[str], allowed: Sequence[str]) -> bool:
    """Whether there are any, and each lies in one of the allowed."""
    outer = [ipaddress.ip_network(each) for each in allowed]
    inner = [ipaddress.ip_network(each) for each in networks]
    return bool(inner) and all(any(_lies_in(each, other) for other in outer) for each in inner)


def _lies_in(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _unmapped(network: Network) -> Network:
    """An IPv4 range that was written as one of IPv6 (RFC 4291 2.5.5.2), as what it is."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network(f"{address}/{network.prefixlen - _MAPPED.prefixlen}")
    return network


def _read_address(ip: str | None) -> Address | None:
    """Where a request came from, without the zone of a link; None where it came through a socket without addresses."""
    try:
        address = ipaddress.ip_address((ip or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _address_allowed(cidrs: Sequence[str], address: Address | None) -> bool:
    if not cidrs:
        return True
    return address is not None and any(address in ipaddress.ip_network(cidr) for cidr in cidrs)


def _note_use(row: ApiKey, now: datetime, address: Address | None) -> None:
    if row.last_used_at is None or now - row.last_used_at > _LAST_USE_RESOLUTION:
        ip = str(address) if address else None
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now, last_used_ip=ip)


def _record(actor: Actor, event: EventName, row: ApiKey, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("api_key", row.pk, f"{row.name} ({row.prefix}…)"),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )

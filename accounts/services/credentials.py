"""API keys, turned into actors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import tokens, vault
from accounts.address_ranges import Address, is_allowed, read_address
from accounts.grants import held, narrowed
from accounts.models import ApiKey, CustomRole, Grant, Membership, ServerSecret, User
from accounts.rows import select_together
from accounts.services.people import member_permissions
from kernel.actor import Actor, ActorKind
from kernel.errors import Unauthenticated
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

# Writing the time of every single use would turn each read request into a write.
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)
_KEY_SQL: Final = """
    JOIN accounts_user ON accounts_user.id = accounts_apikey.owner_id
    LEFT JOIN accounts_membership ON accounts_membership.user_id = accounts_apikey.owner_id
        AND accounts_membership.organization_id = accounts_apikey.organization_id
    LEFT JOIN accounts_customrole ON accounts_customrole.id = accounts_membership.custom_role_id
    LEFT JOIN accounts_grant ON accounts_grant.api_key_id = accounts_apikey.id
    WHERE accounts_apikey.prefix = %s
"""


def authenticate_token(token: Secret, *, ip: str | None, trace_id: str = "") -> Actor:
    """The actor that an API key stands for; its rights are the key's and its owner's, both, now.

    Raises Unauthenticated, always with the same words: which part was wrong is nobody's business.
    """
    refused = Unauthenticated(_("The API key is not valid."), code="invalid-token")
    found = _find(token)
    if found is None or not tokens.matches(token, digest_key(), bytes(found.row.digest)):
        raise refused
    row, now = found.row, timezone.now()
    has_ended = row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now)
    rights = member_permissions(found.owner, found.membership)
    if not row.is_made_by_owner:
        # Two people know it, or somebody unknown does: a decision by it would be anybody's.
        rights -= {Permission.REQUESTS_DECIDE}
    address = read_address(ip)
    if has_ended or not rights or not is_allowed(row.allowed_cidrs, address):
        raise refused
    _note_use(row, now, address)
    grants = narrowed(found.grants, rights) if row.kind == ApiKey.Kind.PER_CA else None
    return Actor(
        kind=ActorKind.API_KEY,
        id=row.pk,
        label=row.name,
        organization_id=row.organization_id,
        permissions=_allowed(rights, row) if grants is None else held(grants),
        person_id=row.owner_id,
        maker_id=None if row.is_made_by_owner else row.maker_id,
        grants=grants,
        ip=ip,
        trace_id=trace_id,
    )


def _allowed(rights: frozenset[Permission], row: ApiKey) -> frozenset[Permission]:
    """One that no longer exists allows nothing."""
    return frozenset(permission for permission in rights if permission in row.permissions)


def digest_key() -> Secret:
    """What tokens are hashed under."""
    return vault.server_secret(ServerSecret.Purpose.TOKEN_DIGEST)


@dataclass(frozen=True, slots=True)
class _Found:
    """An API key, what its owner is now in its organization, and the CAs that it is let to."""

    row: ApiKey
    owner: User
    membership: Membership | None
    grants: Sequence[Grant]


def _find(token: Secret) -> _Found | None:
    """The one query of a request's credential: a row for each grant, or one without."""
    prefix = tokens.lookup_prefix(token.reveal().decode(errors="replace"))
    if prefix is None:
        return None
    found = select_together((ApiKey, User, Membership, CustomRole, Grant), _KEY_SQL, [prefix])
    if not found:
        return None
    row, owner, membership, role, _grant = found[0]
    if role is not None:
        membership.custom_role = role
    return _Found(row, owner, membership, [grant for *_rest, grant in found if grant is not None])


def _note_use(row: ApiKey, now: datetime, address: Address | None) -> None:
    if row.last_used_at is None or now - row.last_used_at > _LAST_USE_RESOLUTION:
        ip = str(address) if address else None
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now, last_used_ip=ip)

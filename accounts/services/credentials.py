"""API keys and service accounts, turned into actors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from accounts import tokens, vault
from accounts.address_ranges import Address, is_allowed, read_address
from accounts.grants import held, narrowed
from accounts.models import ApiKey, CustomRole, Grant, Membership, ServerSecret, ServiceAccount, User
from accounts.rows import select_together
from accounts.services.people import member_permissions
from kernel.actor import Actor, ActorKind
from kernel.errors import Unauthenticated
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

# Writing the time of every single use would turn each read request into a write.
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)
# Of an API key or a service account: what its owner is now, its CAs, and what tokens are hashed under.
_STANDING_SQL: Final = """
    JOIN accounts_user ON accounts_user.id = {table}.owner_id
    LEFT JOIN accounts_membership ON accounts_membership.user_id = {table}.owner_id
        AND accounts_membership.organization_id = {table}.organization_id
    LEFT JOIN accounts_customrole ON accounts_customrole.id = accounts_membership.custom_role_id
    LEFT JOIN accounts_grant ON accounts_grant.{subject}_id = {table}.id
    LEFT JOIN accounts_serversecret ON accounts_serversecret.purpose = 'token-digest'
    WHERE {table}.{column} = %s
"""
_KEY_SQL: Final = _STANDING_SQL.format(table="accounts_apikey", subject="api_key", column="prefix")
_SERVICE_SQL: Final = _STANDING_SQL.format(table="accounts_serviceaccount", subject="service_account", column="id")


@dataclass(frozen=True, slots=True)
class _Standing:
    """A credential's row, and what came along with it: what its owner may do now, and the CAs that it is let to."""

    row: Any
    rights: frozenset[Permission]
    grants: Sequence[Grant]
    server_secret: ServerSecret | None

    def has_token(self, token: Secret) -> bool:
        """Compared in constant time."""
        secret = self.server_secret
        return secret is not None and tokens.matches(token, vault.open_server_secret(secret), bytes(self.row.digest))

    def actor(self, kind: ActorKind, *, is_per_ca: bool, ip: str | None, trace_id: str) -> Actor:
        """What the credential allows and its owner may do, both."""
        row = self.row
        grants = narrowed(self.grants, self.rights) if is_per_ca else None
        return Actor(
            kind=kind,
            id=row.pk,
            label=row.name,
            organization_id=row.organization_id,
            permissions=_allowed(self.rights, row.permissions) if grants is None else held(grants),
            person_id=row.owner_id,
            maker_id=None if row.is_made_by_owner else row.maker_id,
            grants=grants,
            expires_at=getattr(row, "expires_at", None),
            ip=ip,
            trace_id=trace_id,
        )


def authenticate_token(token: Secret, *, ip: str | None, trace_id: str = "") -> Actor:
    """The actor that an API key stands for; its rights are the key's and its owner's, both, now.

    Raises Unauthenticated, always with the same words: which part was wrong is nobody's business.
    """
    refused = Unauthenticated(_("The API key is not valid."), code="invalid-token")
    prefix = tokens.lookup_prefix(token.reveal().decode(errors="replace"))
    found = _find(ApiKey, _KEY_SQL, prefix) if prefix is not None else None
    if found is None or not found.has_token(token):
        raise refused
    row, now, address = found.row, timezone.now(), read_address(ip)
    if _has_ended(row, now) or not found.rights or not is_allowed(row.allowed_cidrs, address):
        raise refused
    _note_use(row, now, address)
    return _actor_of_key(found, ip=ip, trace_id=trace_id)


def actor_of_api_key(key: ApiKey) -> Actor:
    """The actor that the key would be now: to say what it may do, never to do it.

    Raises Unauthenticated: it is revoked or expired, or its owner has no rights in its organization any more.
    """
    found = _find(ApiKey, _KEY_SQL, key.prefix)
    if found is None or _has_ended(found.row, timezone.now()) or not found.rights:
        raise Unauthenticated(_("The API key is not valid."), code="invalid-token")
    return _actor_of_key(found, ip=None, trace_id="")


def actor_of_service_account(account_id: int, *, ip: str | None, trace_id: str = "") -> Actor:
    """The actor that a service account is, for whoever has proved to be it.

    Raises Unauthenticated: it is not active, or its owner has no rights in its organization any more.
    """
    found = _find(ServiceAccount, _SERVICE_SQL, account_id)
    if found is None or not found.row.is_active or not found.rights:
        raise Unauthenticated(_("The credential is not valid."), code="invalid-token")
    return found.actor(ActorKind.SERVICE_ACCOUNT, is_per_ca=found.row.is_per_ca, ip=ip, trace_id=trace_id)


def digest_key() -> Secret:
    """What tokens are hashed under."""
    return vault.server_secret(ServerSecret.Purpose.TOKEN_DIGEST)


def _find(model: type[ApiKey] | type[ServiceAccount], sql: str, value: str | int) -> _Standing | None:
    """The one query of a request's credential: a row for each grant, or one without."""
    found = select_together((model, User, Membership, CustomRole, ServerSecret, Grant), sql, [value])
    if not found:
        return None
    row, owner, membership, role, secret, _grant = found[0]
    if role is not None:
        membership.custom_role = role
    rights = member_permissions(owner, membership)
    if not row.is_made_by_owner:
        # Two people know it, or somebody unknown does: a decision by it would be anybody's.
        rights -= {Permission.REQUESTS_DECIDE}
    return _Standing(row, rights, [grant for *_rest, grant in found if grant is not None], secret)


def _has_ended(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)


def _actor_of_key(found: _Standing, *, ip: str | None, trace_id: str) -> Actor:
    is_per_ca = found.row.kind == ApiKey.Kind.PER_CA
    return found.actor(ActorKind.API_KEY, is_per_ca=is_per_ca, ip=ip, trace_id=trace_id)


def _allowed(rights: frozenset[Permission], named: Collection[str]) -> frozenset[Permission]:
    """One that no longer exists allows nothing."""
    return frozenset(permission for permission in rights if permission in named)


def _note_use(row: ApiKey, now: datetime, address: Address | None) -> None:
    if row.last_used_at is None or now - row.last_used_at > _LAST_USE_RESOLUTION:
        ip = str(address) if address else None
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now, last_used_ip=ip)

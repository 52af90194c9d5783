"""Where secrets are sealed and opened: master key, then the organization's key, then a key for each secret.

Only sealed bytes are ever written to a row. What a blob is bound to (table, row, organization, purpose)
is part of the seal, so a blob copied to another row does not open there.
"""

from __future__ import annotations

import uuid
from collections import Counter
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import locks
from accounts.models import ServerSecret, WrappingKey
from accounts.rows import select
from audit import keys as audit_keys
from kernel.errors import Conflict
from kernel.seal import SealBroken, context, derive_key, new_key, seal, seal_envelope, unseal, unseal_envelope
from kernel.secret import Secret
from kernel.text import _

Purpose = WrappingKey.Purpose

# What the master key is used for; each of them has a key of its own, derived from it.
_WRAPPING_KEY: Final = "wrapping-key"
_SERVER_SECRET: Final = "server-secret"  # noqa: S105
_WRONG: Final = "the master key is not the one that this database was made under"


class WrongMasterKey(Exception):
    """The database was made under another master key; nothing in it can be opened with this one."""


def seal_secret(
    plaintext: Secret, *, organization_id: int, table: str, row: uuid.UUID, purpose: Purpose = Purpose.SECRET
) -> bytes:
    """An envelope that opens for this row only."""
    bound_to = context(table, row, organization_id, purpose)
    return seal_envelope(_wrapping_key(organization_id, purpose), plaintext, bound_to)


def open_secret(
    blob: bytes,
    *,
    organization_id: int,
    table: str,
    row: uuid.UUID,
    purpose: Purpose = Purpose.SECRET,
    wrapping_key: WrappingKey | None = None,
) -> Secret:
    """`wrapping_key` is the organization's for this purpose, where the caller has it in hand. Raises SealBroken."""
    bound_to = context(table, row, organization_id, purpose)
    key = _wrapping_key(organization_id, purpose) if wrapping_key is None else _unwrap(wrapping_key)
    return unseal_envelope(key, bytes(blob), bound_to)


def server_secret(purpose: ServerSecret.Purpose) -> Secret:
    """A secret of the installation, made on first use. Raises WrongMasterKey."""
    rows = select(ServerSecret, "WHERE purpose = %s", [purpose])
    row = rows[0] if rows else _create_server_secret(purpose)
    return open_server_secret(row)


def open_server_secret(row: ServerSecret) -> Secret:
    """The secret of a row that came along with others. Raises WrongMasterKey."""
    return _open_server_secret(row.purpose, bytes(row.sealed))


def check_master_key() -> None:
    """Raises WrongMasterKey where the database was made under another master key."""
    # First what is there already: a server secret that is missing would be made, under a key that is wrong.
    _require_own_database()
    for purpose in ServerSecret.Purpose:
        server_secret(purpose)


def is_master_key(key: Secret) -> bool:
    """Whether this is the master key of the database: it opens the oldest thing of each kind that one seals."""
    try:
        oldest = WrappingKey.objects.order_by("id").first()
        if oldest is not None:
            _unwrap(oldest, key)
        for row in ServerSecret.objects.all():
            unseal(derive_key(key, _SERVER_SECRET), bytes(row.sealed), context(_SERVER_SECRET, row.purpose))
    except SealBroken:
        return False
    return audit_keys.is_master_key(key)


def rewrap(new: Secret) -> Counter[str]:
    """A step of rotating the master key: keys of organizations and secrets of the installation are wrapped by `new`.

    What stands below them is not touched. Returns how many rows there were of each kind. Raises WrongMasterKey,
    Conflict (a row is damaged).
    """
    locks.be_alone_with_master_key()
    _require_own_database()
    rewrapped: Counter[str] = Counter()
    for key in WrappingKey.objects.order_by("id"):
        bound_to = context(_WRAPPING_KEY, key.organization_id, key.purpose)
        key.sealed = _sealed_anew(bytes(key.sealed), bound_to, _WRAPPING_KEY, new)
        key.save(update_fields=["sealed"])
        rewrapped["wrapping_keys"] += 1
    for row in ServerSecret.objects.order_by("purpose"):
        row.sealed = _sealed_anew(bytes(row.sealed), context(_SERVER_SECRET, row.purpose), _SERVER_SECRET, new)
        row.save(update_fields=["sealed"])
        rewrapped["server_secrets"] += 1
    return rewrapped


def _sealed_anew(blob: bytes, bound_to: bytes, purpose: str, new: Secret) -> bytes:
    try:
        return seal(derive_key(new, purpose), unseal(_master_key(purpose), blob, bound_to), bound_to)
    except SealBroken as error:
        raise Conflict(_("A key that the master key has sealed does not open: it was changed or moved.")) from error


def _require_own_database() -> None:
    if not is_master_key(settings.MASTER_KEY):
        raise WrongMasterKey(_WRONG)


def _wrapping_key(organization_id: int, purpose: Purpose) -> Secret:
    rows = select(WrappingKey, "WHERE organization_id = %s AND purpose = %s", [organization_id, purpose])
    row = rows[0] if rows else _create_wrapping_key(organization_id, purpose)
    return _unwrap(row)


def _unwrap(row: WrappingKey, master_key: Secret | None = None) -> Secret:
    bound_to = context(_WRAPPING_KEY, row.organization_id, row.purpose)
    return unseal(derive_key(master_key or settings.MASTER_KEY, _WRAPPING_KEY), bytes(row.sealed), bound_to)


def _create_wrapping_key(organization_id: int, purpose: Purpose) -> WrappingKey:
    sealed = seal(_master_key(_WRAPPING_KEY), new_key(), context(_WRAPPING_KEY, organization_id, purpose))
    try:
        with transaction.atomic():
            _keep_master_key()
            return WrappingKey.objects.create(organization_id=organization_id, purpose=purpose, sealed=sealed)
    except IntegrityError:
        # Another process made it in the same moment; its key is the one that counts.
        return WrappingKey.objects.get(organization_id=organization_id, purpose=purpose)


def _create_server_secret(purpose: ServerSecret.Purpose) -> ServerSecret:
    sealed = seal(_master_key(_SERVER_SECRET), new_key(), context(_SERVER_SECRET, purpose))
    try:
        with transaction.atomic():
            _keep_master_key()
            return ServerSecret.objects.create(purpose=purpose, sealed=sealed)
    except IntegrityError:
        return ServerSecret.objects.get(purpose=purpose)


def _keep_master_key() -> None:
    """No rotation from here to the end of the transaction: what was sealed under an old key would never open again."""
    locks.share_master_key()
    _require_own_database()


@lru_cache(maxsize=16)
def _open_server_secret(purpose: str, sealed: bytes) -> Secret:
    try:
        return unseal(_master_key(_SERVER_SECRET), sealed, context(_SERVER_SECRET, purpose))
    except SealBroken as error:
        raise WrongMasterKey(_WRONG) from error


def _master_key(purpose: str) -> Secret:
    return derive_key(settings.MASTER_KEY, purpose)

"""Where secrets are sealed and opened: master key, then the organization's key, then a key for each secret.

Only sealed bytes are ever written to a row. What a blob is bound to (table, row, organization, purpose)
is part of the seal, so a blob copied to another row does not open there.
"""

from __future__ import annotations

import uuid
from functools import lru_cache

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import ServerSecret, WrappingKey
from accounts.rows import select
from kernel.seal import SealBroken, context, derive_key, new_key, seal, seal_envelope, unseal, unseal_envelope
from kernel.secret import Secret

Purpose = WrappingKey.Purpose


class WrongMasterKey(Exception):
    """The database was made under another master key; nothing in it can be opened with this one."""


def seal_secret(
    plaintext: Secret, *, organization_id: int, table: str, row: uuid.UUID, purpose: Purpose = Purpose.SECRET
) -> bytes:
    """An envelope that opens for this row only."""
    bound_to = context(table, row, organization_id, purpose)
    return seal_envelope(_wrapping_key(organization_id, purpose), plaintext, bound_to)


def open_secret(
    blob: bytes, *, organization_id: int, table: str, row: uuid.UUID, purpose: Purpose = Purpose.SECRET
) -> Secret:
    """Raises SealBroken."""
    bound_to = context(table, row, organization_id, purpose)
    return unseal_envelope(_wrapping_key(organization_id, purpose), bytes(blob), bound_to)


def server_secret(purpose: ServerSecret.Purpose) -> Secret:
    """A secret of the installation, made on first use. Raises WrongMasterKey."""
    rows = select(ServerSecret, "WHERE purpose = %s", [purpose])
    row = rows[0] if rows else _create_server_secret(purpose)
    return _open_server_secret(purpose, bytes(row.sealed))


def check_master_key() -> None:
    """Raises WrongMasterKey where the database was made under another master key."""
    # First what is there already: a server secret that is missing would be made, under a key that is wrong.
    oldest = WrappingKey.objects.order_by("id").first()
    if oldest is not None:
        try:
            _wrapping_key(oldest.organization_id, Purpose(oldest.purpose))
        except SealBroken as error:
            raise WrongMasterKey("the master key is not the one that this database was made under") from error
    for purpose in ServerSecret.Purpose:
        server_secret(purpose)


def _wrapping_key(organization_id: int, purpose: Purpose) -> Secret:
    rows = select(WrappingKey, "WHERE organization_id = %s AND purpose = %s", [organization_id, purpose])
    row = rows[0] if rows else _create_wrapping_key(organization_id, purpose)
    return unseal(_master_key("wrapping-key"), bytes(row.sealed), context("wrapping-key", organization_id, purpose))


def _create_wrapping_key(organization_id: int, purpose: Purpose) -> WrappingKey:
    sealed = seal(_master_key("wrapping-key"), new_key(), context("wrapping-key", organization_id, purpose))
    try:
        with transaction.atomic():
            return WrappingKey.objects.create(organization_id=organization_id, purpose=purpose, sealed=sealed)
    except IntegrityError:
        # Another process made it in the same moment; its key is the one that counts.
        return WrappingKey.objects.get(organization_id=organization_id, purpose=purpose)


def _create_server_secret(purpose: ServerSecret.Purpose) -> ServerSecret:
    sealed = seal(_master_key("server-secret"), new_key(), context("server-secret", purpose))
    try:
        with transaction.atomic():
            return ServerSecret.objects.create(purpose=purpose, sealed=sealed)
    except IntegrityError:
        return ServerSecret.objects.get(purpose=purpose)


@lru_cache(maxsize=16)
def _open_server_secret(purpose: str, sealed: bytes) -> Secret:
    try:
        return unseal(_master_key("server-secret"), sealed, context("server-secret", purpose))
    except SealBroken as error:
        raise WrongMasterKey("the master key is not the one that this database was made under") from error


def _master_key(purpose: str) -> Secret:
    return derive_key(settings.MASTER_KEY, purpose)

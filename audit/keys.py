"""The log's signing key: made once, sealed under the master key, kept open in each process."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit import locks
from audit.models import AuditKey
from audit.signing import Signer, new_seed
from audit.verifier import key_id
from kernel.seal import SealBroken, context, derive_key, rewrap_envelope, seal_envelope, unseal_envelope
from kernel.secret import Secret

_open: Signer | None = None


def active_signer() -> Signer | None:
    """The open signing key; None where no key has been made yet. Raises SealBroken under another master key."""
    if _open is not None:
        return _open
    row = AuditKey.objects.filter(is_active=True).first()
    if row is None:
        return None
    signer = _unsealed(row)
    # The row may be of this very transaction, which may still roll back: only a committed key is remembered.
    transaction.on_commit(lambda: _remember(signer))
    return signer


def create_signer() -> tuple[Signer, AuditKey | None]:
    """The signing key, made if there is none, and the row if this call made it. Needs a transaction.

    Waits for another process that is making one at this moment.
    """
    locks.wait_for_key()
    if (signer := active_signer()) is not None:
        return signer, None
    seed = new_seed()
    signer = Signer.from_seed(seed)
    row = AuditKey.objects.create(
        key_id=signer.key_id,
        public_key=signer.public_key,
        sealed_seed=seal_envelope(_wrapping_key(), seed, _place(signer.key_id)),
        created_at=timezone.now(),
    )
    return signer, row


def forget() -> None:
    """Close the key of this process; the next use opens it again."""
    global _open
    _open = None


def genuine_public_keys() -> dict[str, bytes]:
    """The public keys by their ids, of retired keys too; a row that was slipped into the table is not among them."""
    return {row.key_id: bytes(row.public_key) for row in AuditKey.objects.all() if is_genuine(row)}


def is_genuine(row: AuditKey) -> bool:
    """Whether a holder of the master key made this key."""
    public_key = bytes(row.public_key)
    try:
        return row.key_id == key_id(public_key) and _unsealed(row).public_key == public_key
    except SealBroken:
        return False


def is_master_key(key: Secret) -> bool:
    """Whether this master key opens the active signing key; True where there is none yet."""
    row = AuditKey.objects.filter(is_active=True).first()
    if row is None:
        return True
    try:
        unseal_envelope(_wrapping_key(key), bytes(row.sealed_seed), _place(row.key_id))
    except SealBroken:
        return False
    return True


def rewrap(new: Secret) -> None:
    """A step of rotating the master key: every genuine key is wrapped by `new`.

    One that was slipped into the table stays as it is, and is found by the verifier as before.
    """
    locks.wait_for_key()
    for row in [row for row in AuditKey.objects.order_by("pk") if is_genuine(row)]:
        place = _place(row.key_id)
        row.sealed_seed = rewrap_envelope(_wrapping_key(), _wrapping_key(new), bytes(row.sealed_seed), place)
        row.save(update_fields=["sealed_seed"])


def _unsealed(row: AuditKey) -> Signer:
    return Signer.from_seed(unseal_envelope(_wrapping_key(), bytes(row.sealed_seed), _place(row.key_id)))


def _remember(signer: Signer) -> None:
    global _open
    _open = signer


def _wrapping_key(master_key: Secret | None = None) -> Secret:
    return derive_key(settings.MASTER_KEY if master_key is None else master_key, "audit signing keys")


def _place(name: str) -> bytes:
    return context("audit_auditkey", name, "signing key")

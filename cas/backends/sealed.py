"""CA keys that are sealed in the database, some behind a passphrase too."""

from __future__ import annotations

import threading
from typing import Final

from accounts import vault
from cas.core.keys import PrivateKey, load_private_key, serialize_private_key
from cas.core.signing import SoftwareKey
from cas.models import CaKey
from kernel.seal import context, seal_with_passphrase, unseal_with_passphrase
from kernel.secret import Secret

_TABLE: Final = "cas_cakey"
# scrypt takes 32 MiB and a tenth of a second each: a flood of guesses must not take over the machine.
_STRETCHING: Final = threading.BoundedSemaphore(2)


class SealedKey(SoftwareKey):
    """A software key, alive between `open_key()` and the end of one signature."""

    def health(self) -> None:
        """It was opened, so it can sign."""


def seal_key(row: CaKey, key: PrivateKey, passphrase: Secret | None) -> bytes:
    """What goes into `row.sealed`."""
    secret = serialize_private_key(key, encoding="der")
    if passphrase is not None:
        with _STRETCHING:
            secret = Secret(seal_with_passphrase(passphrase, secret, _inner_context(row)))
    return vault.seal_secret(
        secret, organization_id=row.organization_id, table=_TABLE, row=row.public_id, purpose=vault.Purpose.CA_KEY
    )


def open_key(row: CaKey, passphrase: Secret | None) -> SealedKey:
    """Raises SealBroken: a wrong passphrase, or a blob that was tampered with."""
    return SealedKey(load_private_key(unseal(row, passphrase), trusted=True))


def unseal(row: CaKey, passphrase: Secret | None) -> Secret:
    """The key itself, as PKCS#8 DER. Raises SealBroken."""
    secret = vault.open_secret(
        bytes(row.sealed or b""),
        organization_id=row.organization_id,
        table=_TABLE,
        row=row.public_id,
        purpose=vault.Purpose.CA_KEY,
        wrapping_key=row.wrapping_key,
    )
    if row.passphrase_protected:
        with _STRETCHING:
            secret = unseal_with_passphrase(passphrase or Secret(b""), secret.reveal(), _inner_context(row))
    return secret


def _inner_context(row: CaKey) -> bytes:
    return context(_TABLE, row.public_id, "passphrase")

"""What is taken into the register although it was issued elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """An end-entity certificate (PEM or DER), its key where that is to be kept, and the CAs above it.

    `private_key` is PEM, DER or PKCS#12, encrypted under `password` or not. `chain` is PEM or PKCS#7, in any order.
    `ca` is the one of our books that has signed it: one that has not is refused. `owner` is the e-mail address of a
    member; None: whoever imports.
    """

    organization: Ref
    certificate: bytes
    private_key: Secret | None = None
    password: Secret | None = None
    chain: bytes = b""
    ca: Ref | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryOrder:
    """A file with certificates of others that are to be looked after here: PEM, DER, PKCS#7 or PKCS#12, in any order.

    CAs in it become the chains of the others. `keeps_key`: the private key in it is kept, sealed; otherwise it is
    forgotten. `owner` is the e-mail address of a member; None: whoever imports.
    """

    organization: Ref
    file: Secret
    password: Secret | None = None
    keeps_key: bool = False
    owner: str | None = None
    tags: tuple[str, ...] = ()
    description: str = ""

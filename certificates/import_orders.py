"""What is taken into the register although it was issued elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """An end-entity certificate (PEM or DER), its key where that is to be kept, and the CAs above it.

    `private_key` is PEM, DER or PKCS#12, encrypted under `password` or not. `chain` is PEM or PKCS#7, in any order.
    `ca` is the one of our books that has signed it: one that has not is refused.
    """

    organization: Ref
    certificate: bytes
    private_key: Secret | None = None
    password: Secret | None = None
    chain: bytes = b""
    ca: Ref | None = None
    tags: tuple[str, ...] = ()
    description: str = ""

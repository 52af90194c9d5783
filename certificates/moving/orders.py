"""What a reader finds, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from cas.orders import AuthorityImportOrder
from kernel.errors import DomainError
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingCertificate:
    """A certificate that the CA has issued, PEM or DER, with its key where that moves too. `label` is for reports."""

    label: str
    certificate: bytes
    private_key: Secret | None = None
    password: Secret | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingOrder:
    """A CA with all that it has issued. `addresses` stand in its certificates: those that can be, are answered here."""

    authority: AuthorityImportOrder
    certificates: tuple[MovingCertificate, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """What did not come in, and why."""

    label: str
    reason: DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What has come in now. `is_new`: the CA had not come before. `known`: certificates that were here already.
    `left_behind`: addresses in them that cannot be answered here.
    """

    ca: Ref
    name: str
    subject: str
    is_new: bool
    certificates: int
    known: int
    revocations: int
    crl_number: int
    skipped: tuple[Skipped, ...]
    left_behind: tuple[str, ...]

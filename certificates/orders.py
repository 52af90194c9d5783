"""What the services of the register accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from cas.core.csr import CsrFacts
from cas.core.keys import KeyAlgorithm
from certificates.delivery import PLAIN, Delivery
from kernel.errors import Invalid
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class Managed:
    """We make the key. `algorithm` None: the template's. It is handed out once: in the answer, or when collected."""

    algorithm: KeyAlgorithm | None = None
    collect_later: bool = False


@dataclass(frozen=True, slots=True)
class SameKey:
    """The key of the certificate that is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOrder:
    """A certificate that is wished for. Subject or SANs that are None are read from the CSR."""

    template: str
    key: Managed | CsrFacts | SameKey
    ca: Ref | None = None
    subject: x509.Name | None = None
    sans: tuple[x509.GeneralName, ...] | None = None
    validity: timedelta | None = None
    passphrase: Secret | None = None
    identifier: str | None = None
    usage: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    delivery: Delivery = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewOrder:
    """A certificate that shall have a successor with the same subject and names.

    `key` None: a new one where the old one was made here, else the same one, if the template lets it. Of a CSR only the
    key is read. What is None besides stays as it was. `again`: also where it has a successor already.
    """

    certificate: Ref
    key: Managed | CsrFacts | SameKey | None = None
    validity: timedelta | None = None
    passphrase: Secret | None = None
    identifier: str | None = None
    tags: tuple[str, ...] | None = None
    description: str | None = None
    delivery: Delivery = PLAIN
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """Many certificates from one template; a row that could not be read is the refusal that says why."""

    template: str
    rows: tuple[IssueOrder | Invalid, ...]
    ca: Ref | None = None
    passphrase: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOrder:
    """A certificate that shall be believed no more. `invalidity`: since when the key is thought to be lost."""

    certificate: Ref
    reason: x509.ReasonFlags
    comment: str = ""
    invalidity: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAuthorityOrder:
    """A CA that shall be believed no more, with everything under it."""

    ca: Ref
    reason: x509.ReasonFlags
    comment: str = ""

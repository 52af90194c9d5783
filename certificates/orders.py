"""What the services of the register accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from cas.core.csr import CsrFacts
from cas.core.keys import KeyAlgorithm
from certificates.delivery import PLAIN, Delivery
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class Managed:
    """We make the key. `algorithm` None: the template's. It is handed out once: in the answer, or when collected."""

    algorithm: KeyAlgorithm | None = None
    collect_later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOrder:
    """A certificate that is wished for. Subject or SANs that are None are read from the CSR."""

    template: str
    key: Managed | CsrFacts
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

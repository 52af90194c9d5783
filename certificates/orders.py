"""What the services of the register accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from cryptography import x509

from cas.core.csr import CsrFacts
from cas.core.keys import KeyAlgorithm
from certificates.delivery import PLAIN, Delivery
from kernel.errors import Invalid
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class Managed:
    """We make the key. `algorithm` None: the template's. It is handed out once: in the answer, or when collected.

    `is_forgotten`: nobody gets it, and it is kept nowhere, whatever the role says.
    """

    algorithm: KeyAlgorithm | None = None
    collect_later: bool = False
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class SameKey:
    """The key of the certificate that is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOrder:
    """A certificate that is wished for. Subject or SANs that are None are read from the CSR.

    `keep_csr`: the CSR can be downloaded later. `renew_ahead`: how long before its end it is renewed.
    `may_end_earlier`: with its CA, where that ends before.
    """

    template: str
    key: Managed | CsrFacts | SameKey
    ca: Ref | None = None
    subject: x509.Name | None = None
    sans: tuple[x509.GeneralName, ...] | None = None
    validity: timedelta | None = None
    may_end_earlier: bool = False
    passphrase: Secret | None = None
    identifier: str | None = None
    usage: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    delivery: Delivery = PLAIN
    keep_csr: bool = False
    renew_ahead: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewOrder:
    """A certificate that is to have a successor with the same subject and names.

    `key` None: a new one where the old one was made here, else the same one, if the template lets it. A new one is of
    the old one's kind where no other is named. Of a CSR only the key is read. What is None besides stays as it was, but
    for the validity: None is the template's, or, `as_long`, that of the old one. `again`: also where it has a successor
    already. `same_origin`: what was made here is made here again, and what came by CSR comes by CSR.
    """

    certificate: Ref
    key: Managed | CsrFacts | SameKey | None = None
    validity: timedelta | None = None
    as_long: bool = False
    may_end_earlier: bool = False
    passphrase: Secret | None = None
    identifier: str | None = None
    tags: tuple[str, ...] | None = None
    description: str | None = None
    delivery: Delivery = PLAIN
    keep_csr: bool = False
    again: bool = False
    same_origin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """Many certificates from one template; a row that could not be read is the refusal that says why."""

    template: str
    rows: Sequence[IssueOrder | Invalid]
    ca: Ref | None = None
    passphrase: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOrder:
    """A certificate to revoke: nobody is to trust it any more. `invalidity`: since when the key is thought to be lost.

    `may_blame_ca`: cACompromise is taken too, which some clients say of a leaf whose CA they no longer believe.
    """

    certificate: Ref
    reason: x509.ReasonFlags
    comment: str = ""
    invalidity: datetime | None = None
    may_blame_ca: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAuthorityOrder:
    """A CA to revoke, with everything under it."""

    ca: Ref
    reason: x509.ReasonFlags
    comment: str = ""


class Status(StrEnum):
    """What people call the state of a certificate; the last three are of requests, so no certificate has them."""

    ISSUED = "issued"
    EXPIRED = "expired"
    HELD = "held"
    REVOKED = "revoked"
    PENDING = "pending"
    PENDING_APPROVAL = "pending_approval"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Folded text with wildcards: the parts before, between and after them. A single part is the text itself."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SerialNumber:
    """What a serial number may mean, in lower-case hex: digits alone can be read as hex and as decimal."""

    readings: tuple[str, ...]
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """One of its names is like one of these. `cn` and `san` look at one kind, `name` at both."""

    field: Literal["cn", "san", "name"]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Serials:
    """It has one of these serial numbers; or `sha1` is its fingerprint, as nobody can tell from the digits alone."""

    values: tuple[SerialNumber, ...]
    sha1: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, and before `before`; None is open."""

    field: Literal["expires", "issued", "created", "renew"]
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """It has one of these values, as its owner spells them; `ca`, `org` and `template` by id, name or code."""

    field: Literal[
        "status",
        "fingerprint",
        "key",
        "key_custody",
        "org",
        "ca",
        "template",
        "tag",
        "owner",
        "requester",
        "source",
    ]
    values: tuple[str, ...]


Term = Names | Serials | Period | OneOf


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFilter:
    """Which certificates are looked for: those that every term is true of, judged at the time `at`."""

    at: datetime
    terms: tuple[Term, ...] = ()

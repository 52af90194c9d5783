"""What the services of authority accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from cryptography import x509

from cas.core.csr import CsrFacts
from cas.core.foreign_crl import ListedRevocation
from cas.core.keys import KeyAlgorithm
from kernel.ref import Ref
from kernel.secret import Secret

ROOT_LIFETIME: Final = timedelta(days=3650)
INTERMEDIATE_LIFETIME: Final = timedelta(days=1825)

KeyBackendName = Literal["sealed", "pkcs11"]


class Dialect(StrEnum):
    """The other systems whose clients a CA can be opened for (`cas.standing`)."""

    FASTPKI = "fastpki"
    CERTMATE = "certmate"
    CERTMAN = "certman"
    SCAIVAULT = "scaivault"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityTerms:
    """What a CA with a key here is called and how it works, whoever certifies it. `passphrase` locks its key."""

    organization: Ref
    name: str
    description: str = ""
    passphrase: Secret | None = None
    base_url: str | None = None
    allow_leaf_certificates: bool = True
    requires_approval: bool = False
    approver_role: str = ""
    approvals_needed: int = 1
    crl_lifetime: timedelta | None = None
    crl_shards: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKeyName:
    """A key that is on the PKCS#11 token already: its label, its CKA_ID, or both."""

    label: str = ""
    identifier: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAuthorityOrder(AuthorityTerms):
    """A CA that another CA is to certify: its key is made here, or found on the token."""

    subject: x509.Name
    key_algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256
    key_backend: KeyBackendName = "sealed"
    token_key: TokenKeyName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityOrder(PendingAuthorityOrder):
    """A new CA: a root where `parent` is None, else an intermediate under it.

    `may_end_earlier`: with its parent, where that ends before; so does one for which no `validity` is said.
    `dialect`: whose clients it answers from the beginning (`cas.standing`).
    """

    validity: timedelta | None = None
    may_end_earlier: bool = False
    parent: Ref | None = None
    path_length: int | None = None
    permitted_names: tuple[x509.GeneralName, ...] = ()
    excluded_names: tuple[x509.GeneralName, ...] = ()
    extended_key_usage: tuple[x509.ObjectIdentifier, ...] = ()
    parent_passphrase: Secret | None = None
    dialect: Dialect | None = None

    @property
    def lifetime(self) -> timedelta:
        """What was asked for, else ten years for a root and five below one."""
        if self.validity is not None:
            return self.validity
        return ROOT_LIFETIME if self.parent is None else INTERMEDIATE_LIFETIME

    @property
    def may_be_shortened(self) -> bool:
        """Whether it ends with its parent rather than be refused for outliving it."""
        return self.may_end_earlier or self.validity is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessorOrder:
    """What a successor does not take over from the CA before it. None: as that one has it."""

    name: str
    subject: x509.Name | None = None
    key_algorithm: KeyAlgorithm | None = None
    key_backend: KeyBackendName | None = None
    validity: timedelta | None = None
    passphrase: Secret | None = None
    parent_passphrase: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRequestOrder:
    """A CA whose key is somebody else's, to be certified by `parent`. What the CSR asks for beyond name and key are
    wishes, and the order's own words count.
    """

    parent: Ref
    name: str
    csr: CsrFacts
    subject: x509.Name | None = None
    validity: timedelta = INTERMEDIATE_LIFETIME
    may_end_earlier: bool = False
    path_length: int | None = None
    permitted_names: tuple[x509.GeneralName, ...] = ()
    excluded_names: tuple[x509.GeneralName, ...] = ()
    extended_key_usage: tuple[x509.ObjectIdentifier, ...] = ()
    description: str = ""
    parent_passphrase: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossOrder:
    """One CA of ours certified by another. `validity` None: as long as both last."""

    ca: Ref
    issuer: Ref
    validity: timedelta | None = None
    path_length: int | None = None
    permitted_names: tuple[x509.GeneralName, ...] = ()
    excluded_names: tuple[x509.GeneralName, ...] = ()
    extended_key_usage: tuple[x509.ObjectIdentifier, ...] = ()
    issuer_passphrase: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAuthorityOrder:
    """A CA from outside, known by its certificate (PEM or DER, with its chain where that is not known here)."""

    organization: Ref
    certificates: bytes
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class KnownSerial:
    """A serial number that a CA used before it came here. `not_after` None: nobody knows, so as long as the CA."""

    serial: int
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityImportOrder(AuthorityTerms):
    """A CA that worked elsewhere: its key (PEM or DER, encrypted or not, or PKCS#12) and its certificates.

    `certificates` holds what the key file does not: PEM or DER, of the CA and of those above it. `issued` lists the
    serial numbers that it has used; those on its last CRL need not be listed. What it has revoked is on `last_crl`
    (PEM or DER) or in `revoked`, which tells more where both have it: without them, what was revoked is good again.
    `last_crl_number` is for where only that is known.
    `public_paths` are the addresses that stand in its certificates, where they lie below ours: `/crl/old-name.crl`.
    """

    key_file: Secret
    password: Secret | None = None
    certificates: bytes = b""
    issued: tuple[KnownSerial, ...] = ()
    last_crl: bytes = b""
    last_crl_number: int | None = None
    revoked: tuple[ListedRevocation, ...] = ()
    public_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnchorOrder:
    """CAs elsewhere to be trusted: PEM, several at once. `name` is for one; else they are called by their subjects."""

    organization: Ref
    certificates: bytes
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOrder:
    """The guard rails as they are to be; every field has the meaning that `cas.core.profile` gives it."""

    ca: Ref
    name: str
    max_ttl: timedelta
    description: str = ""
    allowed_domains: tuple[str, ...] = ()
    allow_any_name: bool = False
    allow_bare_domains: bool = True
    allow_subdomains: bool = False
    allow_wildcards: bool = False
    allow_dns_sans: bool = True
    allow_ip_sans: bool = False
    allowed_ip_ranges: tuple[str, ...] = ()
    allow_email_sans: bool = False
    allowed_email_domains: tuple[str, ...] = ()
    allow_uri_sans: bool = False
    allowed_uri_prefixes: tuple[str, ...] = ()
    key_algorithms: tuple[str, ...] = ()
    common_name: str = "optional"
    subject_attributes: tuple[str, ...] = ()
    store_private_keys: bool = False
    requires_approval: bool = False
    approver_role: str = ""
    approvals_needed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOrder:
    """The recipe as it is to be; every field has the meaning that `cas.core.profile` gives it."""

    ca: Ref
    role: Ref
    name: str
    code: str
    key_algorithm: str
    validity: timedelta
    key_usage: tuple[str, ...]
    description: str = ""
    any_key_algorithm: bool = False
    backdate: timedelta = timedelta(0)
    extended_key_usage: tuple[str, ...] = ()
    certificate_policies: tuple[str, ...] = ()
    lint: str = "block"
    add_common_name_to_sans: bool = True
    include_cdp: bool = True
    include_aia: bool = True
    renew_same_key: bool = False
    approval_covers_renewal: bool = False
    requires_approval: bool = False
    approver_role: str = ""
    approvals_needed: int = 1

"""What the services of authority accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509

from cas.core.keys import KeyAlgorithm
from kernel.ref import Ref
from kernel.secret import Secret

ROOT_LIFETIME: Final = timedelta(days=3650)
INTERMEDIATE_LIFETIME: Final = timedelta(days=1825)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityOrder:
    """A new CA: a root where `parent` is None, else an intermediate under it."""

    organization: Ref
    name: str
    subject: x509.Name
    key_algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256
    validity: timedelta | None = None
    parent: Ref | None = None
    description: str = ""
    path_length: int | None = None
    permitted_names: tuple[x509.GeneralName, ...] = ()
    excluded_names: tuple[x509.GeneralName, ...] = ()
    extended_key_usage: tuple[x509.ObjectIdentifier, ...] = ()
    passphrase: Secret | None = None
    parent_passphrase: Secret | None = None
    base_url: str | None = None
    allow_leaf_certificates: bool = True
    requires_approval: bool = False
    approver_role: str = ""
    approvals_needed: int = 1
    crl_lifetime: timedelta | None = None
    crl_shards: int = 0

    @property
    def lifetime(self) -> timedelta:
        """What was asked for, else ten years for a root and five below one."""
        if self.validity is not None:
            return self.validity
        return ROOT_LIFETIME if self.parent is None else INTERMEDIATE_LIFETIME


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOrder:
    """The guard rails as they shall be; every field has the meaning that `cas.core.profile` gives it."""

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
    """The recipe as it shall be; every field has the meaning that `cas.core.profile` gives it."""

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
    requires_approval: bool = False
    approver_role: str = ""
    approvals_needed: int = 1

"""What the services of authority accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509

from cas.core.keys import KeyAlgorithm
from cas.models import Role, Template
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityOrder:
    """A new CA: a root where `parent` is None, else an intermediate under it."""

    organization: Ref
    name: str
    subject: x509.Name
    key_algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256
    validity: timedelta
    parent: Ref | None = None
    description: str = ""
    path_length: int | None = None
    permitted_names: tuple[x509.GeneralName, ...] = ()
    excluded_names: tuple[x509.GeneralName, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    passphrase: Secret | None = None
    parent_passphrase: Secret | None = None
    base_url: str | None = None
    allow_leaf_certificates: bool = True
    requires_approval: bool = False
    approver_role: str = ""
    approvals_needed: int = 1
    crl_lifetime: timedelta | None = None
    crl_shards: int = 0


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

    @classmethod
    def of(cls, role: Role) -> RoleOrder:
        """The order that would make this role again; `dataclasses.replace` it for a change."""
        return cls(
            ca=Ref("pk", role.ca_id),
            name=role.name,
            max_ttl=role.max_ttl,
            description=role.description,
            allowed_domains=tuple(role.allowed_domains),
            allow_any_name=role.allow_any_name,
            allow_bare_domains=role.allow_bare_domains,
            allow_subdomains=role.allow_subdomains,
            allow_wildcards=role.allow_wildcards,
            allow_ip_sans=role.allow_ip_sans,
            allowed_ip_ranges=tuple(role.allowed_ip_ranges),
            allow_email_sans=role.allow_email_sans,
            allowed_email_domains=tuple(role.allowed_email_domains),
            allow_uri_sans=role.allow_uri_sans,
            allowed_uri_prefixes=tuple(role.allowed_uri_prefixes),
            key_algorithms=tuple(role.key_algorithms),
            common_name=role.common_name,
            subject_attributes=tuple(role.subject_attributes),
            store_private_keys=role.store_private_keys,
            requires_approval=role.requires_approval,
            approver_role=role.approver_role,
            approvals_needed=role.approvals_needed,
        )


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

    @classmethod
    def of(cls, template: Template) -> TemplateOrder:
        """The order that would make this template again; `dataclasses.replace` it for a change."""
        return cls(
            ca=Ref("pk", template.ca_id),
            role=Ref("pk", template.role_id),
            name=template.name,
            code=template.code,
            key_algorithm=template.key_algorithm,
            any_key_algorithm=template.any_key_algorithm,
            validity=template.validity,
            backdate=template.backdate,
            key_usage=tuple(template.key_usage),
            description=template.description,
            extended_key_usage=tuple(template.extended_key_usage),
            certificate_policies=tuple(template.certificate_policies),
            lint=template.lint,
            add_common_name_to_sans=template.add_common_name_to_sans,
            include_cdp=template.include_cdp,
            include_aia=template.include_aia,
            renew_same_key=template.renew_same_key,
            requires_approval=template.requires_approval,
            approver_role=template.approver_role,
            approvals_needed=template.approvals_needed,
        )

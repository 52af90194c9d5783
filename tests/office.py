"""A small office with everything in it: root, issuing CA, role, template. Made through the services, as users do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography import x509

from accounts.models import Organization
from cas.core.general_names import general_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import name_from_mapping, parse_name
from cas.models import CertificateAuthority, Role, Template
from cas.orders import AuthorityOrder, RoleOrder, TemplateOrder
from cas.services.roles import create_role
from cas.services.templates import create_template
from certificates.orders import IssueOrder, Managed
from certificates.services.authorities import establish_authority
from certificates.services.issuance import issue_at_once
from certificates.services.minting import Issued
from kernel.actor import Actor
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.remembered import remembered


@dataclass(frozen=True)
class Office:
    """An organization that can issue, and its owner."""

    person: cast.Person
    root: CertificateAuthority
    issuing: CertificateAuthority
    role: Role
    template: Template

    @property
    def organization(self) -> Organization:
        return self.person.organization

    @property
    def owner(self) -> Actor:
        return self.person.actor

    def issue(self, common_name: str = "www.acme.test", *sans: str, **changes: object) -> Issued:
        order = order_for(self.template, common_name, *sans)
        return issue_at_once(actor=self.owner, order=replace(order, **changes))


def authority_order(organization: Organization, name: str, **changes: object) -> AuthorityOrder:
    order = AuthorityOrder(
        organization=Ref("pk", organization.pk),
        name=name,
        subject=parse_name(f"CN={name},O={organization.name}"),
        validity=timedelta(days=3650),
    )
    return replace(order, **changes)


def order_for(template: Template, common_name: str = "www.acme.test", *sans: str) -> IssueOrder:
    return IssueOrder(
        template=template.code,
        key=Managed(),
        subject=name_from_mapping({"common_name": common_name}) if common_name else x509.Name([]),
        sans=tuple(general_name(text) for text in sans),
    )


@remembered
def open_office(
    name: str = "ACME",
    *,
    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256,
    passphrase: Secret | None = None,
    crl_shards: int = 0,
    key_backend: str = "sealed",
    **template_changes: object,
) -> Office:
    """Everything for `www.acme.test` and below; the issuing CA behind a passphrase where one is given."""
    person = cast.owner(cast.organization(name))
    root = establish_authority(
        actor=person.actor,
        order=authority_order(person.organization, f"{name} Root", key_algorithm=algorithm, key_backend=key_backend),
    )
    issuing = establish_authority(
        actor=person.actor,
        order=authority_order(
            person.organization,
            f"{name} Issuing CA",
            key_algorithm=algorithm,
            key_backend=key_backend,
            parent=Ref("pk", root.pk),
            validity=timedelta(days=1825),
            path_length=0,
            passphrase=passphrase,
            crl_shards=crl_shards,
        ),
    )
    role = create_role(
        actor=person.actor,
        order=RoleOrder(
            ca=Ref("pk", issuing.pk),
            name="web",
            max_ttl=timedelta(days=397),
            allowed_domains=("acme.test",),
            allow_subdomains=True,
            allow_wildcards=True,
            allow_ip_sans=True,
        ),
    )
    template = create_template(
        actor=person.actor,
        order=replace(
            TemplateOrder(
                ca=Ref("pk", issuing.pk),
                role=Ref("pk", role.pk),
                name="Web server",
                code="web-tls",
                key_algorithm=algorithm,
                validity=timedelta(days=90),
                key_usage=("digital_signature",),
                extended_key_usage=("server_auth",),
            ),
            **template_changes,
        ),
    )
    return Office(person, root, issuing, role, template)

"""What the native API takes about organizations, people, roles and templates: bodies to orders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from accounts.roles import OrganizationRole
from api.common.fields import (
    Choice,
    Duration,
    Flag,
    Id,
    Text,
    Texts,
    Whole,
    required,
)
from api.common.inputs import Input
from api.native.certificate_inputs import LONGEST_DAYS, validity_errors, validity_of
from api.native.input_parts import approvals, note, tuples, words
from cas.core.keys import KeyAlgorithm
from cas.core.profile import COMMON_NAME_RULES, LINT_MODES
from cas.orders import RoleOrder, TemplateOrder
from kernel.errors import Invalid
from kernel.features import Feature
from kernel.ref import Ref


def _role_of_member(**options: Any) -> Text:
    known = ", ".join(OrganizationRole.values)
    return Text(max_length=80, help_text=f"One of {known}, or the slug of a role of the organization's own.", **options)


class OrganizationIn(Input):
    """A new tenant."""

    example = {"name": "Example Ltd"}

    name = Text(max_length=120)
    slug = Text(required=False, max_length=80, help_text="Made of the name where it is absent.")


class OrganizationChangeIn(Input):
    """What an organization is licensed for."""

    example = {"features": [Feature.BATCHES.value]}

    features = Texts(
        required=False,
        allow_null=True,
        longest=40,
        help_text=f"Some of {', '.join(Feature)}; null: those of the installation.",
    )


class MemberIn(Input):
    """Somebody with an account becomes a member."""

    example = {"email": "alice@example.com", "role": "operator"}

    organization_id = Id(required=False)
    email = Text(max_length=254)
    role = _role_of_member()


class MemberChangeIn(Input):
    """Another role for a member, or other permissions beside it."""

    example = {"role": "auditor"}

    role = _role_of_member(required=False)
    capabilities = words(help_text="Permissions of this person beside those of the role.")


class RoleFields(Input):
    """What can be said of a role at any time."""

    name = Text(max_length=80)
    description = note()
    allowed_domains = words(longest=253, most=1000, help_text='Host names; "*" stands for any part of one label.')
    allow_any_name = Flag(required=False)
    allow_bare_domains = Flag(required=False)
    allow_subdomains = Flag(required=False)
    allow_wildcards = Flag(required=False)
    allow_dns_sans = Flag(required=False)
    allow_ip_sans = Flag(required=False)
    allowed_ip_ranges = words(longest=50)
    allow_email_sans = Flag(required=False)
    allowed_email_domains = words(longest=253)
    allow_uri_sans = Flag(required=False)
    allowed_uri_prefixes = words(longest=500)
    max_ttl = Duration(help_text="The longest lifetime of a certificate.")
    key_algorithms = words(help_text="Every algorithm where absent.")
    common_name = Choice(COMMON_NAME_RULES, required=False)
    subject_attributes = words(help_text="Every attribute where absent.")
    store_private_keys = Flag(required=False)
    requires_approval = Flag(required=False)
    approver_role = Text(required=False, allow_blank=True, max_length=80)
    approvals_needed = approvals()


class RoleIn(RoleFields):
    """The guard rails of issuance under one CA: nothing beyond them is issued."""

    example = {
        "pki_id": None,
        "name": "web",
        "max_ttl": "397d",
        "allowed_domains": ["example.com"],
        "allow_subdomains": True,
    }

    organization_id = Id(required=False)
    pki_id = Id(help_text="The CA.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> tuple[RoleOrder, Ref | None]:
        """The order, and the organization that the body names. Raises Invalid."""
        values = tuples(cls.values(data, version=version))
        organization = values.pop("organization_id", None)
        return RoleOrder(ca=values.pop("pki_id"), **values), organization


class RoleChangeIn(RoleFields):
    """What shall change of a role; the rest stays."""

    example = {"allow_wildcards": True}

    all_optional = True

    @classmethod
    def change(cls, data: Any, order: RoleOrder, *, version: str) -> RoleOrder:
        return replace(order, **tuples(cls.values(data, version=version)))


class TemplateFields(Input):
    """What can be said of a template at any time."""

    pki_role = Text(max_length=80, help_text="The name of a role of this CA.")
    name = Text(max_length=120)
    code = Text(max_length=80, help_text="By which certificates are asked for; unique in the organization.")
    description = note()
    key_algorithm = Choice(KeyAlgorithm, default=KeyAlgorithm.ECDSA_P256.value)
    any_key_algorithm = Flag(required=False, help_text="CSRs may bring another kind of key.")
    validity_days = Whole(required=False, min_value=1, max_value=LONGEST_DAYS)
    validity = Duration(required=False, help_text="In place of `validity_days`.")
    backdate = Duration(required=False)
    key_usage = Texts(default=["digital_signature"], longest=40)
    extended_key_usage = words(longest=100)
    certificate_policies = words(longest=100)
    lint = Choice(LINT_MODES, required=False)
    add_common_name_to_sans = Flag(required=False)
    include_cdp = Flag(required=False)
    include_aia = Flag(required=False)
    renew_same_key = Flag(required=False)
    approval_covers_renewal = Flag(
        required=False, help_text="Of the same names, validity and kind of key, while the template stays as it is."
    )
    requires_approval = Flag(required=False)
    approver_role = Text(required=False, allow_blank=True, max_length=80)
    approvals_needed = approvals()


class TemplateIn(TemplateFields):
    """A recipe on offer: which CA, under which role, makes what."""

    example = {
        "pki_id": None,
        "pki_role": "web",
        "name": "Web server",
        "code": "web-tls",
        "key_algorithm": "ECDSA_P256",
        "validity_days": 90,
        "key_usage": ["digital_signature"],
        "extended_key_usage": ["server_auth"],
    }

    organization_id = Id(required=False)
    pki_id = Id(help_text="The CA.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> tuple[TemplateOrder, Ref | None]:
        """The order, and the organization that the body names. Raises Invalid."""
        values = _template_values(cls.values(data, version=version))
        if "validity" not in values:
            raise Invalid.of("validity_days", "required", required("validity_days").message.template)
        organization = values.pop("organization_id", None)
        return TemplateOrder(ca=values.pop("pki_id"), **values), organization


class TemplateChangeIn(TemplateFields):
    """What shall change of a template; the rest stays."""

    example = {"validity_days": 30}

    all_optional = True

    @classmethod
    def change(cls, data: Any, order: TemplateOrder, *, version: str) -> TemplateOrder:
        return replace(order, **_template_values(cls.values(data, version=version)))


def _template_values(values: dict[str, Any]) -> dict[str, Any]:
    """The body's words as the order's. Raises Invalid."""
    if errors := list(validity_errors(values)):
        raise Invalid(errors=errors)
    if (validity := validity_of(values)) is not None:
        values["validity"] = validity
    values.pop("validity_days", None)
    if "pki_role" in values:
        values["role"] = Ref("name", values.pop("pki_role"))
    return tuples(values)

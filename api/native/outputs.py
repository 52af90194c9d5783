"""What the native API shows: one shape for each resource, and every member always there."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from accounts.features import features_of
from acme_client.models import AcmeAccount
from api.common.fields import Duration, Made
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts, whole
from cas.core.keys import KeyAlgorithm
from kernel.features import Feature

STRING: Final = {"type": "string"}
# What clients neither show nor log.
SECRET: Final = STRING | {"format": "password"}
MAYBE_SECRET: Final = SECRET | {"type": ["string", "null"]}
PKI_TYPE: Final = {"type": "string", "enum": ["internal", "acme"]}


class OrganizationOut(Output):
    """A tenant: what it owns is invisible to every other."""

    id = identity()
    name = text()
    slug = text()
    features = Made(
        lambda organization: sorted(features_of(organization)),
        {"type": "array", "items": {"type": "string", "enum": list(Feature)}, "description": "What is licensed."},
    )
    created_at = moment()


class MemberOut(Output):
    """What a person may do in one organization."""

    id = identity()
    organization_id = identity(source="organization")
    email = text(source="user.email")
    name = text(source="user.name")
    role = text(help_text="One that every organization has, or the slug of one of its own.")
    capabilities = texts(help_text="Permissions of this person beside those of the role.")
    created_at = moment()


class PkiOut(Output):
    """The CA that something belongs to; of what a public one has issued, the account there."""

    id = identity()
    name = text()
    type = Made(lambda row: "acme" if isinstance(row, AcmeAccount) else "internal", PKI_TYPE)


class RoleOut(Output):
    """The guard rails of issuance under one CA; the members are those of its input."""

    id = identity()
    organization_id = identity(source="organization")
    pki_id = identity(source="ca")
    name = text()
    description = text()
    version = whole()
    allowed_domains = texts()
    allow_any_name = flag()
    allow_bare_domains = flag()
    allow_subdomains = flag()
    allow_wildcards = flag()
    allow_dns_sans = flag()
    allow_ip_sans = flag()
    allowed_ip_ranges = texts()
    allow_email_sans = flag()
    allowed_email_domains = texts()
    allow_uri_sans = flag()
    allowed_uri_prefixes = texts()
    max_ttl = Duration(read_only=True)
    key_algorithms = texts()
    common_name = text()
    subject_attributes = texts()
    store_private_keys = flag()
    requires_approval = flag()
    approver_role = text()
    approvals_needed = whole()
    created_at = moment()
    updated_at = moment()


def _whole_days(template: Any) -> int | None:
    seconds = int(template.validity.total_seconds())
    return None if seconds % 86_400 else seconds // 86_400


class TemplateOut(Output):
    """The recipe on offer; the members are those of its input."""

    id = identity()
    organization_id = identity(source="organization")
    pki_id = identity(source="ca")
    pki_role = text(source="role.name")
    name = text()
    code = text()
    description = text()
    version = whole()
    key_algorithm = one_of(KeyAlgorithm)
    any_key_algorithm = flag()
    validity_days = Made(_whole_days, {"type": ["integer", "null"], "description": "Null where days are not whole."})
    validity = Duration(read_only=True)
    backdate = Duration(read_only=True)
    key_usage = texts()
    extended_key_usage = texts()
    certificate_policies = texts()
    lint = text()
    add_common_name_to_sans = flag()
    include_cdp = flag()
    include_aia = flag()
    renew_same_key = flag()
    approval_covers_renewal = flag()
    requires_approval = flag()
    approver_role = text()
    approvals_needed = whole()
    created_at = moment()
    updated_at = moment()


class PaginationOut(Output):
    """How to go on, and how many there are in all."""

    next_cursor = text(allow_null=True, help_text="For the next page; null on the last.")
    total = whole(help_text="Rows in the whole list.")
    total_is_estimate = serializers.BooleanField(required=False, help_text="True where `total` is a lower bound.")


def listing(shape: type[Output]) -> type[Output]:
    """The schema of a page of these."""
    members = {
        "__doc__": "A page, newest first.",
        "data": shape(many=True, read_only=True),
        "pagination": PaginationOut(read_only=True),
    }
    return type(f"{shape.__name__.removesuffix('Out')}ListOut", (Output,), members)

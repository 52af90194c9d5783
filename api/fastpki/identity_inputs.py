"""What the FastPKI API takes about people, organizations, service accounts and the log."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import IO, Any, Final

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import BaseParser

from accounts.services.issuance_policies import PolicyOrder
from api.common.errors import Malformed, TooLarge
from api.common.fields import Choice, Flag, Id, SecretText, Text, Texts, Whole
from api.common.formats import read_time
from api.common.inputs import Input, Number, Query
from api.fastpki.audit_names import KNOWN_ACTIONS
from api.fastpki.capabilities import ROLES
from kernel.errors import Invalid
from kernel.text import _

USUAL_LIMIT: Final = 100
LARGEST_LIMIT: Final = 1000
_LARGEST_FORM: Final = 32 * 1024
_LARGEST_NUMBER: Final = 10**18 - 1
_MOST_ENTRIES: Final = 200
# With a zone, or without one and then in UTC; or a day.
_NAIVE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?", re.ASCII)


class FormParser(BaseParser):
    """`application/x-www-form-urlencoded` in UTF-8. Raises Malformed, TooLarge."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> QueryDict:
        raw = stream.read(_LARGEST_FORM + 1)
        if len(raw) > _LARGEST_FORM:
            raise TooLarge(_("The body is longer than %(limit)s bytes."), limit=_LARGEST_FORM)
        try:
            form = QueryDict(raw.decode("utf-8"), encoding="utf-8")
            "".join(text for _name, texts in form.lists() for text in texts).encode()
        except ValueError as error:
            raise Malformed(_("The body is not UTF-8 text.")) from error
        return form


@extend_schema_field({"type": "string", "format": "date-time", "examples": ["2027-01-01T00:00:00Z", "2027-01-01"]})
class LooseMoment(serializers.Field):
    """A time; without a zone it is in UTC, and a day is its first moment."""

    def to_internal_value(self, data: Any) -> datetime:
        text = data if isinstance(data, str) else ""
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
                return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return datetime.fromisoformat(text).replace(tzinfo=UTC) if _NAIVE.fullmatch(text) else read_time(text)
        except ValueError as error:
            text = _("Write a time as 2026-01-15T08:00:00Z.")
            raise Invalid.of(str(self.field_name), "datetime-parsing", text) from error


class LoginIn(Input):
    """What OAuth's password form has; beside name and password all of it is ignored."""

    username = Text(max_length=254)
    password = SecretText()
    grant_type = Text(required=False, allow_blank=True)
    scope = Text(required=False, allow_blank=True)
    client_id = Text(required=False, allow_blank=True)
    client_secret = SecretText(required=False, allow_blank=True)


class RefreshIn(Input):
    """A refresh token."""

    refresh_token = SecretText()


class _Capabilities(Input):
    can_create_ca = Flag(required=False)
    can_create_cert = Flag(required=False)
    can_revoke_cert = Flag(required=False)
    can_export_private_key = Flag(required=False)
    can_delete_ca = Flag(required=False)


class UserIn(_Capabilities):
    """A new account."""

    example = {"username": "alice", "email": "alice@example.com", "password": "a long passphrase", "role": "user"}

    username = Text(max_length=150)
    email = Text(max_length=254)
    password = SecretText(min_length=8)
    role = Choice(ROLES, required=False)
    is_active = Flag(required=False)
    organization_id = Id(required=False, allow_null=True)


class UserChangeIn(_Capabilities):
    """What is to be different."""

    all_optional = True
    example = {"role": "admin"}

    email = Text(max_length=254)
    password = SecretText(min_length=8)
    role = Choice(ROLES)
    is_active = Flag()
    organization_id = Id(allow_null=True)


class OrganizationIn(Input):
    """A new organization."""

    example = {"name": "Acme Corp", "description": "Rockets"}

    name = Text(max_length=120)
    description = Text(max_length=1000, required=False, allow_null=True, allow_blank=True)


class OrganizationChangeIn(OrganizationIn):
    """What is to be different."""

    all_optional = True


class ServiceAccountIn(_Capabilities):
    """A new service account. What may be issued for it is said by its policy."""

    example = {"name": "cert-manager", "can_create_cert": True}

    name = Text(max_length=120)
    description = Text(max_length=1000, required=False, allow_null=True, allow_blank=True)
    organization_id = Id(required=False, allow_null=True)


class ServiceAccountChangeIn(_Capabilities):
    """What is to be different."""

    all_optional = True
    example = {"disabled": True}

    name = Text(max_length=120)
    description = Text(max_length=1000, allow_null=True, allow_blank=True)
    disabled = Flag()


class ServiceTokenIn(Input):
    """A new token."""

    example = {"name": "cluster 1", "expires_at": "2027-01-01T00:00:00Z"}

    name = Text(max_length=120, required=False, allow_null=True, allow_blank=True)
    expires_at = LooseMoment(required=False, allow_null=True)


class PolicyIn(Input):
    """All that may be issued; a list that is empty, or is not there, allows nothing of its kind."""

    example = {
        "max_validity_days": 90,
        "cn_patterns": ["*.example.com"],
        "san_dns_patterns": ["*.example.com"],
        "allowed_ca_ids": [1],
        "allowed_certificate_types": ["server"],
    }

    max_validity_days = Whole(min_value=1, max_value=36_500)
    cn_patterns = Texts(longest=255, most=_MOST_ENTRIES, required=False)
    san_dns_patterns = Texts(longest=255, most=_MOST_ENTRIES, required=False)
    san_ip_cidrs = Texts(longest=50, most=_MOST_ENTRIES, required=False)
    san_email_domains = Texts(longest=255, most=_MOST_ENTRIES, required=False)
    allowed_ca_ids = serializers.ListField(
        child=Whole(min_value=1, max_value=_LARGEST_NUMBER), max_length=_MOST_ENTRIES, required=False
    )
    allowed_certificate_types = Texts(longest=20, most=_MOST_ENTRIES, required=False)


class PageQuery(Query):
    """Which part of a list."""

    skip = Number(min_value=0, max_value=10**9, default=0)
    limit = Number(min_value=1, max_value=LARGEST_LIMIT, default=USUAL_LIMIT)


class AuditQuery(PageQuery):
    """Which events."""

    action = Choice(KNOWN_ACTIONS, required=False)
    user_id = Number(min_value=0, max_value=_LARGEST_NUMBER, required=False)
    resource_type = Text(max_length=64, required=False)
    resource_id = Number(min_value=0, max_value=_LARGEST_NUMBER, required=False)
    since = LooseMoment(required=False)
    until = LooseMoment(required=False)


def policy_order(values: dict[str, Any]) -> PolicyOrder:
    return PolicyOrder(**values)

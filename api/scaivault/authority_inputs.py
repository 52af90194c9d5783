"""What ScaiVault's clients send about CAs, roles and trust anchors: bodies to orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from cryptography import x509

from api.common.fields import Choice, Flag, Id, Text, Texts, Whole, required
from api.common.inputs import Input
from api.scaivault.fields import KEY_TYPES, LEAF_SIZES, Lifetime, algorithm_of, shape_of
from cas.core.formats import LONGEST as LONGEST_CERTIFICATES
from cas.core.names import name_from_mapping
from cas.core.reasons import parse_reason
from cas.orders import AuthorityOrder, Dialect, RoleOrder, TrustAnchorOrder
from certificates.orders import RevokeAuthorityOrder
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

VERSION: Final = "v2"
_ROOT, _INTERMEDIATE = "root", "intermediate"
_USUAL_TYPE: Final = "rsa"
_LONGEST_DAYS: Final = 36_600
_AUTHORITY_SIZES: Final[Mapping[str, tuple[int, ...]]] = {"rsa": (4096, 2048), "ec": (256, 384)}
_USUAL_TTL: Final = timedelta(days=397)


class AuthorityIn(Input):
    """A new CA: a root, or an intermediate under another."""

    example = {"name": "issuing", "common_name": "Example Issuing CA", "ca_type": _INTERMEDIATE, "parent_ca_id": None}

    name = Text(max_length=120)
    common_name = Text(max_length=64)
    ca_type = Choice((_ROOT, _INTERMEDIATE))
    parent_ca_id = Id(required=False, help_text="Of an intermediate: the CA that signs it.")
    key_type = Choice(KEY_TYPES, default=_USUAL_TYPE)
    key_size = Whole(required=False, help_text="4096 or 2048 for RSA, 256 or 384 for EC; the first if absent.")
    validity_days = Whole(
        required=False, min_value=1, max_value=_LONGEST_DAYS, help_text="3650 for a root, 1825 below one if absent."
    )

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> AuthorityOrder:
        """The order for a CA that signs approved CSRs from its beginning. Raises Invalid with every violation."""
        values = cls.values(data, version=VERSION)
        sizes = _AUTHORITY_SIZES
        kind = values["key_type"]
        errors = _parent_errors(values)
        size = values.get("key_size", sizes[kind][0])
        if size not in sizes[kind]:
            errors.append(_unknown_size("key_size", sizes[kind]))
        if errors:
            raise Invalid(errors=errors)
        days = values.get("validity_days")
        return AuthorityOrder(
            organization=home,
            name=values["name"],
            subject=name_from_mapping({"common_name": values["common_name"]}),
            key_algorithm=algorithm_of(kind, size, sizes, field="key_size"),
            parent=values.get("parent_ca_id"),
            validity=timedelta(days=days) if days is not None else None,
            dialect=Dialect.SCAIVAULT,
        )


class RevokeAuthorityIn(Input):
    """Why a CA is revoked."""

    example = {"reason": "cessationOfOperation"}

    reason = Text(
        required=False,
        allow_blank=True,
        max_length=1000,
        help_text="A reason of RFC 5280, in any usual spelling. Other words are kept as a comment.",
    )

    @classmethod
    def read(cls, data: Any, ca: Ref) -> RevokeAuthorityOrder:
        text = cls.values(data, version=VERSION).get("reason", "")
        try:
            return RevokeAuthorityOrder(ca=ca, reason=parse_reason(text))
        except Invalid:
            return RevokeAuthorityOrder(ca=ca, reason=x509.ReasonFlags.unspecified, comment=text)


class RoleFields(Input):
    """What a role lets be issued."""

    allowed_domains = Texts(
        required=False,
        longest=253,
        most=1000,
        help_text="`example.com`, `web-*.example.com`: `*` is part of a label.",
    )
    allow_subdomains = Flag(required=False, help_text="All names below them too, and wildcards for these.")
    allow_ip_sans = Flag(required=False)
    max_ttl = Lifetime(required=False, help_text="397 days by default.")
    key_type = Choice(KEY_TYPES, required=False, help_text="Of issued keys, also of those that a CSR brings.")
    key_bits = Whole(required=False, help_text="2048, 3072, 4096 for RSA; 256, 384, 521 for EC.")
    require_cn = Flag(required=False, help_text="Refuse CSRs without a common name.")
    store_private_keys = Flag(required=False, help_text="Keys that are made here can be got again.")

    @staticmethod
    def changes(values: Mapping[str, Any], before: tuple[str, ...]) -> dict[str, Any]:
        """What of a role order the values say. Raises Invalid."""
        given: dict[str, Any] = {}
        if "allowed_domains" in values:
            given["allowed_domains"] = tuple(values["allowed_domains"])
        if "allow_subdomains" in values:
            given["allow_subdomains"] = given["allow_wildcards"] = values["allow_subdomains"]
        if "require_cn" in values:
            given["common_name"] = "required" if values["require_cn"] else "optional"
        if {"key_type", "key_bits"} & values.keys():
            given["key_algorithms"] = (_key_shape(values, before),)
        plain = ("allow_ip_sans", "max_ttl", "store_private_keys")
        return given | {name: values[name] for name in plain if name in values}


class RoleIn(RoleFields):
    """A new role. Certificates are issued by its name."""

    example = {
        "name": "web",
        "ca_id": None,
        "allowed_domains": ["example.com"],
        "allow_subdomains": True,
        "allow_ip_sans": False,
        "max_ttl": "720h",
        "key_type": "rsa",
        "key_bits": 2048,
        "require_cn": True,
        "store_private_keys": False,
    }

    name = Text(max_length=80)
    ca_id = Id(help_text="The CA that issues.")

    @classmethod
    def read(cls, data: Any) -> RoleOrder:
        """Raises Invalid with every violation."""
        values = cls.values(data, version=VERSION)
        plain = RoleOrder(ca=values["ca_id"], name=values["name"], max_ttl=_USUAL_TTL)
        return replace(plain, **cls.changes(values, ()))


class RoleChangeIn(RoleFields):
    """What changes of a role; the rest stays."""

    all_optional = True
    example = {"max_ttl": "90d"}

    @classmethod
    def change(cls, data: Any, order: RoleOrder) -> RoleOrder:
        """The order with what the body says. Raises Invalid."""
        return replace(order, **cls.changes(cls.values(data, version=VERSION), order.key_algorithms))


class TrustAnchorIn(Input):
    """The certificate of a CA that is to be trusted."""

    example = {"name": "Partner Root CA", "certificate_pem": "-----BEGIN CERTIFICATE-----\n…"}

    name = Text(max_length=120)
    certificate_pem = Text(max_length=LONGEST_CERTIFICATES)

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> TrustAnchorOrder:
        values = cls.values(data, version=VERSION)
        return TrustAnchorOrder(organization=home, certificates=values["certificate_pem"].encode(), name=values["name"])


def _parent_errors(values: Mapping[str, Any]) -> list[FieldError]:
    has_parent = "parent_ca_id" in values
    if values["ca_type"] == _INTERMEDIATE and not has_parent:
        return [required("parent_ca_id")]
    if values["ca_type"] == _ROOT and has_parent:
        return [field_error("parent_ca_id", "contradiction", _("A root signs itself; it has no parent."))]
    return []


def _key_shape(values: Mapping[str, Any], before: tuple[str, ...]) -> str:
    """The one algorithm that type and size name; where only one of them is given, the other is as it was."""
    kind_before, size_before = shape_of(before[0]) if len(before) == 1 else (_USUAL_TYPE, None)
    kind = values.get("key_type", kind_before if kind_before in LEAF_SIZES else _USUAL_TYPE)
    usual = size_before if kind == kind_before and size_before else LEAF_SIZES[kind][0]
    return algorithm_of(kind, values.get("key_bits", usual), LEAF_SIZES, field="key_bits")


def _unknown_size(field: str, sizes: tuple[int, ...]) -> FieldError:
    return field_error(field, "unknown-value", _("Known values are %(known)s."), known=", ".join(map(str, sizes)))

"""The addresses of the ScaiVault dialect."""

from __future__ import annotations

from typing import Any, Final

from django.urls import URLPattern, path, register_converter

# It makes `public_id` known.
from api.common import converters as converters
from api.scaivault.acme import AcmeAccounts, AcmeChallenges, AcmeOrders
from api.scaivault.authorities import Authorities
from api.scaivault.certificates import Certificates
from api.scaivault.csrs import Csrs
from api.scaivault.dns_providers import DnsProviders
from api.scaivault.roles import Issuance, Roles
from api.scaivault.trust_anchors import TrustAnchors
from kernel.ref import Ref


class RoleName:
    """A role by its name. Anything else is no address."""

    regex = "[A-Za-z0-9._-]{1,80}"

    def to_python(self, value: str) -> Ref:
        return Ref("name", value)

    def to_url(self, value: Any) -> str:
        return str(value)


register_converter(RoleName, "role_name")

_LIST: Final[dict[str, Any]] = {"get": "list", "post": "create"}
_SHOWN: Final[dict[str, Any]] = {"get": "retrieve"}
_REMOVABLE: Final = _SHOWN | {"delete": "destroy"}

ROUTES: Final[list[URLPattern]] = [
    path("ca", Authorities.as_view(_LIST)),
    path("ca/<public_id:ref>", Authorities.as_view(_SHOWN)),
    path("ca/<public_id:ref>/certificate", Authorities.as_view({"get": "certificate"})),
    path("ca/<public_id:ref>/revoke", Authorities.as_view({"post": "revoke"})),
    path("ca/<public_id:ref>/crl", Authorities.as_view({"get": "crl", "post": "publish_crl"})),
    path("roles", Roles.as_view(_LIST)),
    path("roles/<role_name:name>", Roles.as_view(_REMOVABLE | {"patch": "partial_update"})),
    path("issue/<role_name:name>", Issuance.as_view({"post": "issue"})),
    path("sign/<role_name:name>", Issuance.as_view({"post": "sign"})),
    path("certificates", Certificates.as_view({"get": "list"})),
    path("certificates/import", Certificates.as_view({"post": "import_one"})),
    path("certificates/validate", Certificates.as_view({"post": "validate"})),
    path("certificates/<public_id:ref>", Certificates.as_view(_SHOWN | {"patch": "partial_update"})),
    path("certificates/<public_id:ref>/pem", Certificates.as_view({"get": "pem"})),
    path("certificates/<public_id:ref>/renew", Certificates.as_view({"post": "renew"})),
    path("certificates/<public_id:ref>/private-key", Certificates.as_view({"post": "private_key"})),
    path("revoke", Certificates.as_view({"post": "revoke"})),
    path("csr", Csrs.as_view(_LIST)),
    path("csr/import", Csrs.as_view({"post": "import_one"})),
    path("csr/<public_id:ref>", Csrs.as_view(_REMOVABLE)),
    path("csr/<public_id:ref>/approve", Csrs.as_view({"post": "approve"})),
    path("csr/<public_id:ref>/reject", Csrs.as_view({"post": "reject"})),
    path("csr/<public_id:ref>/sign", Csrs.as_view({"post": "sign"})),
    path("trust-anchors", TrustAnchors.as_view(_LIST)),
    path("trust-anchors/<public_id:ref>", TrustAnchors.as_view(_REMOVABLE)),
    path("acme/accounts", AcmeAccounts.as_view(_LIST)),
    path("acme/accounts/<public_id:ref>", AcmeAccounts.as_view(_REMOVABLE)),
    path("acme/issue", AcmeOrders.as_view({"post": "issue"})),
    path("acme/orders", AcmeOrders.as_view({"get": "list"})),
    path("acme/orders/<public_id:ref>", AcmeOrders.as_view(_SHOWN)),
    path("acme/orders/<public_id:ref>/refresh", AcmeOrders.as_view({"post": "refresh"})),
    path("acme/challenges/<public_id:ref>/complete", AcmeChallenges.as_view({"post": "complete"})),
    path("dns-providers", DnsProviders.as_view(_LIST)),
    path("dns-providers/<public_id:ref>", DnsProviders.as_view(_REMOVABLE | {"patch": "partial_update"})),
]

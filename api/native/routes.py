"""The addresses of the native API, one by one: the documented paths are the contract."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, register_converter

from api.common import converters as converters  # `number`, `public_id`
from api.native.accounts import Members, Organizations
from api.native.acme_orders import ACME_ROUTES
from api.native.audit import Audit, Checkpoints
from api.native.authority_routes import AUTHORITY_ROUTES
from api.native.batches import Batches
from api.native.certificates import Certificates, CertificatesBySerial
from api.native.client_certificates import CLIENT_CERTIFICATE_ROUTES
from api.native.dialect import NativeViewSet
from api.native.dns_providers import DNS_PROVIDER_ROUTES
from api.native.inventory import INVENTORY_ROUTES
from api.native.keys import ApiKeys, ServiceAccounts
from api.native.notices import NOTICE_ROUTES
from api.native.oauth import OAUTH_ROUTES
from api.native.people import CustomRoles, Invitations, SignInProviders
from api.native.placements import PLACEMENT_ROUTES
from api.native.public_names import PUBLIC_NAME_ROUTES
from api.native.pulls import PULL_ROUTES
from api.native.renewals import RENEWAL_ROUTES
from api.native.requests import Requests
from api.native.roles import Roles
from api.native.stats import Stats
from api.native.templates import Templates
from api.native.token_issuers import TOKEN_ISSUER_ROUTES
from api.native.trust_anchors import TrustAnchors
from api.native.validation import Validation
from api.native.whoami import Whoami
from certificates.filters import read_serial
from certificates.orders import SerialNumber


class SerialText:
    """A serial number in any notation, as everything that it may mean."""

    regex = "(?:0[xX])?[0-9A-Fa-f:]{1,64}"

    def to_python(self, value: str) -> SerialNumber:
        number = read_serial(value)
        if number is None:
            raise ValueError(value)
        return number

    def to_url(self, value: Any) -> str:
        return str(value)


class EventId:
    """The ULID of an audit event."""

    regex = "[0-7][0-9A-HJKMNP-TV-Z]{25}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class TreeSize:
    """How many events a checkpoint covers."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(SerialText, "serial")
register_converter(EventId, "event_id")
register_converter(TreeSize, "tree_size")

_LIST = {"get": "list", "post": "create"}
_ITEM = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}


def _v1(route: str, view: type[NativeViewSet], actions: dict[str, Any], **options: Any) -> URLPattern:
    return path(route, view.as_view(actions, version="v1", **options))


def _v2(route: str, view: type[NativeViewSet], actions: dict[str, Any], **options: Any) -> URLPattern:
    return path(route, view.as_view(actions, version="v2", **options))


V1 = [
    _v1("certificates", Certificates, _LIST),
    _v1("certificates/<number:ref>", Certificates, {"get": "retrieve"}),
    _v1("certificates/<number:ref>/download", Certificates, {"get": "download"}),
    _v1("certificates/<number:ref>/renew", Certificates, {"post": "renew"}),
    _v1("certificates/<number:ref>/revoke", Certificates, {"post": "revoke"}),
    _v1("clm/templates", Templates, {"post": "create"}, has_items=False),
    _v1("audit", Audit, {"get": "list"}),
]

V2 = [
    _v2("whoami", Whoami, {"get": "retrieve"}),
    _v2("organizations", Organizations, _LIST),
    _v2("organizations/<public_id:ref>", Organizations, {"get": "retrieve", "patch": "partial_update"}),
    _v2("members", Members, _LIST),
    _v2("members/<public_id:ref>", Members, _ITEM),
    _v2("member-roles", CustomRoles, _LIST),
    _v2("member-roles/<public_id:ref>", CustomRoles, _ITEM),
    _v2("invitations", Invitations, _LIST),
    _v2("invitations/<public_id:ref>", Invitations, {"get": "retrieve", "delete": "destroy"}),
    _v2("invitations/<public_id:ref>/resend", Invitations, {"post": "resend"}),
    _v2("sign-in-providers", SignInProviders, _LIST),
    _v2("sign-in-providers/<public_id:ref>", SignInProviders, _ITEM),
    _v2("api-keys", ApiKeys, _LIST),
    _v2("api-keys/<public_id:ref>", ApiKeys, {"get": "retrieve", "delete": "destroy"}),
    _v2("api-keys/<public_id:ref>/rotate", ApiKeys, {"post": "rotate"}),
    _v2("service-accounts", ServiceAccounts, _LIST),
    _v2("service-accounts/<public_id:ref>", ServiceAccounts, {"get": "retrieve", "patch": "partial_update"}),
    _v2("service-accounts/<public_id:ref>/disable", ServiceAccounts, {"post": "disable"}),
    _v2("service-accounts/<public_id:ref>/enable", ServiceAccounts, {"post": "enable"}),
    *(_v2(route, view, dict(actions)) for route, view, actions in TOKEN_ISSUER_ROUTES),
    *(_v2(route, view, dict(actions)) for route, view, actions in OAUTH_ROUTES),
    *(_v2(route, view, dict(actions)) for route, view, actions in CLIENT_CERTIFICATE_ROUTES),
    *(_v2(route, view, dict(actions)) for route, view, actions in AUTHORITY_ROUTES),
    _v2("roles", Roles, _LIST),
    _v2("roles/<public_id:ref>", Roles, _ITEM),
    _v2("roles/<public_id:ref>/impact", Roles, {"post": "impact"}),
    _v2("templates", Templates, _LIST),
    _v2("templates/<public_id:ref>", Templates, _ITEM),
    _v2("templates/<public_id:ref>/impact", Templates, {"post": "impact"}),
    _v2("certificates", Certificates, _LIST),
    *(_v2(route, view, dict(actions)) for route, view, actions in INVENTORY_ROUTES),
    _v2("certificates/batch", Batches, {"post": "create"}),
    _v2("certificates/validate", Validation, {"post": "create"}),
    _v2("certificates/by-serial/<serial:serial>", CertificatesBySerial, {"get": "retrieve"}),
    _v2("certificates/<public_id:ref>", Certificates, {"get": "retrieve", "patch": "partial_update"}),
    _v2("certificates/<public_id:ref>/download", Certificates, {"get": "download"}),
    _v2("certificates/<public_id:ref>/renew", Certificates, {"post": "renew"}),
    _v2("certificates/<public_id:ref>/revoke", Certificates, {"post": "revoke"}),
    _v2("certificates/<public_id:ref>/release", Certificates, {"post": "release"}),
    _v2("certificates/<public_id:ref>/private-key", Certificates, {"post": "private_key"}),
    *(_v2(route, view, dict(actions)) for route, view, actions in (*RENEWAL_ROUTES, *PULL_ROUTES, *PLACEMENT_ROUTES)),
    _v2("requests", Requests, {"get": "list"}),
    _v2("requests/counts", Requests, {"get": "counts"}),
    _v2("requests/<public_id:ref>", Requests, {"get": "retrieve"}),
    _v2("requests/<public_id:ref>/approve", Requests, {"post": "approve"}),
    _v2("requests/<public_id:ref>/reject", Requests, {"post": "reject"}),
    _v2("requests/<public_id:ref>/cancel", Requests, {"post": "cancel"}),
    _v2("requests/<public_id:ref>/fulfil", Requests, {"post": "fulfil"}),
    _v2("requests/<public_id:ref>/private-key", Requests, {"post": "private_key"}),
    _v2("trust-anchors", TrustAnchors, _LIST),
    _v2("trust-anchors/<public_id:ref>", TrustAnchors, {"get": "retrieve", "delete": "destroy"}),
    *(_v2(route, view, dict(actions)) for route, view, actions in ACME_ROUTES),
    *(_v2(route, view, dict(actions)) for route, view, actions in PUBLIC_NAME_ROUTES),
    *(_v2(route, view, dict(actions)) for route, view, actions in DNS_PROVIDER_ROUTES),
    *(_v2(route, view, dict(actions)) for route, view, actions in NOTICE_ROUTES),
    _v2("audit", Audit, {"get": "list"}),
    _v2("audit/keys", Audit, {"get": "keys"}),
    _v2("audit/export", Audit, {"get": "export"}),
    _v2("audit/verifier", Audit, {"get": "verifier"}),
    _v2("audit/checkpoints", Checkpoints, {"get": "list"}),
    _v2("audit/checkpoints/latest", Checkpoints, {"get": "latest"}),
    _v2("audit/checkpoints/latest/note", Checkpoints, {"get": "note"}),
    _v2("audit/checkpoints/<tree_size:size>", Checkpoints, {"get": "retrieve"}),
    _v2("audit/checkpoints/<tree_size:size>/consistency", Checkpoints, {"get": "consistency"}),
    _v2("audit/<event_id:event_id>", Audit, {"get": "retrieve"}),
    _v2("audit/<event_id:event_id>/proof", Audit, {"get": "proof"}),
    _v2("stats", Stats, {"get": "retrieve"}),
]

"""The addresses of CAs, below `cas`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.urls import register_converter

from api.native.authorities import Authorities
from api.native.authority_arrivals import ArrivingAuthorities, ForeignAuthorities, PendingAuthorities
from api.native.authority_certificates import AuthorityCertificates, AuthoritySuccession
from api.native.authority_dialects import AuthorityDialects
from api.native.dialect import NativeViewSet


class Fingerprint:
    """The SHA-256 of a certificate, in hex of either case. Anything else is no address."""

    regex = "[0-9A-Fa-f]{64}"

    def to_python(self, value: str) -> str:
        return value.lower()

    def to_url(self, value: str) -> str:
        return value


register_converter(Fingerprint, "fingerprint")

_ONE: Final = "cas/<public_id:ref>"
_CERTIFICATE: Final = f"{_ONE}/certificates/<fingerprint:fingerprint>"

AUTHORITY_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("cas", Authorities, {"get": "list", "post": "create"}),
    ("cas/tree", Authorities, {"get": "tree"}),
    ("cas/pending", PendingAuthorities, {"post": "create"}),
    ("cas/import", ArrivingAuthorities, {"post": "create"}),
    ("cas/foreign", ForeignAuthorities, {"post": "create"}),
    (_ONE, Authorities, {"get": "retrieve", "patch": "partial_update"}),
    (f"{_ONE}/certificate", Authorities, {"get": "certificate"}),
    (f"{_ONE}/chain", Authorities, {"get": "chain"}),
    (f"{_ONE}/key", Authorities, {"get": "key"}),
    (f"{_ONE}/crl", Authorities, {"post": "publish_crl"}),
    (f"{_ONE}/revoke", Authorities, {"post": "revoke"}),
    (f"{_ONE}/retire", Authorities, {"post": "retire"}),
    (f"{_ONE}/disable", Authorities, {"post": "disable"}),
    (f"{_ONE}/enable", Authorities, {"post": "enable"}),
    (f"{_ONE}/dialects", AuthorityDialects, {"get": "show_dialects", "post": "open"}),
    (f"{_ONE}/csr", PendingAuthorities, {"post": "csr"}),
    (f"{_ONE}/complete", PendingAuthorities, {"post": "complete"}),
    (f"{_ONE}/cancel", PendingAuthorities, {"post": "cancel"}),
    (f"{_ONE}/certify", ForeignAuthorities, {"post": "certify"}),
    (f"{_ONE}/chains", AuthorityCertificates, {"get": "chains"}),
    (f"{_ONE}/renew", AuthorityCertificates, {"post": "renew"}),
    (f"{_ONE}/cross", AuthorityCertificates, {"post": "cross"}),
    (f"{_ONE}/certificates", AuthorityCertificates, {"get": "list_certificates", "post": "add"}),
    (_CERTIFICATE, AuthorityCertificates, {"get": "show_certificate"}),
    (f"{_CERTIFICATE}/prefer", AuthorityCertificates, {"post": "prefer"}),
    (f"{_CERTIFICATE}/revoke", AuthorityCertificates, {"post": "revoke"}),
    (f"{_ONE}/successor", AuthoritySuccession, {"post": "succeed"}),
    (f"{_ONE}/move-templates", AuthoritySuccession, {"post": "move_templates"}),
    (f"{_ONE}/abandon-intents", AuthoritySuccession, {"post": "abandon"}),
)

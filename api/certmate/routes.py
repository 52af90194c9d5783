"""The addresses of the CertMate dialect, one by one: none ends in a slash."""

from __future__ import annotations

import re

from django.urls import path, register_converter

from api.certmate.batches import Batches
from api.certmate.client_certificates import ClientCertificates
from api.certmate.domains import Domains
from api.certmate.inputs import IDENTIFIER
from api.certmate.revocation_status import CrlDownload, OcspStatus


class Identifier:
    """The name of a client certificate. Nothing else is one: no path of files, and no half of one."""

    regex = IDENTIFIER

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class SerialNumber:
    """Decimal where it is digits alone, as the document writes it; else hexadecimal, with `0x` or colons or without."""

    regex = "(?:0[xX])?[0-9A-Fa-f:]{1,64}"

    def to_python(self, value: str) -> int:
        """Raises ValueError."""
        return int(value) if re.fullmatch("[0-9]{1,49}", value) else int(value.replace(":", ""), 16)

    def to_url(self, value: int) -> str:
        return str(value)


class HostName:
    """A name of a host, with `*.` before it or without."""

    regex = r"(?:\*\.)?[^\s/*\x00-\x1f\x7f]{1,253}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Identifier, "certmate_identifier")
register_converter(SerialNumber, "certmate_serial")
register_converter(HostName, "certmate_host")

_ITEM = "client-certs/<certmate_identifier:identifier>"

ROUTES = [
    path("client-certs", ClientCertificates.as_view({"get": "list"})),
    path("client-certs/create", ClientCertificates.as_view({"post": "create"})),
    path("client-certs/stats", ClientCertificates.as_view({"get": "stats"})),
    path("client-certs/batch", Batches.as_view({"post": "create"})),
    path(_ITEM, ClientCertificates.as_view({"get": "retrieve"})),
    path(f"{_ITEM}/download/crt", ClientCertificates.as_view({"get": "certificate"})),
    path(f"{_ITEM}/download/key", ClientCertificates.as_view({"get": "private_key"})),
    path(f"{_ITEM}/download/csr", ClientCertificates.as_view({"get": "signing_request"})),
    path(f"{_ITEM}/revoke", ClientCertificates.as_view({"post": "revoke"})),
    path(f"{_ITEM}/renew", ClientCertificates.as_view({"post": "renew"})),
    path("ocsp/status/<certmate_serial:serial>", OcspStatus.as_view({"get": "retrieve"})),
    path("crl/download/pem", CrlDownload.as_view({"get": "pem"})),
    path("crl/download/der", CrlDownload.as_view({"get": "der"})),
    path("crl/download/info", CrlDownload.as_view({"get": "info"})),
    path("certificates/<certmate_host:domain>/download", Domains.as_view({"get": "download"})),
]

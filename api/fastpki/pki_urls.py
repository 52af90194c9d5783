"""What is issued: CAs, certificates, exports."""

from __future__ import annotations

from django.urls import URLPattern, path

from api.common import converters as converters  # `number`
from api.fastpki.authorities import Authorities
from api.fastpki.certificates import Certificates
from api.fastpki.exports import Exports

PKI: list[URLPattern] = [
    path("cas/", Authorities.as_view({"get": "list", "post": "create"})),
    path("cas/<number:ref>", Authorities.as_view({"get": "retrieve", "delete": "destroy"})),
    path("cas/<number:ref>/private-key", Authorities.as_view({"get": "private_key"})),
    path("cas/<number:ref>/chain", Authorities.as_view({"get": "chain"})),
    path("cas/<number:ref>/children", Authorities.as_view({"get": "children"})),
    path("certificates/", Certificates.as_view({"get": "list", "post": "create"})),
    path("certificates/sign-csr", Certificates.as_view({"post": "sign_csr"})),
    path("certificates/<number:ref>", Certificates.as_view({"get": "retrieve"})),
    path("certificates/<number:ref>/private-key", Certificates.as_view({"get": "private_key"})),
    path("certificates/<number:ref>/renew", Certificates.as_view({"post": "renew"})),
    path("certificates/<number:ref>/revoke", Certificates.as_view({"post": "revoke"})),
    path("export/ca/<number:ref>/certificate", Exports.as_view({"get": "ca_certificate"})),
    path("export/ca/<number:ref>/private-key", Exports.as_view({"get": "ca_private_key"})),
    path("export/certificate/<number:ref>", Exports.as_view({"get": "certificate"})),
    path("export/certificate/<number:ref>/private-key", Exports.as_view({"get": "certificate_private_key"})),
    path("export/certificate/<number:ref>/chain", Exports.as_view({"get": "certificate_chain"})),
]

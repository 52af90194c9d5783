"""Certificates and keys as files."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request

from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.fastpki.pki import PkiViewSet
from cas.chains import chain_of
from cas.core.formats import to_pem
from cas.services.exporting import export_ca_key
from certificates.bundles import Download, Format, key_pem
from certificates.services.downloads import download_certificate
from certificates.services.keys import export_private_key
from kernel.permissions import Permission
from kernel.ref import Ref

_PEM: Final = "application/x-pem-file"
_FILE: Final = a_file(_PEM)


class Exports(PkiViewSet):
    """PEM files."""

    title = "Exports"
    permissions = {
        "ca_certificate": Permission.CAS_READ,
        "ca_private_key": Permission.CAS_EXPORT_KEY,
        "certificate": Permission.CERTIFICATES_DOWNLOAD,
        "certificate_private_key": Permission.CERTIFICATES_EXPORT_KEY,
        "certificate_chain": Permission.CERTIFICATES_DOWNLOAD,
    }
    downloads = frozenset(permissions)

    @operation("Export a CA's certificate", answers=_FILE)
    def ca_certificate(self, request: Request, ref: Ref) -> HttpResponse:
        certificate = chain_of(self.authority(ref)).certificates[0]
        return _pem_file(to_pem(certificate).encode(), f"ca_{ref}_certificate.pem")

    @operation("Export a CA's private key", answers=_FILE)
    def ca_private_key(self, request: Request, ref: Ref) -> HttpResponse:
        key = export_ca_key(actor=self.actor, ca=self.authority(ref))
        return _pem_file(key_pem(key), f"ca_{ref}_private_key.pem")

    @operation("Export a certificate", answers=_FILE)
    def certificate(self, request: Request, ref: Ref) -> HttpResponse:
        file = download_certificate(actor=self.actor, certificate=ref, fmt=Format.PEM)
        return _pem_file(file.content, f"certificate_{ref}.pem")

    @operation("Export a certificate's private key", answers=_FILE)
    def certificate_private_key(self, request: Request, ref: Ref) -> HttpResponse:
        """Where one is stored."""
        _row, key = export_private_key(actor=self.actor, certificate=ref)
        return _pem_file(key_pem(key), f"certificate_{ref}_private_key.pem")

    @operation("Export a certificate with its chain", answers=_FILE)
    def certificate_chain(self, request: Request, ref: Ref) -> HttpResponse:
        """The certificate, its CA, and so on to the root."""
        file = download_certificate(actor=self.actor, certificate=ref, fmt=Format.FULLCHAIN)
        return _pem_file(file.content, f"certificate_{ref}_chain.pem")


def _pem_file(content: bytes, filename: str) -> HttpResponse:
    return file_response(Download(content, _PEM, filename))

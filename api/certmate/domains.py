"""The files of a host: certificate, chain and key, for whoever installs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from api.certmate.dialect import CertMateViewSet
from api.certmate.inputs import BundleQuery
from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.common.outputs import Output, text
from certificates.bundles import Download, pem_files, zip_file
from certificates.services.downloads import download_for_host
from kernel.permissions import Permission

_IN_ARCHIVE = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")


class BundleOut(Output):
    """All files of a host, in PEM."""

    domain = text()
    cert_pem = text()
    chain_pem = text()
    fullchain_pem = text()
    private_key_pem = text()


class Domains(CertMateViewSet):
    """Certificates by the host name that they are for."""

    title = "Host bundles"
    permissions = {"download": Permission.CERTIFICATES_DOWNLOAD}
    downloads = frozenset({"download"})
    queries = {"download": BundleQuery}

    @operation(
        "Download the files of a host",
        answers=a_file("application/zip", "application/x-pem-file")
        | {(200, "application/json"): OpenApiResponse(BundleOut)},
    )
    def download(self, request: Request, domain: str) -> Any:
        """Of the newest valid certificate for exactly this name (`*.` is part of one) whose key is kept here. All that
        holds the key needs `certificates:export-key` too.
        """
        wanted = self.parameters.get("file")
        found = download_for_host(actor=self.actor, name=domain, with_key=wanted != "fullchain.pem")
        self.note_details(domain, found.row.common_name, found.row.usage)
        files = pem_files(found.row.body.x509, found.chain, found.private_key)
        if wanted is not None:
            return file_response(Download(files[wanted], "application/x-pem-file", wanted))
        if "format" in self.parameters:
            return self.show(BundleOut, _as_members(domain, files))
        return file_response(zip_file({name: files[name] for name in _IN_ARCHIVE}, name=domain))


def _as_members(domain: str, files: Mapping[str, bytes]) -> dict[str, str]:
    return {
        "domain": domain,
        "cert_pem": files["cert.pem"].decode(),
        "chain_pem": files["chain.pem"].decode(),
        "fullchain_pem": files["fullchain.pem"].decode(),
        "private_key_pem": files["privkey.pem"].decode(),
    }

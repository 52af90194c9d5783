"""Client certificates: create, list, show, hand out, revoke, renew, count."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.certmate.dialect import CertMateViewSet
from api.certmate.inputs import CreateIn, ListQuery, RenewIn, RevokeIn, filter_of
from api.certmate.outputs import (
    ClientCertificateOut,
    IssuedOut,
    ListOut,
    RevokedOut,
    StatsOut,
    line_out,
    list_bytes,
    shown,
)
from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.common.problems import Family
from api.common.throttles import CERTMATE_CREATE
from certificates import selectors
from certificates.bundles import Download, Format, key_pem
from certificates.client_authority import client_authority
from certificates.identified import CHUNK, count_usages, read_lines
from certificates.services.downloads import download_certificate, download_signing_request
from certificates.services.issuance import issue_at_once
from certificates.services.keys import export_private_key
from certificates.services.minting import Issued
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref

_SOON = timedelta(days=30)
_FILE = "application/octet-stream"


class ClientCertificates(CertMateViewSet):
    """Certificates for API clients and VPNs, by the organization's client CA."""

    title = "Client certificates"
    permissions = {
        "list": Permission.CERTIFICATES_READ,
        "create": Permission.CERTIFICATES_ISSUE,
        "stats": Permission.CERTIFICATES_READ,
        "retrieve": Permission.CERTIFICATES_READ,
        "certificate": Permission.CERTIFICATES_DOWNLOAD,
        "private_key": Permission.CERTIFICATES_EXPORT_KEY,
        "signing_request": Permission.CERTIFICATES_DOWNLOAD,
        "revoke": Permission.CERTIFICATES_REVOKE,
        "renew": Permission.CERTIFICATES_RENEW,
    }
    limits = {"create": CERTMATE_CREATE}
    downloads = frozenset({"certificate", "private_key", "signing_request"})
    queries = {"list": ListQuery}
    operations = {
        "retrieve": "read",
        "certificate": "download",
        "private_key": "download_key",
        "signing_request": "download_csr",
    }

    @operation("List client certificates", answers={200: ListOut})
    def list(self, request: Request) -> HttpResponseBase:
        """All of them, newest first, in one answer however many there are."""
        now = timezone.now()
        chunks = read_lines(filter_of(self.parameters), visible_to=self.actor)
        first = next(chunks)
        if len(first) < CHUNK:
            return Response({"certificates": [line_out(line, now) for line in first], "total": len(first)})
        # Whatever goes wrong with the first read is an answer of its own; from here on the answer has begun.
        return StreamingHttpResponse(list_bytes(chain([first], chunks), now), content_type="application/json")

    @operation(
        "Create a client certificate",
        body=CreateIn,
        answers={201: IssuedOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """With a key that is made here and kept, or for a CSR. Where an approval is asked for, that is a 403."""
        order = CreateIn.read(request.data, client_authority(visible_to=self.actor))
        return self._issued(issue_at_once(actor=self.actor, order=order))

    @operation("Count client certificates", answers={200: StatsOut})
    def stats(self, request: Request) -> Response:
        """By status and usage; those that end within 30 days are `expiring_soon`."""
        return self.show(StatsOut, count_usages(visible_to=self.actor, at=timezone.now(), soon=_SOON))

    @operation("Show a client certificate", answers={200: ClientCertificateOut})
    def retrieve(self, request: Request, identifier: str) -> Response:
        row = selectors.get_certificate(Ref("identifier", identifier), visible_to=self.actor)
        self.note_certificate(row)
        return self.show(ClientCertificateOut, shown(row))

    @operation("Download the certificate", answers=a_file(_FILE))
    def certificate(self, request: Request, identifier: str) -> HttpResponse:
        """In PEM."""
        ref = Ref("identifier", identifier)
        file = download_certificate(actor=self.actor, certificate=ref, fmt=Format.PEM)
        return file_response(Download(file.content, _FILE, f"{identifier}.crt"))

    @operation("Download the private key", answers=a_file(_FILE))
    def private_key(self, request: Request, identifier: str) -> HttpResponse:
        """In PEM, where it is kept; each time is an event of the audit log."""
        row, key = export_private_key(actor=self.actor, certificate=Ref("identifier", identifier))
        self.note_certificate(row)
        return file_response(Download(key_pem(key), _FILE, f"{identifier}.key"))

    @operation("Download the CSR", answers=a_file(_FILE))
    def signing_request(self, request: Request, identifier: str) -> HttpResponse:
        """In PEM, where the certificate was made for one."""
        kept = download_signing_request(actor=self.actor, certificate=Ref("identifier", identifier))
        return file_response(Download(kept.pem, _FILE, f"{identifier}.csr"))

    @operation("Revoke a client certificate", body=RevokeIn, answers={200: RevokedOut}, refusals=(Family.CONFLICT,))
    def revoke(self, request: Request, identifier: str) -> Response:
        """For good, for a reason in any words. The body may be absent."""
        row = revoke_certificate(actor=self.actor, order=RevokeIn.read(request.data, identifier))
        return self._shown(RevokedOut, row.pk)

    @operation(
        "Renew a client certificate",
        body=RenewIn,
        answers={201: IssuedOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def renew(self, request: Request, identifier: str) -> Response:
        """A successor with the same subject and names, as long as the old one was made for; that one goes on."""
        row = selectors.get_certificate(Ref("identifier", identifier), visible_to=self.actor)
        self.note_certificate(row)
        return self._issued(renew_at_once(actor=self.actor, order=RenewIn.read(request.data, row)))

    def _issued(self, issued: Issued) -> Response:
        return self._shown(IssuedOut, issued.certificate.pk, status=201)

    def _shown(self, shape: Any, pk: int, *, status: int = 200) -> Response:
        row = selectors.get_certificate(Ref("pk", pk), visible_to=self.actor)
        self.note_certificate(row)
        return self.show(shape, shown(row), status=status)

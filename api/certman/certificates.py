"""Certificates, in Certman's words."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from api.certman.dialect import CertmanViewSet
from api.certman.inputs import IssueIn, RenewIn, RevokeIn
from api.certman.outputs import CertificateAnswerOut, CertificatesOut, IssuedOut, RenewedOut, RevocationOut
from api.certman.queries import CertificateQuery, find_page
from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from certificates import selectors
from certificates.bundles import Format
from certificates.delivery import PLAIN, deliver
from certificates.services.downloads import download_certificate
from certificates.services.issuance import issue_at_once
from certificates.services.minting import Issued
from certificates.services.renewal import renew_at_once
from certificates.services.revoking import revoke_and_publish
from kernel.permissions import Permission
from kernel.ref import Ref

_SEES_CERTIFICATES = frozenset({Permission.CERTIFICATES_READ})
_WITH_CSR = {"required": ["csrPem"]}


class Certificates(CertmanViewSet):
    """Certificates of the CAs that the credential may read."""

    title = "Certificates"
    permissions = {
        "list": Permission.CERTIFICATES_READ,
        "create": Permission.CERTIFICATES_ISSUE,
        "retrieve": Permission.CERTIFICATES_READ,
        "download": Permission.CERTIFICATES_DOWNLOAD,
        "renew": Permission.CERTIFICATES_RENEW,
        "revoke": Permission.CERTIFICATES_REVOKE,
    }
    permissions_to_see = {
        "create": frozenset({Permission.CAS_READ}),
        "renew": _SEES_CERTIFICATES,
        "revoke": _SEES_CERTIFICATES,
    }
    limits = {"create": ISSUE, "renew": ISSUE}
    downloads = frozenset({"download"})
    queries = {"list": CertificateQuery}
    remembered_bodies = {"create": _WITH_CSR, "renew": _WITH_CSR}

    @property
    def may_take_key(self) -> bool:
        return self.action in ("create", "renew")

    @property
    def takes_key(self) -> bool:
        """A key that is made here is not kept for a second answer."""
        return self.may_take_key and "csrPem" in self.request.data

    @operation("List certificates", answers={200: CertificatesOut})
    def list(self, request: Request) -> Response:
        """A page of those that are looked for, newest first."""
        return self.show(CertificatesOut, find_page(self.actor, self.parameters))

    @operation(
        "Issue a certificate",
        body=IssueIn,
        answers={200: IssuedOut},
        refusals=(Family.NOT_FOUND, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """With a key that is made here (`managed`) and shown once, or for the key of a CSR (`csr`)."""
        order = IssueIn.read(request.data, visible_to=self.actor)
        return self.show(IssuedOut, _handover(issue_at_once(actor=self.actor, order=order)))

    @operation("Show a certificate", answers={200: CertificateAnswerOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        """As lists show it, and its PEM."""
        row = selectors.get_certificate(ref, visible_to=self.actor)
        return self.show(CertificateAnswerOut, {"certificate": row})

    @operation("Download a certificate", answers=a_file("application/x-pem-file"))
    def download(self, request: Request, ref: Ref) -> HttpResponse:
        """With those above it, as a PEM file."""
        return file_response(download_certificate(actor=self.actor, certificate=ref, fmt=Format.FULLCHAIN))

    @operation("Renew a certificate", body=RenewIn, answers={200: RenewedOut}, refusals=(Family.TOO_MANY,))
    def renew(self, request: Request, ref: Ref) -> Response:
        """A successor with the same subject and names; the old one goes on. With a new key of the same kind where the
        old one was made here, else for the key of a CSR.
        """
        issued = renew_at_once(actor=self.actor, order=RenewIn.read(request.data, ref))
        return self.show(RenewedOut, {"message": "Certificate renewed successfully"} | _handover(issued))

    @operation("Revoke a certificate", body=RevokeIn, answers={200: RevocationOut}, refusals=(Family.TOO_MANY,))
    def revoke(self, request: Request, ref: Ref) -> Response:
        """OCSP says so from the answer on, the CRL within a minute; with the passphrase of a CA that has one, at once.
        Without it, that CA's CRL waits for whoever brings it.
        """
        order, passphrase = RevokeIn.read(request.data, ref)
        row = revoke_and_publish(actor=self.actor, order=order, passphrase=passphrase)
        return self.show(RevocationOut, {"message": "Certificate revoked successfully", "certificate": row})

    def field_name(self, field: str) -> str:
        # These two are told of a body that was read.
        if field == "public_key":
            return "csrPem" if "csrPem" in self.request.data else "keyAlgorithm"
        if name := re.fullmatch(r"sans\[(\d+)\]", field):
            return _name_of_body(self.request.data, int(name[1]))
        return super().field_name(field)


def _name_of_body(body: Any, index: int) -> str:
    """Where the name with this place among all of them stands: the host names come first."""
    hosts, addresses = len(body.get("sanDns", ())), len(body.get("sanIp", ()))
    if index < hosts:
        return f"sanDns[{index}]"
    return f"sanIp[{index - hosts}]" if index < hosts + addresses else "csrPem"


def _handover(issued: Issued) -> dict[str, Any]:
    """The certificate, and the key where there is one to hand out."""
    row = issued.certificate
    key = deliver(issued.x509, issued.chain, issued.private_key, PLAIN, name=str(row)).private_key
    return {"certificate": row} | ({"privateKey": key.reveal().decode().rstrip("\n")} if key else {})

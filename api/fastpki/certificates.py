"""Certificates: issued, found, renewed, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.fastpki.pki import PkiViewSet
from api.fastpki.pki_inputs import (
    AUTHORITY,
    SLOTS,
    CertificateIn,
    CsrIn,
    IssuerQuery,
    ListQuery,
    RenewIn,
    RevokeIn,
    csr_order,
    issue_order,
    issuer_of,
    renew_order,
    revoke_order,
    subordinate_csr_order,
    subordinate_order,
)
from api.fastpki.pki_outputs import (
    CertificateDetailOut,
    CertificateOut,
    ShownAuthority,
    ShownCertificate,
    certificate_of_authority,
    certificate_shown,
)
from cas.models import CertificateAuthority
from cas.selectors import standing_template
from cas.services.foreign import sign_authority_request
from certificates import selectors
from certificates.services.issuance import issue_at_once
from certificates.services.keys import export_private_key
from certificates.services.minting import Issued
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from kernel.actor import ActorKind
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret


class Certificates(PkiViewSet):
    """Certificates of the types server, client and dual_purpose."""

    title = "Certificates"
    permissions = {
        "list": Permission.CERTIFICATES_READ,
        "create": Permission.CERTIFICATES_ISSUE,
        "sign_csr": Permission.CERTIFICATES_ISSUE,
        "retrieve": Permission.CERTIFICATES_READ,
        "private_key": Permission.CERTIFICATES_EXPORT_KEY,
        "renew": Permission.CERTIFICATES_RENEW,
        "revoke": Permission.CERTIFICATES_REVOKE,
    }
    limits = {"create": ISSUE, "sign_csr": ISSUE, "renew": ISSUE}
    queries = {"list": ListQuery, "create": IssuerQuery}

    @operation("List certificates", answers={200: CertificateOut(many=True)})
    def list(self, request: Request) -> Response:
        """The oldest first, a thousand at most; `skip` and `limit` read on."""
        rows = selectors.certificates(visible_to=self.actor).order_by("id")
        if "ca_id" in self.parameters:
            rows = rows.filter(ca_id=self.parameters["ca_id"])
        begin = self.parameters["skip"]
        page = selectors.with_history(rows)[begin : begin + self.parameters["limit"]]
        return self.show_all(CertificateOut, map(certificate_shown, page))

    @operation(
        "Issue a certificate",
        body=CertificateIn,
        answers={201: CertificateDetailOut},
        refusals=(Family.NOT_FOUND, Family.INVALID, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """With a key that is made here, stored and shown; or, of the type `ca`, a CA that issues certificates."""
        values = self.read(CertificateIn)
        ca = self.authority(Ref("pk", self.parameters["ca_id"]))
        if values["certificate_type"] == AUTHORITY:
            founded = self.founded(subordinate_order(values, parent=ca), with_key=values["include_private_key"])
            return self.show(CertificateDetailOut, self._authority(founded, values["common_name"]), status=201)
        order = issue_order(values, template=self._template(values, ca), ca=Ref("pk", ca.pk))
        return self._issued(issue_at_once(actor=self.actor, order=order))

    @operation(
        "Sign a certificate signing request",
        body=CsrIn,
        answers={201: CertificateOut},
        refusals=(Family.NOT_FOUND, Family.INVALID, Family.CONFLICT, Family.TOO_MANY),
    )
    def sign_csr(self, request: Request) -> Response:
        """Subject, names and key are those of the CSR, as far as the body does not say otherwise."""
        values = self.read(CsrIn)
        ca = self.authority(issuer_of(values))
        if values["certificate_type"] == AUTHORITY:
            order = subordinate_csr_order(values, parent=ca)
            signed = sign_authority_request(actor=self.actor, order=order)
            return self.show(CertificateOut, self._authority(self.shown(signed), order.name), status=201)
        issued = issue_at_once(
            actor=self.actor, order=csr_order(values, template=self._template(values, ca), ca=Ref("pk", ca.pk))
        )
        return self.show(CertificateOut, self._certificate(Ref("pk", issued.certificate.pk)), status=201)

    @operation("Show a certificate", answers={200: CertificateOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self.show(CertificateOut, self._certificate(ref))

    @operation("Show a certificate with its private key", answers={200: CertificateDetailOut})
    def private_key(self, request: Request, ref: Ref) -> Response:
        """Null where no key is stored."""
        shown = self._certificate(ref)
        try:
            _row, key = export_private_key(actor=self.actor, certificate=ref)
        except NotFound:
            key = None
        return self.show(CertificateDetailOut, replace(shown, private_key=key))

    @operation(
        "Renew a certificate",
        body=RenewIn,
        answers={201: CertificateDetailOut},
        refusals=(Family.INVALID, Family.CONFLICT, Family.TOO_MANY),
    )
    def renew(self, request: Request, ref: Ref) -> Response:
        """For as long again, with a new key; the old one goes on. One that came by CSR needs another CSR."""
        order = renew_order(self.read(RenewIn), ref)
        return self._issued(renew_at_once(actor=self.actor, order=order))

    @operation("Revoke a certificate", body=RevokeIn, answers={200: CertificateOut}, refusals=(Family.CONFLICT,))
    def revoke(self, request: Request, ref: Ref) -> Response:
        """For good. OCSP says so from the answer on, the CRL within a minute."""
        revoke_certificate(actor=self.actor, order=revoke_order(self.read(RevokeIn), ref))
        return self.show(CertificateOut, self._certificate(ref))

    def _template(self, values: Mapping[str, Any], ca: CertificateAuthority) -> str:
        """The code of what answers this type of certificate for the CA. Raises Denied."""
        slot = SLOTS[values["certificate_type"]]
        return standing_template(Ref("pk", ca.pk), slot, visible_to=self.actor).code

    def _certificate(self, ref: Ref, key: Secret | None = None) -> ShownCertificate:
        """Raises NotFound."""
        found = selectors.get_certificate(ref, visible_to=self.actor)
        row = selectors.with_history(selectors.certificates(visible_to=self.actor)).get(pk=found.pk)
        return replace(certificate_shown(row), private_key=key)

    def _issued(self, issued: Issued) -> Response:
        shown = self._certificate(Ref("pk", issued.certificate.pk), issued.private_key)
        return self.show(CertificateDetailOut, shown, status=201)

    def _authority(self, founded: ShownAuthority, common_name: str) -> ShownCertificate:
        machine = self.actor.id if self.actor.kind is ActorKind.SERVICE_ACCOUNT else None
        return certificate_of_authority(founded, common_name=common_name, service_account=machine)

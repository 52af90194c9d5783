"""Certificates: issue, find, hand out, revoke."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import INTEGER_IDS
from api.common.inputs import Query
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.certificate_inputs import CollectIn, DownloadQuery, IssueIn, LabelsIn, RenewIn, RevokeIn
from api.native.certificate_outputs import (
    CertificateDetailOut,
    CertificateFactsOut,
    CertificateOut,
    Handover,
    HandoverOut,
    IssuedOut,
    PrivateKeyOut,
)
from api.native.certificate_queries import FilterOffsetQuery, FilterQuery, SerialQuery, find_page
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from api.native.public_certificates import UNDER_WAY, asks_upstream, renewed_publicly, revoke_publicly
from api.native.pulls import ETAG, IF_NONE_MATCH, PULLED, known_digests, pulled_response
from api.native.request_outputs import REQUESTS, RequestItemOut
from cas.chains import chain_of
from certificates import selectors
from certificates.bundles import Format
from certificates.delivery import Delivery, deliver
from certificates.models import Certificate
from certificates.orders import SerialNumber
from certificates.search import find_by_serial
from certificates.services.editing import update_certificate
from certificates.services.issuance import issue_certificate
from certificates.services.keys import collect_private_key
from certificates.services.minting import Issued
from certificates.services.pulling import pull_certificate
from certificates.services.renewal import renew_certificate
from certificates.services.revocation import release_certificate, revoke_certificate
from certificates.services.submission import AwaitingApproval
from kernel.permissions import Permission
from kernel.ref import Ref


class Certificates(NativeViewSet):
    """The register: what was issued, and what may be done with it."""

    title = "Certificates"
    permissions = {
        "list": Permission.CERTIFICATES_READ,
        "create": Permission.CERTIFICATES_ISSUE,
        "retrieve": Permission.CERTIFICATES_READ,
        "partial_update": Permission.CERTIFICATES_ISSUE,
        "download": Permission.CERTIFICATES_DOWNLOAD,
        "renew": Permission.CERTIFICATES_RENEW,
        "revoke": Permission.CERTIFICATES_REVOKE,
        "release": Permission.CERTIFICATES_REVOKE,
        "private_key": Permission.CERTIFICATES_READ,
    }
    limits = {"create": ISSUE, "renew": ISSUE}
    downloads = frozenset({"download"})
    queries = {"download": DownloadQuery}
    remembered_bodies = {"revoke": {"properties": {"upstream": {"const": False}}}}
    field_names = {"public_key": "csr", "invalidity": "invalidity_date"}

    @property
    def may_take_key(self) -> bool:
        return super().takes_key

    @property
    def takes_key(self) -> bool:
        """Not while a public CA is asked: that is no work for the inside of a transaction."""
        return self.may_take_key and not (self.action == "revoke" and asks_upstream(self.request.data))

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        if action == "list":
            return FilterOffsetQuery if version == INTEGER_IDS else FilterQuery
        return super().query_of(action, version)

    @operation("List certificates", answers={200: listing(CertificateOut)}, refusals=(Family.CONFLICT,))
    def list(self, request: Request) -> Response:
        """Those that are looked for, in pages. A serial number is read in every notation; where it could be two
        certificates, that is a conflict.
        """
        exactly = self.version == INTEGER_IDS
        return self.listed(CertificateOut, find_page(self.actor, self.parameters, exactly=exactly))

    @operation(
        "Issue a certificate",
        body=IssueIn,
        answers={201: IssuedOut, 202: RequestItemOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """From a template, with a key that is made here and handed out once, or for the key of a CSR.

        Where template, role or CA ask for an approval, a request is filed instead, and stands at `Location`.
        """
        order, organization = IssueIn.read(request.data, version=self.version)
        actor = acting_in(self.actor, organization)
        return self._issued(issue_certificate(actor=actor, order=order), order.delivery)

    @operation("Show a certificate", answers={200: CertificateDetailOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._detail(ref)

    @operation(
        "Change tags, description and owner",
        body=LabelsIn,
        answers={200: CertificateDetailOut},
        refusals=(Family.CONFLICT,),
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        values = LabelsIn.values(request.data, version=self.version)
        update_certificate(actor=self.actor, certificate=ref, **values)
        return self._detail(ref)

    @operation("Download a certificate", answers=PULLED, reads=[IF_NONE_MATCH], sends=ETAG)
    def download(self, request: Request, ref: Ref) -> HttpResponse:
        """As a file, without any private key; 304 where `If-None-Match` says that it is known."""
        fmt, known = Format.read(self.parameters["fmt"]), known_digests(request)
        return pulled_response(pull_certificate(actor=self.actor, certificate=ref, fmt=fmt, known=known))

    @operation(
        "Renew a certificate",
        body=RenewIn,
        answers={201: IssuedOut, 202: UNDER_WAY},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def renew(self, request: Request, ref: Ref) -> Response:
        """A successor with the same subject and names, under the template as it is now; the old one goes on.

        Where it needs an approval that it does not inherit, a request is filed instead, and stands at `Location`. What
        came from a public CA is ordered there again, without a body; then the order stands there.
        """
        order = RenewIn.read(request.data, ref, version=self.version)
        if selectors.get_certificate(ref, visible_to=self.actor).source == Certificate.Source.ACME:
            return renewed_publicly(self.actor, ref, request.data)
        return self._issued(renew_certificate(actor=self.actor, order=order), order.delivery)

    @operation("Revoke a certificate", body=RevokeIn, answers={200: CertificateDetailOut}, refusals=(Family.CONFLICT,))
    def revoke(self, request: Request, ref: Ref) -> Response:
        """For good, or on hold. OCSP says so from the answer on, the CRL within a minute. The body may be absent.

        With `upstream`, at the public CA first: where that refuses, or is out of reach, nothing is revoked.
        """
        order, is_upstream = RevokeIn.read(request.data, ref, version=self.version)
        if is_upstream:
            revoke_publicly(self.actor, order)
        else:
            revoke_certificate(actor=self.actor, order=order)
        return self._detail(ref)

    @operation("Release a certificate from hold", answers={200: CertificateDetailOut}, refusals=(Family.CONFLICT,))
    def release(self, request: Request, ref: Ref) -> Response:
        """It is good again, and the next CRL leaves it out."""
        release_certificate(actor=self.actor, certificate=ref)
        return self._detail(ref)

    @operation("Collect the private key", body=CollectIn, answers={200: PrivateKeyOut}, refusals=(Family.GONE,))
    def private_key(self, request: Request, ref: Ref) -> Response:
        """Once, where it waits for its requester. Where the role keeps keys: with `certificates:export-key`, again."""
        delivery = CollectIn.read(request.data, version=self.version)
        row, key = collect_private_key(actor=self.actor, certificate=ref, delivery=delivery)
        chain = chain_of(row.ca).certificates if row.ca else ()
        return Response(self.show(PrivateKeyOut, deliver(row.body.x509, chain, key, delivery, name=str(row))))

    def _detail(self, ref: Ref) -> Response:
        return Response(self.show(CertificateDetailOut, selectors.get_certificate(ref, visible_to=self.actor)))

    def _issued(self, outcome: Issued | AwaitingApproval, delivery: Delivery) -> Response:
        """201 with the certificate; 202 with the request, where nothing was signed."""
        if isinstance(outcome, AwaitingApproval):
            headers = {"Location": f"{REQUESTS}/{outcome.request.public_id}"}
            return Response(self.show(RequestItemOut, outcome.request), status=202, headers=headers)
        row = outcome.certificate
        delivered = deliver(outcome.x509, outcome.chain, outcome.private_key, delivery, name=str(row))
        body = self.show(CertificateFactsOut, row) | self.show(HandoverOut, Handover(outcome.chain, delivered))
        return self.created(body, among=f"/api/{self.version}/certificates")


class CertificatesBySerial(NativeViewSet):
    """A certificate by its serial number: hexadecimal or decimal, with colons, with 0x."""

    title = "Certificates by serial number"
    permissions = {"retrieve": Permission.CERTIFICATES_READ}
    queries = {"retrieve": SerialQuery}

    @operation("Show a certificate", answers={200: CertificateDetailOut}, refusals=(Family.CONFLICT,))
    def retrieve(self, request: Request, serial: SerialNumber) -> Response:
        """Where digits can be read as two numbers and both exist, or two issuers have used the number, it is a conflict
        and never a guess: `0x` or `ca` say which one is meant.
        """
        found = find_by_serial(serial, visible_to=self.actor, ca=self.parameters.get("ca"))
        row = selectors.get_certificate(Ref("pk", found.pk), visible_to=self.actor)
        return Response(self.show(CertificateDetailOut, row))

"""Certificates: found, shown, labelled, renewed, imported, judged, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from acme_client.services.revoking import revoke_public_certificate
from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.common.paging import make_cursor, read_start
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.inputs import CertificateQuery, ImportIn, LabelsIn, RenewIn, RevokeIn, ValidateIn
from api.scaivault.outputs import (
    CertificateDetailOut,
    CertificateOut,
    Handed,
    IssuedWithKeyOut,
    PrivateKeyOut,
    VerdictOut,
    listing,
)
from certificates.bundles import Format
from certificates.delivery import PLAIN, deliver
from certificates.import_selectors import chain_above
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.search import Position, find_by_serial, search_certificates
from certificates.selectors import get_certificate
from certificates.services.downloads import download_certificate
from certificates.services.editing import update_certificate
from certificates.services.imports import import_certificate
from certificates.services.keys import export_private_key
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from certificates.services.validation import validate_certificate
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_LIST: Final = "scaivault.certificates"


class Certificates(ScaiVaultViewSet):
    """The register: what was issued here, and what came from elsewhere."""

    title = "Certificates"
    permissions = {
        "list": Permission.CERTIFICATES_READ,
        "retrieve": Permission.CERTIFICATES_READ,
        "pem": Permission.CERTIFICATES_DOWNLOAD,
        "partial_update": Permission.CERTIFICATES_ISSUE,
        "renew": Permission.CERTIFICATES_RENEW,
        "private_key": Permission.CERTIFICATES_ISSUE,
        "import_one": Permission.CAS_WRITE,
        "validate": Permission.CERTIFICATES_READ,
        "revoke": Permission.CERTIFICATES_REVOKE,
    }
    limits = {"renew": ISSUE}
    downloads = frozenset({"pem"})
    queries = {"list": CertificateQuery}

    @operation("List certificates", answers={200: listing(CertificateOut)})
    def list(self, request: Request) -> Response:
        """Newest first; revoked ones only where they are asked for."""
        found = search_certificates(
            CertificateQuery.filter(self.parameters, at=timezone.now()),
            visible_to=self.actor,
            after=_position(self.parameters),
            limit=self.parameters["limit"],
        )
        cursor = make_cursor(found.next.pk, name=_LIST) if found.next else None
        return self.listed(CertificateOut, found.rows, cursor)

    @operation("Show a certificate", answers={200: CertificateDetailOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._detail(ref)

    @operation("Download a certificate", answers=a_file("application/x-pem-file"))
    def pem(self, request: Request, ref: Ref) -> HttpResponse:
        """Without its chain, and without any key."""
        return file_response(download_certificate(actor=self.actor, certificate=ref, fmt=Format.PEM))

    @operation("Change tags and description", body=LabelsIn, answers={200: CertificateDetailOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays."""
        update_certificate(actor=self.actor, certificate=ref, **LabelsIn.values(request.data, version=self.version))
        return self._detail(ref)

    @operation(
        "Renew a certificate",
        body=RenewIn,
        answers={201: IssuedWithKeyOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def renew(self, request: Request, ref: Ref) -> Response:
        """A successor with the same subject and names. The body may be absent; the old one goes on until it ends."""
        issued = renew_at_once(actor=self.actor, order=RenewIn.read(request.data, ref))
        delivered = deliver(issued.x509, issued.chain, issued.private_key, PLAIN, name=str(issued.certificate))
        return self.show(IssuedWithKeyOut, Handed(issued, delivered.private_key), status=201)

    @operation("Get a stored private key", answers={200: PrivateKeyOut})
    def private_key(self, request: Request, ref: Ref) -> Response:
        """Where the role keeps keys. Besides the scope it takes the permission `certificates:export-key`."""
        row, key = export_private_key(actor=self.actor, certificate=ref)
        delivered = deliver(row.body.x509, chain_above(row), key, PLAIN, name=str(row))
        return self.show(PrivateKeyOut, delivered.private_key)

    @operation(
        "Import a certificate",
        body=ImportIn,
        answers={201: CertificateDetailOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT),
    )
    def import_one(self, request: Request) -> Response:
        """One that was issued elsewhere, or by a CA before it came here."""
        row = import_certificate(actor=self.actor, order=ImportIn.read(request.data, home=self.home))
        return self._detail(Ref("pk", row.pk), status=201)

    @operation("Judge a certificate", body=ValidateIn, answers={200: VerdictOut})
    def validate(self, request: Request) -> Response:
        """By RFC 5280, against the organization's CAs and trust anchors, and by what is known of revocations here."""
        return self.show(
            VerdictOut, validate_certificate(actor=self.actor, order=ValidateIn.read(request.data, home=self.home))
        )

    @operation(
        "Revoke a certificate",
        body=RevokeIn,
        answers={200: CertificateDetailOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT),
    )
    def revoke(self, request: Request) -> Response:
        """By its serial number, in every notation; where that could be two certificates, it is a conflict.

        With `use_acme`, at the public CA first: where that refuses, or is out of reach, nothing is revoked.
        """
        wish = RevokeIn.read(request.data)
        row = find_by_serial(wish.serial, visible_to=self.actor)
        ref = Ref("pk", row.pk)
        if not wish.use_acme:
            revoke_certificate(actor=self.actor, order=RevokeOrder(certificate=ref, reason=wish.reason))
        elif row.source == Certificate.Source.ACME:
            revoke_public_certificate(actor=self.actor, certificate=ref, reason=wish.reason)
        else:
            text = _("This certificate did not come over ACME; its own CA revokes it.")
            raise Invalid.of("use_acme", "unsupported", text)
        return self._detail(ref)

    def _detail(self, ref: Ref, *, status: int = 200) -> Response:
        return self.show(CertificateDetailOut, get_certificate(ref, visible_to=self.actor), status=status)


def _position(parameters: Mapping[str, Any]) -> Position | None:
    start = read_start(parameters, name=_LIST)
    return None if start is None else Position(start, start)

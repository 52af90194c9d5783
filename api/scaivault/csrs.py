"""CSRs: made or brought, approved or rejected by others, and signed against a CA."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.scaivault.csr_inputs import STATUSES, CsrImportIn, CsrIn, CsrQuery, RejectIn, SignCsrIn
from api.scaivault.csr_outputs import CsrOut
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.outputs import IssuedOut, listing
from certificates.models import Request as RequestRow
from certificates.request_selectors import csrs, get_csr
from certificates.services.csrs import sign_csr, submit_csr
from certificates.services.requests import approve_request, cancel_request, reject_request
from kernel.permissions import Permission
from kernel.ref import Ref

_ASKERS: Final = frozenset({Permission.CERTIFICATES_ISSUE})


class Csrs(ScaiVaultViewSet):
    """CSRs that others have to approve before a CA signs them: pending, then approved or rejected, then signed."""

    title = "CSRs"
    permissions = {
        "list": Permission.REQUESTS_READ,
        "create": Permission.CERTIFICATES_ISSUE,
        "import_one": Permission.CERTIFICATES_ISSUE,
        "retrieve": Permission.REQUESTS_READ,
        "approve": Permission.REQUESTS_DECIDE,
        "reject": Permission.REQUESTS_DECIDE,
        "sign": Permission.CAS_WRITE,
        "destroy": Permission.CERTIFICATES_ISSUE,
    }
    permissions_for_own = dict.fromkeys(("list", "retrieve"), _ASKERS)
    limits = dict.fromkeys(("create", "sign"), ISSUE)
    queries = {"list": CsrQuery}
    field_names = {"validity": "validity_days", "subject.common_name": "subject.common_name"}

    @operation("List CSRs", answers={200: listing(CsrOut)})
    def list(self, request: Request) -> Response:
        """All of the organization with `requests:read`, else one's own."""
        rows = csrs(visible_to=self.actor)
        if "status" in self.parameters:
            rows = rows.filter(status__in=STATUSES[self.parameters["status"]])
        return self.page(CsrOut, rows)

    @operation("Make a CSR", body=CsrIn, answers={201: CsrOut}, refusals=(Family.TOO_MANY,))
    def create(self, request: Request) -> Response:
        """Its key is made here and stays here, sealed."""
        return self._submitted(submit_csr(actor=self.actor, order=CsrIn.read(request.data, home=self.home)))

    @operation("Import a CSR", body=CsrImportIn, answers={201: CsrOut})
    def import_one(self, request: Request) -> Response:
        """One that was made elsewhere, with a key that is elsewhere."""
        return self._submitted(submit_csr(actor=self.actor, order=CsrImportIn.read(request.data, home=self.home)))

    @operation("Show a CSR", answers={200: CsrOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._shown(ref)

    @operation("Approve a CSR", answers={200: CsrOut}, refusals=(Family.CONFLICT,))
    def approve(self, request: Request, ref: Ref) -> Response:
        """Subject, names and key as they are shown. Never by who asked, whichever credential they use."""
        row = self._csr(ref)
        approve_request(actor=self.actor, request=Ref("pk", row.pk), digest=row.digest)
        return self._shown(ref)

    @operation("Reject a CSR", body=RejectIn, answers={200: CsrOut}, refusals=(Family.CONFLICT,))
    def reject(self, request: Request, ref: Ref) -> Response:
        """A key that was made for it is destroyed."""
        row = self._csr(ref)
        reject_request(
            actor=self.actor, request=Ref("pk", row.pk), reason=RejectIn.read(request.data), digest=row.digest
        )
        return self._shown(ref)

    @operation(
        "Sign an approved CSR",
        body=SignCsrIn,
        answers={201: IssuedOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def sign(self, request: Request, ref: Ref) -> Response:
        """Against a CA, for as long as its template for this lets it. A key that was made here stays here."""
        row = self._csr(ref)
        order = SignCsrIn.read(request.data, Ref("pk", row.pk), visible_to=self.actor)
        return self.show(IssuedOut, sign_csr(actor=self.actor, order=order), status=201)

    @operation("Delete a CSR", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """By who asked, until it is signed or rejected: then it is a record, and stays."""
        cancel_request(actor=self.actor, request=Ref("pk", self._csr(ref).pk))
        return Response(status=204)

    def _csr(self, ref: Ref) -> RequestRow:
        return get_csr(ref, visible_to=self.actor)

    def _submitted(self, row: RequestRow) -> Response:
        return self.show(CsrOut, self._csr(Ref("pk", row.pk)), status=201)

    def _shown(self, ref: Ref) -> Response:
        return self.show(CsrOut, self._csr(ref))

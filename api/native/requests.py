"""What waits for approvers: found, judged, decided, fulfilled."""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.common.inputs import Query
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.certificate_inputs import CollectIn
from api.native.certificate_outputs import Handover, HandoverOut, PrivateKeyOut
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from api.native.request_inputs import ApproveIn, FulfilIn, RejectIn, RequestQuery
from api.native.request_outputs import (
    FindingsOut,
    FulfilledOut,
    RequestCountsOut,
    RequestDetailOut,
    RequestFactsOut,
    RequestItemOut,
)
from cas.chains import chain_of
from certificates.delivery import PLAIN, Delivered, Delivery, deliver
from certificates.models import Request as RequestRow
from certificates.request_selectors import count_requests, get_request, matching
from certificates.services.fulfilment import fulfil_request
from certificates.services.keys import collect_requested_key, fulfil_and_collect
from certificates.services.requests import approve_request, cancel_request, reject_request
from certificates.services.review import findings_about
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret

_ASKERS: Final = frozenset({Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW})


class Requests(NativeViewSet):
    """Certificates that are made only after others have agreed: who asks is never who approves."""

    title = "Requests"
    permissions = {
        "list": Permission.REQUESTS_READ,
        "counts": Permission.REQUESTS_READ,
        "retrieve": Permission.REQUESTS_READ,
        "approve": Permission.REQUESTS_DECIDE,
        "reject": Permission.REQUESTS_DECIDE,
        "cancel": Permission.CERTIFICATES_ISSUE,
        "fulfil": Permission.REQUESTS_DECIDE,
        "private_key": Permission.CERTIFICATES_ISSUE,
    }
    limits = {"fulfil": ISSUE}
    permissions_for_own = dict.fromkeys(("list", "counts", "retrieve", "cancel", "fulfil", "private_key"), _ASKERS)

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        return RequestQuery if action == "list" else super().query_of(action, version)

    @operation("List requests", answers={200: listing(RequestItemOut)})
    def list(self, request: Request) -> Response:
        """All of the organization with `requests:read`, else one's own."""
        wanted = RequestQuery.wanted(self.parameters)
        rows = matching(wanted, visible_to=self.actor, at=timezone.now())
        return self.page(RequestItemOut, rows.prefetch_related("decisions"))

    @operation("Count open requests", answers={200: RequestCountsOut})
    def counts(self, request: Request) -> Response:
        """What waits, and for whom."""
        return Response(self.show(RequestCountsOut, count_requests(visible_to=self.actor, at=timezone.now())))

    @operation("Show a request", answers={200: RequestDetailOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        """With exactly what would be signed, what the policy of now has against it, and who has said what."""
        return self._detail(ref)

    @operation("Approve a request", body=ApproveIn, answers={200: RequestDetailOut}, refusals=(Family.CONFLICT,))
    def approve(self, request: Request, ref: Ref) -> Response:
        """Say yes to exactly what has this digest. Never by who asked, whichever credential they use."""
        approve_request(actor=self.actor, request=ref, **ApproveIn.values(request.data, version=self.version))
        return self._detail(ref)

    @operation("Reject a request", body=RejectIn, answers={200: RequestDetailOut}, refusals=(Family.CONFLICT,))
    def reject(self, request: Request, ref: Ref) -> Response:
        """One no is enough."""
        reject_request(actor=self.actor, request=ref, **RejectIn.values(request.data, version=self.version))
        return self._detail(ref)

    @operation("Cancel a request", answers={200: RequestDetailOut}, refusals=(Family.CONFLICT,))
    def cancel(self, request: Request, ref: Ref) -> Response:
        """By who asked, as long as it is not fulfilled."""
        cancel_request(actor=self.actor, request=ref)
        return self._detail(ref)

    @operation(
        "Fulfil a request",
        body=FulfilIn,
        answers={200: FulfilledOut},
        refusals=(Family.CONFLICT, Family.GONE, Family.TOO_MANY),
    )
    def fulfil(self, request: Request, ref: Ref) -> Response:
        """Issue what was approved, now: a worker does it within seconds, unless the CA has a passphrase.

        Done again, it makes no second certificate. Where it cannot be issued any more, `status` is `failed` and
        `last_error` says why.
        """
        wish, key = FulfilIn.read(request.data, version=self.version), None
        if wish.delivery is None:
            row = fulfil_request(actor=self.actor, request=ref, passphrase=wish.passphrase)
        else:
            row, key = fulfil_and_collect(
                actor=self.actor, request=ref, passphrase=wish.passphrase, delivery=wish.delivery
            )
        handover = _handover(row, key, wish.delivery or PLAIN)
        return Response(self._shown(row) | self.show(HandoverOut, handover))

    @operation(
        "Collect the private key of a request",
        body=CollectIn,
        answers={200: PrivateKeyOut},
        refusals=(Family.CONFLICT, Family.GONE),
    )
    def private_key(self, request: Request, ref: Ref) -> Response:
        """The key that was made for it: once, for who asked."""
        delivery = CollectIn.read(request.data, version=self.version)
        row, key = collect_requested_key(actor=self.actor, request=ref, delivery=delivery)
        chain = chain_of(row.ca).certificates if row.ca else ()
        return Response(self.show(PrivateKeyOut, deliver(row.body.x509, chain, key, delivery, name=str(row))))

    def _detail(self, ref: Ref) -> Response:
        return Response(self._shown(get_request(ref, visible_to=self.actor)))

    def _shown(self, row: RequestRow) -> dict[str, object]:
        facts: dict[str, object] = self.show(RequestFactsOut, row)
        return facts | self.show(FindingsOut, findings_about(row))


def _handover(row: RequestRow, key: Secret | None, delivery: Delivery) -> Handover:
    certificate = row.certificate
    if certificate is None or certificate.ca is None:
        return Handover((), Delivered(None, None))
    chain = chain_of(certificate.ca).certificates
    return Handover(chain, deliver(certificate.body.x509, chain, key, delivery, name=str(certificate)))

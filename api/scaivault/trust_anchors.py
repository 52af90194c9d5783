"""Trust anchors, in ScaiVault's words."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.common.problems import Family
from api.scaivault.authority_inputs import TrustAnchorIn
from api.scaivault.authority_outputs import TrustAnchorOut
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.outputs import listing
from cas import selectors
from cas.services.anchors import add_trust_anchors, retire_trust_anchor
from kernel.permissions import Permission
from kernel.ref import Ref


class TrustAnchors(ScaiVaultViewSet):
    """CAs elsewhere whose certificates are trusted."""

    title = "Trust anchors"
    permissions = {
        "list": Permission.CAS_READ,
        "create": Permission.CAS_WRITE,
        "retrieve": Permission.CAS_READ,
        "destroy": Permission.CAS_WRITE,
    }

    @operation("List trust anchors", answers={200: listing(TrustAnchorOut)})
    def list(self, request: Request) -> Response:
        return self.page(TrustAnchorOut, selectors.trust_anchors(visible_to=self.actor))

    @operation("Add a trust anchor", body=TrustAnchorIn, answers={201: TrustAnchorOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """The certificate of one CA; an expired one is not trusted."""
        (row,) = add_trust_anchors(actor=self.actor, order=TrustAnchorIn.read(request.data, home=self.home))
        return self.show(TrustAnchorOut, row, status=201)

    @operation("Show a trust anchor", answers={200: TrustAnchorOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self.show(TrustAnchorOut, selectors.get_trust_anchor(ref, visible_to=self.actor))

    @operation("Trust an anchor no more", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It can be added again later."""
        retire_trust_anchor(actor=self.actor, anchor=selectors.get_trust_anchor(ref, visible_to=self.actor))
        return Response(status=204)

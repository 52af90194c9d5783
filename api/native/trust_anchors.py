"""Trust anchors: the CAs elsewhere that an organization believes."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import Id, Made, Serial, Text, required
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, identity, moment, one_of, text
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING, listing
from cas import selectors
from cas.core.formats import LONGEST, to_pem
from cas.core.keys import KeyAlgorithm
from cas.orders import TrustAnchorOrder
from cas.services.anchors import add_trust_anchors, retire_trust_anchor
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref


class TrustAnchorsIn(Input):
    """Certificates of CAs that shall be trusted."""

    example = {"name": "Partner Root CA", "certificates": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"}

    organization_id = Id(required=False)
    name = Text(
        required=False, max_length=120, help_text="For one certificate; else they are called by their subjects."
    )
    certificates = Text(max_length=LONGEST, help_text="PEM, at most 32 at once: all of them are added, or none.")

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> TrustAnchorOrder:
        """The order, in the organization that the body names, else in `home`. Raises Invalid."""
        values = cls.values(data, version=version)
        organization = values.get("organization_id", home)
        if organization is None:
            raise Invalid(errors=[required("organization_id")])
        certificates = values["certificates"].encode()
        return TrustAnchorOrder(organization=organization, certificates=certificates, name=values.get("name", ""))


class TrustAnchorOut(Output):
    """A CA elsewhere that chains may end in."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    subject = text(help_text="As RFC 4514 text, most specific first.")
    issuer = text(source="issuer_name")
    serial = Serial(read_only=True)
    key_algorithm = one_of(KeyAlgorithm)
    fingerprint = text(help_text="SHA-256 of the DER bytes, in hex.")
    not_before = moment()
    not_after = moment()
    pem = Made(lambda row: to_pem(row.certificate), STRING)
    created_at = moment()


class TrustAnchorsOut(Output):
    """Those that were added now."""

    data = TrustAnchorOut(many=True, read_only=True)  # type: ignore[assignment]


class TrustAnchors(NativeViewSet):
    """CAs elsewhere whose certificates this organization trusts. Its own CAs need not stand here."""

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

    @operation("Add trust anchors", body=TrustAnchorsIn, answers={201: TrustAnchorsOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """One or several. An intermediate CA may be an anchor as well as a root; an expired certificate may not."""
        order = TrustAnchorsIn.read(request.data, version=self.version, home=self.home)
        rows = add_trust_anchors(actor=acting_in(self.actor, order.organization), order=order)
        return Response(self.show(TrustAnchorsOut, {"data": rows}), status=201)

    @operation("Show a trust anchor", answers={200: TrustAnchorOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(TrustAnchorOut, selectors.get_trust_anchor(ref, visible_to=self.actor)))

    @operation("Trust an anchor no more", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It can be added again later."""
        retire_trust_anchor(actor=self.actor, anchor=selectors.get_trust_anchor(ref, visible_to=self.actor))
        return Response(status=204)

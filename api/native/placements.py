"""Where certificates are used, and whether they are what is seen there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.fields import Text, Whole
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, one_of, text, whole
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from certificates.models import Placement
from certificates.placement_selectors import get_placement, placements_of
from certificates.selectors import get_certificate
from certificates.services.placements import add_placement, check_placement, remove_placement
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE


class PlacementIn(Input):
    """A server that speaks TLS."""

    example = {"host": "www.example.com", "port": 443}

    host = Text(max_length=253, help_text="A name or an address.")
    port = Whole(default=443, min_value=1, max_value=65_535)


class PlacementOut(Output):
    """A server, and what was seen there last."""

    id = identity()
    certificate_id = identity(source="certificate", help_text="Where the line began that is meant.")
    host = text()
    port = whole()
    status = one_of(Placement.Outcome.values, source="outcome")
    served_fingerprint = text(help_text="SHA-256 of what was seen, in hex; empty where nothing was.")
    is_chain_complete = flag(allow_null=True, help_text="Whether what came with it leads to the root.")
    checked_at = moment(allow_null=True)
    wrong_since = moment(allow_null=True, help_text="Since when the newest of the line has not been seen there.")
    last_error = text()
    created_at = moment()


class CertificatePlacements(NativeViewSet):
    """Where a certificate, and what it renews, is used."""

    title = "Places of use"
    permissions = {"list": _READ, "create": _WRITE}

    @operation("List places of use", answers={200: listing(PlacementOut)})
    def list(self, request: Request, ref: Ref) -> Response:
        row = get_certificate(ref, visible_to=self.actor)
        return self.page(PlacementOut, placements_of(row, visible_to=self.actor).order_by("-id"))

    @operation("Add a place of use", body=PlacementIn, answers={201: PlacementOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request, ref: Ref) -> Response:
        """It is looked at every few hours, for this certificate and whatever renews it."""
        values = PlacementIn.values(request.data, version=self.version)
        row = add_placement(actor=self.actor, certificate=ref, **values)
        return self.created(self.show(PlacementOut, row), among="/api/v2/placements")


class Placements(NativeViewSet):
    """One place of use."""

    title = "Places of use, one by one"
    permissions = {"retrieve": _READ, "destroy": _WRITE, "check": _WRITE}
    limits = {"check": ISSUE}
    repeatable = frozenset({"check"})

    @operation("Show a place of use", answers={200: PlacementOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(PlacementOut, get_placement(ref, visible_to=self.actor)))

    @operation("Remove a place of use", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        remove_placement(actor=self.actor, placement=ref)
        return Response(status=204)

    @operation("Look at a place of use", answers={200: PlacementOut}, refusals=(Family.CONFLICT, Family.TOO_MANY))
    def check(self, request: Request, ref: Ref) -> Response:
        """Now. It takes some seconds where nobody answers."""
        return Response(self.show(PlacementOut, check_placement(actor=self.actor, placement=ref)))


PLACEMENT_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, Any]], ...]] = (
    ("certificates/<public_id:ref>/placements", CertificatePlacements, {"get": "list", "post": "create"}),
    ("placements/<public_id:ref>", Placements, {"get": "retrieve", "delete": "destroy"}),
    ("placements/<public_id:ref>/check", Placements, {"post": "check"}),
)

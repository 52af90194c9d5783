"""Public names: which domains and addresses an organization may order public certificates for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from acme_client import name_selectors as selectors
from acme_client.models import PublicName
from acme_client.public_names import txt_record
from acme_client.services.names import claim_name, give_up_name, prove_name
from api.common.fields import Id, Made, Text
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, identity, moment, text
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING, listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.ACME_READ, Permission.ACME_WRITE
_LONGEST_NAME: Final = 260
_PROOFS: Final = [*PublicName.Proof.values, None]


class PublicNameIn(Input):
    """A name that the organization says is its own."""

    example = {"name": "example.com"}

    organization_id = Id(required=False)
    name = Text(max_length=_LONGEST_NAME, help_text="A domain, which stands for all below it, or an address.")


class PublicNameOut(Output):
    """A name, and how it is proven: nothing is ordered for it before."""

    id = identity()
    organization_id = identity(source="organization")
    name = text(source="suffix")
    record_name = Made(lambda row: txt_record(row)[0], STRING | {"description": "Where the TXT record belongs."})
    record_value = Made(lambda row: txt_record(row)[1], STRING | {"description": "What it says."})
    proven_by = Made(
        lambda row: row.proven_by or None,
        {"type": ["string", "null"], "enum": _PROOFS, "description": "Null until it is proven."},
    )
    proven_at = moment(allow_null=True)
    checked_at = moment(allow_null=True, help_text="When the record was looked for last.")
    last_error = text(help_text="Why it was not found then.")
    created_at = moment()


class PublicNames(NativeViewSet):
    """Domains and addresses that an organization has shown to be its own. No two organizations have the same."""

    title = "Public names"
    permissions = {"list": _READ, "create": _WRITE, "retrieve": _READ, "prove": _WRITE, "destroy": _WRITE}
    limits = {"prove": ISSUE}
    # The record is looked for on the network, and to look twice does no harm.
    repeatable = frozenset({"prove"})
    field_names = {"suffix": "name"}

    @operation("List public names", answers={200: listing(PublicNameOut)})
    def list(self, request: Request) -> Response:
        return self.page(PublicNameOut, selectors.visible_names(visible_to=self.actor))

    @operation("Claim a public name", body=PublicNameIn, answers={201: PublicNameOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """Publish the TXT record that the answer tells of, then have it proven."""
        values = PublicNameIn.values(request.data, version=self.version)
        organization = Ref("pk", self.organization_of(values).pk)
        row = claim_name(actor=self.actor, organization=organization, suffix=values["name"])
        return self.created(self._shown(Ref("pk", row.pk)))

    @operation("Show a public name", answers={200: PublicNameOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation("Prove a public name", answers={200: PublicNameOut}, refusals=(Family.CONFLICT, Family.TOO_MANY))
    def prove(self, request: Request, ref: Ref) -> Response:
        """The TXT record is looked for where the name is answered for. `last_error` says why it is not seen."""
        prove_name(actor=self.actor, name=ref)
        return Response(self._shown(ref))

    @operation("Give up a public name", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Nothing is ordered for it any more; another organization may prove it. What was issued stays."""
        give_up_name(actor=self.actor, name=ref)
        return Response(status=204)

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(PublicNameOut, selectors.get_name(ref, visible_to=self.actor))
        return shown


PUBLIC_NAME_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("public-names", PublicNames, {"get": "list", "post": "create"}),
    ("public-names/<public_id:ref>", PublicNames, {"get": "retrieve", "delete": "destroy"}),
    ("public-names/<public_id:ref>/prove", PublicNames, {"post": "prove"}),
)

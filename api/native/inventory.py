"""Certificates of others, taken into the register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import Flag, Id, Made, SecretText, Text, Texts, required
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, one_of, text, whole
from api.common.parser import StrictJsonParser
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.authority_fields import SecretFile
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING
from certificates.import_orders import InventoryOrder
from certificates.services.inventory import LONGEST, Fate, import_file
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref

# In base64, with line breaks.
_LONGEST_TEXT: Final = LONGEST * 3 // 2


class InventoryParser(StrictJsonParser):
    """A file, and a few words."""

    largest = _LONGEST_TEXT + 65_536


class InventoryIn(Input):
    """A file with certificates that others have issued."""

    example = {"file": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n", "owner": "ops@example.com"}

    file = SecretFile(
        max_length=_LONGEST_TEXT,
        help_text="PEM as it is; DER, PKCS#7 and PKCS#12 in base64. CAs in it become the chains of the others.",
    )
    password = SecretText(required=False, help_text="Of the file.")
    keep_key = Flag(default=False, help_text="Keep the private key in the file, sealed; else it is forgotten.")
    owner = Text(required=False, max_length=254, help_text="Who answers for them: the e-mail address of a member.")
    tags = Texts(required=False, longest=64, most=50)
    description = Text(required=False, allow_blank=True, max_length=1000)
    organization_id = Id(required=False, help_text="Needed only by a superuser without an organization.")

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> InventoryOrder:
        """The order, for the organization that the body names, else for `home`. Raises Invalid."""
        values = cls.values(data, version=version)
        organization = values.get("organization_id", home)
        if organization is None:
            raise Invalid(errors=[required("organization_id")])
        return InventoryOrder(
            organization=organization,
            file=values["file"],
            password=values.get("password"),
            keeps_key=values["keep_key"],
            owner=values.get("owner"),
            tags=tuple(values.get("tags", ())),
            description=values.get("description", ""),
        )


class ArrivedOut(Output):
    """What became of one certificate."""

    subject = text()
    fingerprint = text(help_text="SHA-256 of the DER bytes, in hex.")
    status = one_of(Fate, source="fate", help_text="`authority`: of a CA, which goes into the chains of the others.")
    id = identity(source="certificate", allow_null=True)
    with_key = flag()
    detail = Made(lambda each: " ".join(text.render(gettext) for text in each.reasons), STRING)


class InventoryOut(Output):
    """What became of each certificate of the file."""

    imported = whole()
    certificates = ArrivedOut(many=True, read_only=True)


class Inventory(NativeViewSet):
    """Certificates of others: listed, found and told of before they end, like our own."""

    title = "Certificates of others"
    permissions = {"create": Permission.CERTIFICATES_ISSUE}
    limits = {"create": ISSUE}
    parser_classes = [InventoryParser]
    field_names = {"private_key": "file", "certificate": "file"}

    @operation("Import certificates", body=InventoryIn, answers={200: InventoryOut}, refusals=(Family.NOT_FOUND,))
    def create(self, request: Request) -> Response:
        """Each is told for itself; one that is refused takes no other with it."""
        order = InventoryIn.read(request.data, version=self.version, home=self.home)
        arrived = import_file(actor=acting_in(self.actor, order.organization), order=order)
        imported = sum(each.fate is Fate.IMPORTED for each in arrived)
        return Response(self.show(InventoryOut, {"imported": imported, "certificates": arrived}))


INVENTORY_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, Any]], ...]] = (
    ("certificates/import", Inventory, {"post": "create"}),
)

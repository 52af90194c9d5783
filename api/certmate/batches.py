"""Many client certificates from the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.certmate.dialect import VERSION, CertMateViewSet, field_name
from api.certmate.inputs import CreateIn, order_of
from api.common.fields import Texts
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, text, whole
from api.common.problems import Family
from api.common.shapes import kept
from api.common.throttles import CERTMATE_BATCH
from cas.models import CertificateAuthority
from cas.standing import Slot
from certificates.client_authority import client_authority
from certificates.orders import BatchOrder, IssueOrder
from certificates.services.batches import RowOutcome, issue_batch
from kernel.errors import Invalid, field_error
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

MOST_ROWS: Final = 100
COLUMNS: Final = (
    "common_name",
    "email",
    "organization",
    "organizational_unit",
    "cert_usage",
    "days_valid",
    "notes",
)
# In a table with a head, the first row stands in the second line.
_FIRST_LINE: Final = 2


class Cells(serializers.ListField):
    """Rows of a table. A cell is a text, also where it says a number; null and an empty one say nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.ListField(child=serializers.JSONField()), **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if not 0 < len(data) <= MOST_ROWS:
            raise Invalid.of("rows", "out-of-range", _("From 1 to %(most)s rows."), most=MOST_ROWS)
        return data


class BatchIn(Input):
    """A table: what its columns say, in any order, and up to 100 rows. What has no column is as in a creation."""

    example = {
        "headers": ["common_name", "email", "organization", "cert_usage", "days_valid"],
        "rows": [["user1@example.com", "user1@example.com", "ACME Corp", "api-mtls", "365"]],
    }

    headers = Texts(longest=40, most=len(COLUMNS), help_text="Of: " + ", ".join(f"`{name}`" for name in COLUMNS))
    rows = Cells(help_text="What is wrong with one of them is told of it, in the answer.")

    @classmethod
    def read(cls, data: Any, ca: CertificateAuthority) -> BatchOrder:
        """Raises Invalid; not for a row, which becomes its own refusal."""
        values = cls.values(data, version=VERSION)
        headers = _require_columns(values["headers"])
        rows = tuple(_read_row(headers, row, ca) for row in values["rows"])
        return BatchOrder(template=Slot.CERTMATE_CLIENT.code(ca.pk), ca=Ref("pk", ca.pk), rows=rows)


class RowErrorOut(Output):
    """What is wrong with a row; `row` is its line in a table whose first line are the headers."""

    row = whole()
    error = text()


class BatchCertificateOut(Output):
    """A certificate that was issued."""

    identifier = text()
    common_name = text()


class BatchOut(Output):
    """What became of the rows."""

    total = whole()
    successful = whole()
    failed = whole()
    errors = RowErrorOut(many=True, read_only=True)  # type: ignore[assignment]
    certificates = BatchCertificateOut(many=True, read_only=True)


class Batches(CertMateViewSet):
    """Many client certificates at once."""

    title = "Client certificates"
    permissions = {"create": Permission.CERTIFICATES_ISSUE}
    limits = {"create": CERTMATE_BATCH}
    operations = {"create": "batch_create"}

    @operation(
        "Create client certificates from a table",
        body=BatchIn,
        answers={201: BatchOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY, Family.UNLICENSED),
    )
    def create(self, request: Request) -> Response:
        """201 also where some rows were refused: `failed` and `errors` say so. What is against all of them (no
        permission, an approval that is needed) refuses the whole.
        """
        order = BatchIn.read(request.data, client_authority(visible_to=self.actor))
        outcomes = issue_batch(actor=self.actor, order=order, report=lambda outcome: outcome)
        made = [each.issued.certificate for each in outcomes if each.issued]
        errors = [_error(each) for each in outcomes if each.issued is None]
        body = {
            "total": len(outcomes),
            "successful": len(made),
            "failed": len(errors),
            "errors": errors,
            "certificates": [{"identifier": row.identifier, "common_name": row.common_name} for row in made],
        }
        return Response(body, status=201)


def _require_columns(headers: Sequence[str]) -> Sequence[str]:
    """Raises Invalid: a column that nobody knows, twice the same, or no names."""
    errors = []
    for index, name in enumerate(headers):
        if name not in COLUMNS:
            text = _("Known columns are %(known)s.")
            errors.append(field_error(f"headers[{index}]", "unknown-value", text, known=", ".join(COLUMNS)))
        elif name in headers[:index]:
            errors.append(field_error(f"headers[{index}]", "repeated", _("This column is there twice.")))
    if "common_name" not in headers:
        errors.append(field_error("headers", "required", _("There must be a column common_name.")))
    if errors:
        raise Invalid(errors=errors)
    return headers


def _read_row(headers: Sequence[str], row: Any, ca: CertificateAuthority) -> IssueOrder | Invalid:
    if not isinstance(row, list) or len(row) != len(headers):
        text = _("A row must be a list with a cell for each of the %(columns)s columns.")
        return Invalid.of("", "invalid", text, columns=len(headers))
    cells = {name: cell for name, cell in zip(headers, row, strict=True) if cell not in ("", None)}
    try:
        return order_of(kept(CreateIn, VERSION).to_internal_value(_with_number(cells)), ca)
    except Invalid as refusal:
        return refusal


def _with_number(cells: dict[str, Any]) -> dict[str, Any]:
    """In a table every number is a text."""
    days = cells.get("days_valid")
    is_number = isinstance(days, str) and days.isascii() and days.isdecimal() and len(days) < 10
    return cells | {"days_valid": int(days)} if is_number and days else cells


def _error(outcome: RowOutcome) -> dict[str, Any]:
    said = [_sentence(field_name(error.field), error.message.render(gettext)) for error in outcome.errors]
    return {"row": outcome.row + _FIRST_LINE, "error": "; ".join(said)}


def _sentence(field: str, message: str) -> str:
    return f"{field}: {message}" if field else message

"""Batches: many certificates in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import BATCH
from api.native.batch_inputs import BatchIn, BatchParser
from api.native.batch_outputs import BatchOut, BatchRowOut, ReportedRow
from api.native.dialect import NativeViewSet
from cas.core.formats import to_pem
from certificates.delivery import deliver
from certificates.orders import BatchOrder, IssueOrder
from certificates.services.batches import RowOutcome, issue_batch
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.text import _

_OK: Final = 200
# RFC 4918 section 11.1, in JSON: whoever reads nothing but the status must see that a row is missing.
_MULTI_STATUS: Final = 207
# As many as are committed together without a key: nobody has to wait longer to take the CA out of service.
_MOST_REMEMBERED: Final = 250


class Batches(NativeViewSet):
    """Many certificates in one call: each row is reported, and a bad one takes no other with it."""

    title = "Batches"
    has_items = False
    parser_classes = [BatchParser]
    permissions = {"create": Permission.CERTIFICATES_ISSUE}
    limits = {"create": BATCH}
    remembered_bodies = {"create": {"properties": {"rows": {"maxItems": _MOST_REMEMBERED}}}}
    field_names = {"public_key": "csr", "template": "template_code"}

    @operation(
        "Issue many certificates",
        body=BatchIn,
        answers={200: BatchOut, 207: BatchOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY, Family.UNLICENSED),
    )
    def create(self, request: Request) -> Response:
        """Up to 10,000 rows by one template, for CSRs or with keys that are made here. Every 250 rows are committed
        together, one after the other: whatever ends the call, those before are there.

        200 where every row was issued, 207 where one was not; the answer names each in its place. What is against all
        of them (no such template, no permission, an approval that is needed) refuses the whole.

        With an `Idempotency-Key`, up to 250 rows: all of them are committed together, or none is.
        """
        order, organization = BatchIn.read(request.data, version=self.version)
        if self.idempotency_key is not None:
            _require_few(order)
        actor = acting_in(self.actor, organization)
        chain: list[str] = []
        rows = issue_batch(actor=actor, order=order, report=self._reporter(order, chain))
        issued = sum(row["status"] == "issued" for row in rows)
        body = {"issued": issued, "failed": len(rows) - issued, "chain": chain, "rows": rows}
        return Response(body, status=_OK if issued == len(rows) else _MULTI_STATUS)

    def _reporter(self, order: BatchOrder, chain: list[str]) -> Callable[[RowOutcome], Any]:
        """Shows a row, and notes the chain of the first certificate."""
        shape = BatchRowOut(context={"version": self.version})

        def report(outcome: RowOutcome) -> Any:
            issued, row, delivered = outcome.issued, order.rows[outcome.row], None
            if issued is not None and isinstance(row, IssueOrder):
                chain[:] = chain or [to_pem(each) for each in issued.chain]
                name = str(issued.certificate)
                delivered = deliver(issued.x509, issued.chain, issued.private_key, row.delivery, name=name)
            errors = [replace(error, field=self.field_name(error.field)) for error in outcome.errors]
            return shape.to_representation(ReportedRow(outcome.row, issued, delivered, errors))

        return report


def _require_few(order: BatchOrder) -> None:
    if len(order.rows) > _MOST_REMEMBERED:
        text = _("With an Idempotency-Key, at most %(most)s rows: send the others under other keys.")
        raise Invalid.of("rows", "too-many-for-a-key", text, most=_MOST_REMEMBERED)

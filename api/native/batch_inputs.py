"""Many certificates in one body: every row is read on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.common.fields import Id, Rows, SecretText, Text
from api.common.inputs import Input
from api.common.parser import StrictJsonParser
from api.native.certificate_inputs import SubjectFields, wish_of
from certificates.orders import BatchOrder, IssueOrder
from certificates.services.batches import MOST_ROWS
from kernel.errors import Invalid
from kernel.ref import Ref
from kernel.text import _

# Two KiB for each row of the largest batch: a CSR for RSA-4096 in PEM takes 1.7.
LARGEST_BATCH: Final = MOST_ROWS * 2048


class BatchParser(StrictJsonParser):
    """The same JSON, and more of it."""

    largest = LARGEST_BATCH


class BatchRowIn(SubjectFields):
    """One certificate of many: a CSR, or a subject whose key is made here."""

    example = {"common_name": "api.example.com", "sans": ["api.example.com"], "tags": ["prod"]}


class BatchIn(Input):
    """Up to 10,000 certificates that are wished for by one template."""

    example = {"template_code": "web-tls", "rows": [{"common_name": "a.example.com"}, {"common_name": "b.example.com"}]}

    template_code = Text(max_length=80, help_text="Which template to issue from.")
    organization_id = Id(required=False, help_text="Needed only by a superuser without an organization.")
    passphrase = SecretText(required=False, help_text="The CA's, where its key is protected by one.")
    rows = Rows(BatchRowIn, most=MOST_ROWS, help_text="What is wrong with one of them is told of it, in the answer.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> tuple[BatchOrder, Ref | None]:
        """The order, and the organization it names. Raises Invalid; not for a row, which becomes its own refusal."""
        values = cls.values(data, version=version)
        reader, template = BatchRowIn(context={"version": version}), values["template_code"]
        rows = tuple(_read_row(reader, row, template) for row in values["rows"])
        order = BatchOrder(template=template, rows=rows, passphrase=values.get("passphrase"))
        return order, values.get("organization_id")


def _read_row(reader: BatchRowIn, row: Any, template: str) -> IssueOrder | Invalid:
    if not isinstance(row, Mapping):
        return Invalid.of("", "invalid", _("A row must be a JSON object."))
    try:
        return wish_of(reader.to_internal_value(row), template)
    except Invalid as refusal:
        return refusal

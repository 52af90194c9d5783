"""How the native API reports many certificates: each row in its place, and the chain of all of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from api.common.fields import Made, Serial
from api.common.outputs import Output, identity, moment, text, texts, whole
from api.native.outputs import MAYBE_SECRET, STRING
from cas.core.formats import to_pem
from certificates.delivery import Delivered
from certificates.services.minting import Issued
from kernel.errors import FieldError

_STATUS: Final = {"type": "string", "enum": ["issued", "error"]}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """What became of a row, with its key as it was asked for."""

    row: int
    issued: Issued | None
    delivered: Delivered | None
    errors: Sequence[FieldError]


class FieldErrorOut(Output):
    """What is wrong with one field of a row; with all of it where `field` is empty."""

    field = text()
    code = text()
    detail = Made(lambda error: error.message.render(gettext), STRING)


class BatchRowOut(Output):
    """What became of a row."""

    row = whole(help_text="Its place in the list, from 0.")
    status = Made(lambda row: "issued" if row.issued else "error", _STATUS)
    id = identity(source="issued.certificate", allow_null=True)
    serial = Serial(source="issued.certificate.serial", read_only=True, allow_null=True)
    not_after = moment(source="issued.certificate.not_after", allow_null=True)
    certificate = Made(
        lambda row: to_pem(row.issued.x509) if row.issued else None, _MAYBE_TEXT | {"description": "PEM."}
    )
    private_key = Made(
        lambda row: _key_text(row.delivered),
        MAYBE_SECRET | {"description": "Once, in the format asked for; null where it is not handed out."},
    )
    errors = FieldErrorOut(many=True, read_only=True)  # type: ignore[assignment]


class BatchOut(Output):
    """What became of every row."""

    issued = whole()
    failed = whole()
    chain = texts(help_text="PEM, the issuer first; of every certificate in the answer.")
    rows = BatchRowOut(many=True, read_only=True)


def _key_text(delivered: Delivered | None) -> str | None:
    return delivered.private_key.reveal().decode() if delivered and delivered.private_key else None

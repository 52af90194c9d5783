"""What ScaiVault's clients are shown of CSRs."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_csr
from django.utils.translation import gettext

from api.common.fields import Made
from api.common.outputs import Output, identity, moment, text
from api.scaivault.csr_inputs import STATUS_WORDS, STATUSES
from api.scaivault.fields import SHOWN_TYPES, shape_of
from cas.core.general_names import NameKind
from certificates.models import Decision, Request
from kernel.text import _

_SOURCES: Final = ("generated", "imported")
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_TOO_LATE: Final = _("Nobody decided on it, or signed it, in time.")


def _names(kind: NameKind) -> Made:
    return Made(lambda row: [name for its_kind, name in row.sans if its_kind == kind], _TEXTS)


class CsrOut(Output):
    """A CSR and what became of it. A private key that was made for it is never shown."""

    id = identity()
    status = Made(lambda row: STATUS_WORDS[row.status], {"type": "string", "enum": list(STATUSES)})
    source = Made(  # type: ignore[assignment]
        lambda row: _SOURCES[not row.facts["made_here"]], {"type": "string", "enum": list(_SOURCES)}
    )
    subject = text(help_text="As RFC 4514 text, most specific first.")
    san_dns = _names(NameKind.DNS)
    san_ip = _names(NameKind.IP)
    san_email = _names(NameKind.EMAIL)
    san_uri = _names(NameKind.URI)
    key_type = Made(lambda row: shape_of(row.key_algorithm)[0], {"type": "string", "enum": list(SHOWN_TYPES)})
    key_size = Made(lambda row: shape_of(row.key_algorithm)[1], {"type": ["integer", "null"]})
    csr_pem = Made(lambda row: _pem(row.csr), {"type": "string"})
    requested_by = text(source="requester_label")
    decided_by = Made(lambda row: _decision(row, "approver_label"), _MAYBE_TEXT)
    reason = Made(lambda row: _reason(row), _MAYBE_TEXT | {"description": "Why it was decided so."})
    certificate_id = identity(source="certificate", allow_null=True)
    created_at = moment()
    expires_at = moment(help_text="When it is too late to decide on it, or to sign it.")


def _pem(csr: bytes | memoryview) -> str:
    return load_der_x509_csr(bytes(csr)).public_bytes(Encoding.PEM).decode()


def _decision(row: Request, member: str) -> Any:
    decision: Decision | None = next(iter(row.decisions.all()), None)
    return getattr(decision, member) if decision else None


def _reason(row: Request) -> str | None:
    if row.status == Request.Status.EXPIRED:
        return gettext(_TOO_LATE)
    return _decision(row, "reason") or None

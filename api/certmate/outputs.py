"""How the CertMate API shows certificates; where server and document differed, in both shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.x509 import SubjectAlternativeName
from django.utils import timezone

from api.certmate.inputs import RENEWAL_DAYS
from api.common.answers import ENCODER
from api.common.fields import Made
from api.common.formats import time_text
from api.common.outputs import Output, attribute, flag, moment, text, whole
from cas.core.names import format_name
from cas.core.reading import extension_of
from certificates.identified import Line, UsageCounts
from certificates.models import Certificate, Revocation

STRING: Final = {"type": "string"}
MAYBE: Final = {"type": ["string", "null"]}
_DATE: Final = {"type": "string", "format": "date-time"}
_MAYBE_DATE: Final = {"type": ["string", "null"], "format": "date-time"}
_FLAG: Final = {"type": "boolean"}
_WHOLE: Final = {"type": "integer"}
_STATUS: Final = {"type": "string", "enum": ["active", "revoked", "expired"]}
_KNOWN_USAGES: Final = ("api-mtls", "vpn")


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate with what its shapes need to know of it."""

    row: Certificate
    revocation: Revocation | None
    email: str | None
    now: datetime

    @property
    def reason(self) -> str | None:
        """The words that were said, where any were."""
        return (self.revocation.comment or self.revocation.reason) if self.revocation else None

    @property
    def revoked_at(self) -> str | None:
        return time_text(self.revocation.at) if self.revocation else None

    @property
    def threshold_days(self) -> int:
        ahead = self.row.not_after - self.row.renew_at if self.row.renew_at else timedelta(days=RENEWAL_DAYS)
        return ahead.days


def shown(row: Certificate) -> Shown:
    return Shown(row, row.open_revocation, _email(row.body.x509), timezone.now())


def status_at(state: str, not_after: datetime, now: datetime) -> str:
    """What is on hold is revoked here: its clients know nothing in between."""
    if state != Certificate.State.ISSUED:
        return "revoked"
    return "active" if not_after >= now else "expired"


def decimal(serial: str) -> str:
    return str(int(serial, 16))


def _of_row(name: str, schema: Any = STRING) -> Made:
    return Made(lambda each: getattr(each.row, name), schema)


def _time_of_row(name: str) -> Made:
    return Made(lambda each: time_text(getattr(each.row, name)), _DATE)


class RevocationOut(Output):
    """Whether it is to be believed no more, since when, and why, in the words that were said."""

    revoked = Made(lambda each: each.revocation is not None, _FLAG)
    revoked_at = Made(lambda each: each.revoked_at, _MAYBE_DATE)
    reason_revoked = Made(lambda each: each.reason, MAYBE)


class RenewalOut(Output):
    """Whether it is to be renewed by itself, and how many days before its end."""

    renewal_enabled = _of_row("auto_renew", _FLAG)
    renewal_threshold_days = Made(lambda each: each.threshold_days, _WHOLE)


class ClientCertificateOut(RevocationOut, RenewalOut):
    """A client certificate with all that is known of it."""

    type = Made(lambda _each: "client_certificate", {"type": "string", "const": "client_certificate"})
    identifier = _of_row("identifier")
    common_name = _of_row("common_name")
    email = Made(lambda each: each.email, MAYBE)
    organization = Made(lambda each: attribute(each.row.subject_attributes, "organization"), MAYBE)
    organizational_unit = Made(lambda each: attribute(each.row.subject_attributes, "organizational_unit"), MAYBE)
    serial_number = Made(lambda each: decimal(each.row.serial), STRING | {"pattern": "^[0-9]+$"})
    created_at = _time_of_row("created_at")
    expires_at = _time_of_row("not_after")
    cert_usage = _of_row("usage")
    notes = _of_row("description")
    status = Made(lambda each: status_at(each.row.state, each.row.not_after, each.now), _STATUS)
    revocation = RevocationOut(source="*", read_only=True)
    renewal = RenewalOut(source="*", read_only=True)


class IssuedOut(Output):
    """A client certificate that was issued now."""

    identifier = _of_row("identifier")
    common_name = _of_row("common_name")
    serial_number = Made(lambda each: decimal(each.row.serial), STRING | {"pattern": "^[0-9]+$"})
    created_at = _time_of_row("created_at")
    expires_at = _time_of_row("not_after")
    cert_usage = _of_row("usage")
    status = Made(lambda each: status_at(each.row.state, each.row.not_after, each.now), _STATUS)
    metadata = ClientCertificateOut(source="*", read_only=True)


class LineOut(Output):
    """A client certificate as lists show it."""

    identifier = text()
    common_name = text()
    organization = text(allow_null=True)
    cert_usage = text()
    created_at = moment()
    expires_at = moment()
    revoked = flag()
    status = Made(lambda each: each["status"], _STATUS)


class ListOut(Output):
    """All that are looked for, newest first."""

    certificates = LineOut(many=True, read_only=True)
    total = whole()


class RevokedOut(Output):
    """What was revoked, when and why."""

    message = Made(lambda each: f"Certificate revoked: {each.row.identifier}", STRING)
    revoked_at = Made(lambda each: each.revoked_at, _DATE)
    reason = Made(lambda each: each.reason, STRING)


class StatsOut(Output):
    """How many there are. `active`, `revoked` and `expired` make the total; `by_usage` counts all of them."""

    total = Made(lambda rows: _sum(rows, "total"), _WHOLE)
    active = Made(lambda rows: _sum(rows, "active"), _WHOLE)
    revoked = Made(lambda rows: _sum(rows, "revoked"), _WHOLE)
    expired = Made(lambda rows: _sum(rows, "expired"), _WHOLE)
    expiring_soon = Made(lambda rows: _sum(rows, "expiring"), _WHOLE)
    by_usage = Made(
        lambda rows: _by_usage(rows),
        {
            "type": "object",
            "properties": dict.fromkeys((*_KNOWN_USAGES, "other"), _WHOLE),
            "required": [*_KNOWN_USAGES, "other"],
            "additionalProperties": False,
        },
    )
    created_count = Made(lambda rows: _sum(rows, "total"), _WHOLE)
    renewal_enabled = Made(lambda rows: _sum(rows, "renewing"), _WHOLE)


class CrlInfoOut(Output):
    """The CRL that is good now, without its signature."""

    status = Made(lambda _crl: "available", {"type": "string", "const": "available"})
    issuer = Made(lambda crl: issuer_text(crl), STRING)
    last_update = Made(lambda crl: time_text(crl.last_update_utc), _DATE)
    next_update = Made(lambda crl: time_text(crl.next_update_utc), _DATE)
    revoked_count = Made(lambda crl: len(crl), _WHOLE)
    revoked_serials = Made(
        lambda crl: [entry.serial_number for entry in crl], {"type": "array", "items": {"type": "integer"}}
    )


def line_out(line: Line, now: datetime) -> dict[str, Any]:
    return {
        "identifier": line.identifier,
        "common_name": line.common_name,
        "organization": attribute(line.subject_attributes, "organization"),
        "cert_usage": line.usage,
        "created_at": time_text(line.created_at),
        "expires_at": time_text(line.not_after),
        "revoked": line.state != Certificate.State.ISSUED,
        "status": status_at(line.state, line.not_after, now),
    }


def list_bytes(chunks: Iterable[Sequence[Line]], now: datetime) -> Iterator[bytes]:
    """The document of `ListOut`, in pieces: however many there are, a chunk of them is in memory."""
    total = 0
    yield b'{"certificates":['
    for chunk in chunks:
        items = ENCODER.encode([line_out(line, now) for line in chunk])[1:-1]
        yield f"{',' if total and chunk else ''}{items}".encode()
        total += len(chunk)
    yield f'],"total":{total}}}'.encode()


def issuer_text(crl: x509.CertificateRevocationList) -> str:
    """The name, most specific first: `CN=CertMate CA, O=CertMate`."""
    return ", ".join(format_name(x509.Name([rdn])) for rdn in reversed(crl.issuer.rdns))


def _email(certificate: x509.Certificate) -> str | None:
    names = extension_of(certificate.extensions, SubjectAlternativeName)
    found = names.get_values_for_type(x509.RFC822Name) if names else []
    return found[0] if found else None


def _sum(rows: Iterable[UsageCounts], name: str) -> int:
    return sum(getattr(row, name) for row in rows)


def _by_usage(rows: Iterable[UsageCounts]) -> dict[str, int]:
    counts = dict.fromkeys((*_KNOWN_USAGES, "other"), 0)
    for row in rows:
        counts[row.usage if row.usage in _KNOWN_USAGES else "other"] += row.total
    return counts

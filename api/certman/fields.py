"""How Certman writes ids, times, serial numbers, keys and reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.x509 import ReasonFlags
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.common.fields import Choice, Made, Moment
from api.common.formats import serial_text
from cas.core.formats import to_pem
from cas.core.general_names import NameKind, inferred_kind
from cas.core.keys import KeyAlgorithm
from cas.core.reasons import reason_name

STRING: Final[dict[str, Any]] = {"type": "string"}
PEM: Final[dict[str, Any]] = STRING | {"description": "PEM, without a line end at its end."}
# What the document offers; what a CA here has besides is shown under names of the same kind.
KEY_ALGORITHMS: Final[Mapping[str, KeyAlgorithm]] = {
    algorithm.replace("_", "-"): algorithm
    for algorithm in (KeyAlgorithm.RSA_2048, KeyAlgorithm.RSA_4096, KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ECDSA_P384)
}
# As RFC 5280 names them, but for one: `cACompromise` is begun in lower case here.
REASONS: Final[Mapping[str, ReasonFlags]] = {
    "unspecified": ReasonFlags.unspecified,
    "keyCompromise": ReasonFlags.key_compromise,
    "caCompromise": ReasonFlags.ca_compromise,
    "affiliationChanged": ReasonFlags.affiliation_changed,
    "superseded": ReasonFlags.superseded,
    "cessationOfOperation": ReasonFlags.cessation_of_operation,
    "certificateHold": ReasonFlags.certificate_hold,
    "privilegeWithdrawn": ReasonFlags.privilege_withdrawn,
}
_SHOWN_REASONS: Final = {reason_name(reason): name for name, reason in REASONS.items()}
_DATE_OR_TIME: Final = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)


def pem_text(certificate: x509.Certificate) -> str:
    """As the examples have it: nothing follows the last dash."""
    return to_pem(certificate).rstrip("\n")


@extend_schema_field({"type": "string", "format": "date-time", "examples": ["2024-01-01T00:00:00.000Z"]})
class Instant(Moment):
    """A moment in UTC to the millisecond: `2024-01-01T00:00:00.000Z`."""

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@extend_schema_field({"type": "string", "pattern": "^([0-9A-F]{2})+$", "examples": ["01AB23CD45EF"]})
class SerialOctets(serializers.Field):
    """A serial number as octets in upper-case hex, without colons: `01AB23CD45EF`."""

    def to_representation(self, value: str) -> str:
        return serial_text(value).replace(":", "")


@extend_schema_field({"type": "string", "pattern": "^[A-Z0-9]+(-[A-Z0-9]+)*$", "examples": ["ECDSA-P256"]})
class KeyName(serializers.Field):
    """A kind of key: `ECDSA-P256`."""

    def to_representation(self, value: str) -> str:
        return value.replace("_", "-")


@extend_schema_field({"type": "string", "enum": [*REASONS]})
class ReasonName(serializers.Field):
    """Why something was revoked: `keyCompromise`."""

    def to_representation(self, value: str) -> str:
        return _SHOWN_REASONS.get(value, value)


class KeyChoice(Choice):
    """One of the kinds of keys that the document offers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(KEY_ALGORITHMS, **options)


@extend_schema_field(
    {"type": "string", "pattern": _DATE_OR_TIME, "examples": ["2024-06-01", "2024-06-01T12:30:00.000Z"]}
)
class Bound(serializers.Field):
    """One end of a period that is counted in: a date is its whole day in UTC, a time its whole millisecond.

    Read, it is the first moment (`is_end`: the first one after it).
    """

    default_error_messages = {
        "invalid": gettext_lazy("Write a date as 2024-06-01, or a time as 2024-06-01T12:30:00.000Z.")
    }

    def __init__(self, *, is_end: bool = False, **options: Any) -> None:
        self.is_end = is_end
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            begin, length = _period(data if isinstance(data, str) else "")
            return begin + length if self.is_end else begin
        except (ValueError, OverflowError):
            self.fail("invalid")


def _period(text: str) -> tuple[datetime, timedelta]:
    """When it begins, and how long it is. A time without a zone is one of UTC. Raises ValueError, OverflowError."""
    if not re.fullmatch(_DATE_OR_TIME, text):
        raise ValueError("neither a date nor a time")
    if "T" not in text:
        return datetime.combine(date.fromisoformat(text), time.min, UTC), _DAY
    moment = datetime.fromisoformat(text)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000), _MILLISECOND


def names_of_kind(kind: NameKind) -> Made:
    """Of a certificate's names those that look like this kind: in the register they bear no prefix."""
    return Made(
        lambda row: [text for text in row.sans if inferred_kind(text) is kind],
        {"type": "array", "items": STRING},
    )

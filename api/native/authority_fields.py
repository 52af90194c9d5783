"""Fields of bodies about CAs: constraints, purposes, files in JSON, keys on a token, serial numbers used elsewhere."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from api.common import formats
from api.common.fields import GeneralNames, Text, Texts
from cas.core.general_names import constraint_name
from cas.core.usages import parse_extended_key_usage
from cas.orders import KnownSerial, TokenKeyName
from kernel.errors import FieldError, Invalid, field_error
from kernel.secret import Secret
from kernel.text import _

_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,40}|[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{2}){0,19}")
_OCTETS: Final = re.compile(r"([0-9A-Fa-f]{2}){0,64}")
_LONGEST_LABEL: Final = 200
_MOST_SERIALS: Final = 1_000_000


class ConstraintNames(GeneralNames):
    """Subtrees of names: `example.com`, `ip:10.0.0.0/8`, `email:example.com`."""

    def read_one(self, text: str, field: str) -> x509.GeneralName:
        return constraint_name(text, field=field)


class Purposes(Texts):
    """Extended key usages by name (`server_auth`) or dotted OID; read, they are object identifiers."""

    def run_validation(self, data: Any = empty) -> Any:
        texts = super().run_validation(data)
        if not isinstance(texts, list):
            return texts
        found = [parse_extended_key_usage(text) for text in texts]
        unknown = _("%(name)s is not a purpose")
        errors = [
            field_error(f"{self.field_name}[{index}]", "unknown-value", unknown, name=text[:80])
            for index, (text, purpose) in enumerate(zip(texts, found, strict=True))
            if purpose is None
        ]
        if errors:
            raise Invalid(errors=errors)
        return tuple(dict.fromkeys(found))


class FileText(Text):
    """A file in JSON: PEM as it is, everything else in base64 (RFC 4648 section 4). Read, it is bytes."""

    default_error_messages = {"base64": gettext_lazy("This is neither PEM nor base64.")}

    def run_validation(self, data: Any = empty) -> Any:
        text = super().run_validation(data)
        if not isinstance(text, str):
            return text
        if "-----BEGIN " in text:
            return text.encode()
        try:
            return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            self.fail("base64")


class SecretFile(FileText):
    """The same for a file with a private key in it, which is never shown again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"write_only": True} | options))

    def run_validation(self, data: Any = empty) -> Any:
        content = super().run_validation(data)
        return Secret(content) if isinstance(content, bytes) else content


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            "label": {"type": "string", "minLength": 1, "maxLength": _LONGEST_LABEL},
            "id": {"type": "string", "pattern": "^([0-9A-Fa-f]{2}){1,64}$", "description": "CKA_ID, in hex."},
        },
        "minProperties": 1,
        "additionalProperties": False,
    }
)
class TokenKey(serializers.Field):
    """A key that is on the PKCS#11 token already: by its label, its CKA_ID, or both."""

    default_error_messages = {
        "invalid": gettext_lazy("A key on the token is named by its label, its id (in hex), or both.")
    }

    def to_internal_value(self, data: Any) -> TokenKeyName:
        if not isinstance(data, Mapping) or not data or not data.keys() <= {"label", "id"}:
            self.fail("invalid")
        label, identifier = data.get("label", ""), data.get("id", "")
        if not isinstance(label, str) or not isinstance(identifier, str) or len(label) > _LONGEST_LABEL:
            self.fail("invalid")
        if not _OCTETS.fullmatch(identifier) or not (label or identifier):
            self.fail("invalid")
        return TokenKeyName(label=label, identifier=bytes.fromhex(identifier))


@extend_schema_field(
    {
        "type": "array",
        "maxItems": _MOST_SERIALS,
        "items": {
            "type": "object",
            "properties": {
                "serial": {"type": "string", "pattern": f"^({_SERIAL.pattern})$", "description": "In hex."},
                "not_after": {"type": "string", "format": "date-time"},
            },
            "required": ["serial"],
            "additionalProperties": False,
        },
    }
)
class KnownSerials(serializers.Field):
    """Serial numbers that a CA has used elsewhere, in hex, with or without colons; and until when, if that is known."""

    default_error_messages = {
        "invalid": gettext_lazy("This must be a list of objects, each with a serial and perhaps a not_after.")
    }

    def to_internal_value(self, data: Any) -> tuple[KnownSerial, ...]:
        if not isinstance(data, list) or len(data) > _MOST_SERIALS:
            self.fail("invalid")
        errors: list[FieldError] = []
        found = [self._read(each, f"{self.field_name}[{index}]", errors) for index, each in enumerate(data)]
        if errors:
            raise Invalid(errors=errors[:100])
        return tuple(each for each in found if each is not None)

    def _read(self, data: Any, field: str, errors: list[FieldError]) -> KnownSerial | None:
        if not isinstance(data, Mapping) or not data.keys() <= {"serial", "not_after"}:
            errors.append(field_error(field, "invalid", _("This must have a serial, and may have a not_after.")))
            return None
        serial = data.get("serial")
        if not isinstance(serial, str) or not _SERIAL.fullmatch(serial):
            errors.append(field_error(f"{field}.serial", "invalid", _("Write the serial number in hex: 3F:A1:B2:C3.")))
            return None
        try:
            not_after = _time(data["not_after"]) if "not_after" in data else None
        except ValueError:
            errors.append(field_error(f"{field}.not_after", "invalid", _("Write a time as 2026-01-15T08:00:00Z.")))
            return None
        return KnownSerial(int(serial.replace(":", ""), 16), not_after)


def _time(value: Any) -> datetime:
    return formats.read_time(value if isinstance(value, str) else "")

"""Serializer fields that take exactly what the schema says: no number for a text, no "true" for true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography import x509
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from api.common import formats
from cas.core.general_names import NameKind, general_name
from cas.core.names import name_from_mapping
from cas.core.reasons import CODES, parse_reason, reason_name
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

_INTEGERS = {"minimum": 1, "type": "integer"}
_UUIDS = {"type": "string", "format": "uuid"}
INTEGER_IDS = "v1"


class _NoSurrogates(ProhibitSurrogateCharactersValidator):
    """The same, which does not look at each character of a text that has none but ASCII: a CSR has a thousand."""

    def __call__(self, value: str) -> None:
        if not value.isascii():
            super().__call__(value)


class Text(serializers.CharField):
    """Text as it was sent: nothing is trimmed, nothing is converted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"trim_whitespace": False, "max_length": 200} | options))
        slow = ProhibitSurrogateCharactersValidator
        self.validators = [_NoSurrogates() if isinstance(each, slow) else each for each in self.validators]

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)


class SecretText(Text):
    """A password or passphrase, which is never shown again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"write_only": True, "max_length": 1024} | options))

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        return Secret(value) if isinstance(value, str) else value


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=repr(data)[:40])
        return data


class Whole(serializers.IntegerField):
    """A whole number of JSON; 5.0 is one (RFC 8259 knows no integers), "5" and true are none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


class Choice(serializers.ChoiceField):
    """One of a few words."""

    def __init__(self, choices: Iterable[str], **options: Any) -> None:
        super().__init__(choices=[str(choice) for choice in choices], **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            text = _("Known values are %(known)s.")
            known = ", ".join(str(choice) for choice in self.choices)
            raise Invalid.of(str(self.field_name), "unknown-value", text, known=known)
        return data


class Texts(serializers.ListField):
    """A list of texts."""

    def __init__(self, *, longest: int = 200, most: int = 100, **options: Any) -> None:
        super().__init__(child=Text(max_length=longest), max_length=most, **options)


@extend_schema_field({"type": "string", "format": "date-time", "examples": ["2026-01-15T08:00:00Z"]})
class Moment(serializers.Field):
    """A time with its zone (RFC 3339); shown in UTC to the second."""

    default_error_messages = {"invalid": gettext_lazy("Write a time as 2026-01-15T08:00:00Z.")}

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return formats.read_time(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return formats.time_text(value)


@extend_schema_field({"type": "string", "pattern": formats.DURATION_PATTERN, "examples": ["90d", "8h"]})
class Duration(serializers.Field):
    """A length of time in seconds, minutes, hours, days or weeks: `90d`."""

    default_error_messages = {
        "invalid": gettext_lazy("Write a duration as a number and a unit: 30s, 15m, 8h, 90d, 2w.")
    }

    def to_internal_value(self, data: Any) -> timedelta:
        try:
            return formats.read_duration(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: timedelta) -> str:
        return formats.duration_text(value)


@extend_schema_field({"type": "string", "pattern": "^[0-9A-F]{2}(:[0-9A-F]{2})*$", "examples": ["3F:A1:B2:C3"]})
class Serial(serializers.Field):
    """A serial number, shown as octets: `3F:A1:B2:C3`."""

    def to_representation(self, value: str) -> str:
        return formats.serial_text(value)


class Id(serializers.Field):
    """A row by the id that the API's version shows: the integer of v1, the UUID of v2. Read back, it is a Ref."""

    default_error_messages = {
        "integer": gettext_lazy("This must be the integer id of a row."),
        "uuid": gettext_lazy("This must be a UUID."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"source": "*"} if options.get("read_only") and "source" not in options else {}) | options)

    @staticmethod
    def schema(version: str) -> dict[str, Any]:
        return dict(_INTEGERS if version == INTEGER_IDS else _UUIDS)

    @staticmethod
    def example(version: str) -> int | str:
        return 3 if version == INTEGER_IDS else "0b5c2e1a-7f3d-4c0e-9a64-5d8f1b2c3e4f"

    def to_representation(self, value: Any) -> int | str:
        return value.pk if self.context["version"] == INTEGER_IDS else str(value.public_id)

    def to_internal_value(self, data: Any) -> Ref:
        if self.context["version"] == INTEGER_IDS:
            if isinstance(data, bool) or not isinstance(data, int) or data < 1:
                self.fail("integer")
            return Ref("pk", data)
        try:
            return Ref("public_id", UUID(data if isinstance(data, str) and len(data) == 36 else ""))
        except ValueError:
            self.fail("uuid")


@extend_schema_field(
    {
        "type": "object",
        "properties": {"common_name": {"type": ["string", "null"], "maxLength": 64}},
        "additionalProperties": {
            "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        },
        "examples": [{"common_name": "api.example.com", "organization": "Example Ltd", "country": "DE"}],
    }
)
class Subject(serializers.Field):
    """A distinguished name by its attributes: `common_name`, `organization`, `country` …; several values are a list."""

    default_error_messages = {
        "invalid": gettext_lazy("The subject must be an object with members such as common_name.")
    }

    def to_internal_value(self, data: Any) -> x509.Name:
        """Raises Invalid with every unknown attribute and bad value."""
        if not isinstance(data, Mapping):
            self.fail("invalid")
        return name_from_mapping(data, field=str(self.field_name))

    def to_representation(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {"common_name": None} | dict(value)


class GeneralNames(serializers.ListField):
    """Names whose kind is inferred, or said by a prefix: `10.0.0.1`, `ip:10.0.0.1`, `dns:…`, `email:…`, `uri:…`.

    Where `kind` says which it is, they are all of that one, and bear no prefix.
    """

    def __init__(self, kind: NameKind | None = None, **options: Any) -> None:
        self.kind = kind
        super().__init__(child=Text(max_length=2048), max_length=1000, **options)

    def run_validation(self, data: Any = empty) -> Any:
        texts = super().run_validation(data)
        if not isinstance(texts, list):
            return texts
        names, errors = self.read_all(texts)
        if errors:
            raise Invalid(errors=errors)
        return tuple(names)

    def read_all(self, texts: Sequence[str]) -> tuple[list[x509.GeneralName], list[FieldError]]:
        names: list[x509.GeneralName] = []
        errors: list[FieldError] = []
        for index, text in enumerate(texts):
            try:
                names.append(self.read_one(text, f"{self.field_name}[{index}]"))
            except Invalid as error:
                errors += error.errors
        return names, errors

    def read_one(self, text: str, field: str) -> x509.GeneralName:
        return general_name(text, self.kind, field=field)


@extend_schema_field({"type": "string", "enum": [reason_name(reason) for reason in CODES]})
class Reason(serializers.Field):
    """A revocation reason of RFC 5280; read in any usual spelling."""

    def to_internal_value(self, data: Any) -> x509.ReasonFlags:
        """Raises Invalid."""
        is_plain = isinstance(data, str | int) and not isinstance(data, bool)
        return parse_reason(data if is_plain else "", field=str(self.field_name))


class Made(serializers.Field):
    """A member that a function makes of the row; `schema` says what of."""

    def __init__(self, make: Callable[[Any], Any], schema: Mapping[str, Any]) -> None:
        self.make = make
        self.member_schema = dict(schema)
        super().__init__(source="*", read_only=True)

    def to_representation(self, value: Any) -> Any:
        return self.make(value)


class Rows(serializers.Field):
    """A list of bodies, each to be read on its own: a bad one is no fault of the others."""

    default_error_messages = {
        "not_a_list": gettext_lazy("This must be a list."),
        "out_of_range": gettext_lazy("From 1 to {most} rows."),
    }

    def __init__(self, shape: type[serializers.Serializer[Any]], *, most: int, **options: Any) -> None:
        self.shape, self.most = shape, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not 0 < len(data) <= self.most:
            self.fail("out_of_range", most=self.most)
        return data


def required(field: str) -> FieldError:
    return field_error(field, "required", _("This field is required."))

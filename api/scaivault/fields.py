"""Fields that say things as ScaiVault's clients do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from cryptography import x509
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from api.common import formats
from api.common.fields import GeneralNames
from cas.core.keys import KeyAlgorithm
from cas.core.names import name_from_mapping, parse_name
from kernel.errors import Invalid
from kernel.text import _

KEY_TYPES: Final = ("rsa", "ec")
_SHAPES: Final[Mapping[KeyAlgorithm, tuple[str, int | None]]] = {
    KeyAlgorithm.RSA_2048: ("rsa", 2048),
    KeyAlgorithm.RSA_3072: ("rsa", 3072),
    KeyAlgorithm.RSA_4096: ("rsa", 4096),
    KeyAlgorithm.ECDSA_P256: ("ec", 256),
    KeyAlgorithm.ECDSA_P384: ("ec", 384),
    KeyAlgorithm.ECDSA_P521: ("ec", 521),
    KeyAlgorithm.ED25519: ("ed25519", None),
    KeyAlgorithm.ML_DSA_44: ("ml-dsa-44", None),
    KeyAlgorithm.ML_DSA_65: ("ml-dsa-65", None),
    KeyAlgorithm.ML_DSA_87: ("ml-dsa-87", None),
}
# The sizes of keys that end-entity certificates may have, the usual one first.
LEAF_SIZES: Final[Mapping[str, tuple[int, ...]]] = {"rsa": (2048, 3072, 4096), "ec": (256, 384, 521)}
SHOWN_TYPES: Final = tuple(dict.fromkeys(kind for kind, _size in _SHAPES.values()))
_ALGORITHMS: Final = {shape: algorithm for algorithm, shape in _SHAPES.items()}


def shape_of(algorithm: str) -> tuple[str, int | None]:
    """The type and size of a key."""
    return _SHAPES[KeyAlgorithm(algorithm)]


def algorithm_of(kind: str, size: int, sizes: Mapping[str, tuple[int, ...]], *, field: str) -> KeyAlgorithm:
    """The algorithm of this type and size. Raises Invalid on `field`: not one of the sizes of its type."""
    if size not in sizes[kind]:
        known = ", ".join(map(str, sizes[kind]))
        raise Invalid.of(field, "unknown-value", _("Known values are %(known)s."), known=known)
    return _ALGORITHMS[kind, size]


@extend_schema_field(
    {
        "oneOf": [{"type": "string", "pattern": "^[0-9]{1,9}[smhdw]?$"}, {"type": "integer", "minimum": 0}],
        "examples": ["720h", "90d", 3600],
    }
)
class Lifetime(serializers.Field):
    """A length of time with its unit: `720h`, `90d`; without one, in seconds."""

    def to_internal_value(self, data: Any) -> timedelta:
        text = str(data) if isinstance(data, str | int) and not isinstance(data, bool) else ""
        try:
            return formats.read_duration(f"{text}s" if text.isdecimal() else text)
        except ValueError:
            sentence = _("Write a duration as seconds, or as a number and a unit: 720h, 90d.")
            raise Invalid.of(str(self.field_name), "invalid-duration", sentence) from None

    def to_representation(self, value: timedelta) -> str:
        return formats.duration_text(value)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "array", "items": {"type": "string", "maxLength": 2048}, "maxItems": 1000},
            {"type": "string", "maxLength": 65536},
        ],
        "examples": [["www.example.com", "api.example.com"], "www.example.com,api.example.com"],
    }
)
class Names(GeneralNames):
    """Names as a list, or as text with commas."""

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, str):
            data = [name.strip() for name in data.split(",")] if data.strip() else []
        return super().run_validation(data)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": 4096},
            {
                "type": "object",
                "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            },
        ],
        "examples": ["CN=db.example.com,O=Example Ltd", {"common_name": "db.example.com", "organization": "Example"}],
    }
)
class SubjectName(serializers.Field):
    """A distinguished name: as RFC 4514 text, or by its attributes."""

    def to_internal_value(self, data: Any) -> x509.Name:
        """Raises Invalid."""
        field = str(self.field_name)
        if isinstance(data, str):
            return parse_name(data, field=field)
        if isinstance(data, Mapping):
            return name_from_mapping(data, field=field)
        raise Invalid.of(field, "invalid", _("Write the subject as text, or as an object."))

"""The one spelling of a document, so that a signature over its bytes means the document.

RFC 8785 without its numbers: floats do not occur here, and integers stay where every reader of JSON is exact.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_MAX_INTEGER: Final = 2**53 - 1
_encoder: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def canonical_bytes(document: Mapping[str, object]) -> bytes:
    """UTF-8 JSON without spaces, keys in UTF-16 order (RFC 8785 section 3.2.3).

    Takes str, int, bool, None, lists and string-keyed mappings; a time becomes its `timestamp`, a UUID its text.
    Raises TypeError for anything else, ValueError for an integer beyond 2**53 - 1 (RFC 7493 section 2.2), a time
    without a zone, and text that is not Unicode.
    """
    return _encoder.encode(_ordered(document)).encode()


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-04-18T10:02:34.123Z`. What is finer is cut off."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not a moment")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ordered(value: object) -> object:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise ValueError("an integer beyond 2**53 - 1 is written as a string")
        return value
    if isinstance(value, Mapping):
        # Within ASCII, where nearly all keys are, the order of characters is that of UTF-16.
        keys = sorted(value) if all(map(str.isascii, value)) else sorted(value, key=_utf16)
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise TypeError(f"a key of type {type(key).__name__} has no canonical form")
    return key.encode("utf-16-be")

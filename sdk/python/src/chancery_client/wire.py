"""What goes over the wire: arguments that were not given, values as JSON, paths and queries."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Optional, TypeVar, Union
from urllib.parse import quote

from chancery_client.model import Model
from chancery_client.secret import Secret

T = TypeVar("T")


class Unset(enum.Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


# An argument that was not given, which is something else than None: None is sent, as null.
UNSET = Unset.UNSET
Maybe = Union[T, Unset]
AnySecret = Union[str, Secret]


def to_wire(value: Any, place: str = "") -> Any:
    """A value as JSON has it; what is UNSET is left out. Raises ValueError, TypeError: there is no such value."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, datetime):
        return _moment(value, place)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Model):
        return value.to_dict(reveal=True)
    if isinstance(value, Mapping):
        given = {key: each for key, each in value.items() if each is not UNSET}
        return {key: to_wire(each, f"{place}.{key}" if place else str(key)) for key, each in given.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [to_wire(each, f"{place}[{number}]") for number, each in enumerate(value)]
    raise TypeError(f"{place or 'the body'}: {type(value).__name__} cannot be sent")


def encode_body(body: Optional[Mapping[str, Any]]) -> Optional[bytes]:
    """The JSON of the arguments that were given; None where none was. Raises ValueError, TypeError as `to_wire`."""
    given = to_wire(body or {})
    return json.dumps(given, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() if given else None


def encode_query(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters of a query that were given; one with several values stands there several times."""
    found = []
    for name, value in query.items():
        if value is None or value is UNSET:
            continue
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        found += [(name, _parameter(each, name)) for each in values]
    return found


def key_if(is_remembered: bool, key: Optional[str]) -> Maybe[Optional[str]]:
    """The caller's key; without one None, for one that is made up, or UNSET where the server would not remember it."""
    return key if is_remembered or key is not None else UNSET


def fill_path(template: str, parameters: Sequence[Any]) -> str:
    """The path with its parameters, each of which stays one segment. Raises ValueError: one is no segment of a path."""
    for parameter in parameters:
        text = str(parameter)
        # Servers decode a slash before they look for what is asked of them.
        if text in ("", ".", "..") or "/" in text or "\\" in text:
            raise ValueError(f"{text!r} cannot be a part of a path")
        template = template.replace("{}", quote(text, safe=":"), 1)
    return template


def _parameter(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(to_wire(value, name))


def _moment(value: datetime, place: str) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{place or 'a time'}: say its zone, as in datetime.now(timezone.utc)")
    return value.isoformat()

"""What all models share: they are made from what the server answers, by the types of their fields."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import types
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Callable, TypeVar, Union, get_args, get_origin, get_type_hints

from chancery_client.secret import HIDDEN, Secret

M = TypeVar("M", bound="Model")
Reader = Callable[[Any], Any]
# Its name, its name on the wire, whether it is always there, and how it is read.
_Field = tuple[str, str, bool, Reader]


class Model:
    """Something that the server answers, as a frozen dataclass. Fields that this version does not know are left out."""

    @classmethod
    def from_wire(cls: type[M], data: Mapping[str, Any]) -> M:
        """Read the JSON object that the server sent. Raises ValueError: it is not one of these."""
        if not isinstance(data, Mapping):
            raise ValueError(f"{cls.__name__}: not an object")
        values = {}
        for field, wire_name, is_required, read in _fields(cls):
            if wire_name in data:
                try:
                    values[field] = read(data[wire_name])
                except (TypeError, ValueError) as error:
                    raise ValueError(f"{cls.__name__}.{field}: {error}") from None
            elif is_required:
                raise ValueError(f"{cls.__name__}.{field} is missing")
        return cls(**values)

    def to_dict(self, *, reveal: bool = False) -> dict[str, Any]:
        """The same as on the wire, ready for JSON; secrets are "[secret]" unless they are to be revealed."""
        return {name: _plain(getattr(self, field), reveal) for field, name, _, _ in _fields(type(self))}


def wire_name(name: str) -> str:
    """What a field or an argument is called on the wire: those that are words of Python have an underscore more."""
    return name[:-1] if name.endswith("_") else name


def parse_datetime(text: str) -> datetime:
    """A time of RFC 3339, with its zone."""
    if text[-1:] in ("Z", "z"):
        text = text[:-1] + "+00:00"
    # Python 3.9 and 3.10 read no other precision than milliseconds and microseconds.
    head, point, tail = text.partition(".")
    if point:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"
    return datetime.fromisoformat(text)


def _fields(model: type[Model]) -> list[_Field]:
    """Worked out once for each model."""
    if model not in _KNOWN:
        hints = get_type_hints(model)
        _KNOWN[model] = [
            (field.name, wire_name(field.name), _has_no_default(field), _reader(hints[field.name]))
            for field in dataclasses.fields(model)  # type: ignore[arg-type]
        ]
    return _KNOWN[model]


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


_KNOWN: dict[type[Model], list[_Field]] = {}
_SIMPLE: dict[Any, Reader] = {datetime: parse_datetime, date: date.fromisoformat, Secret: Secret}
_UNIONS = (Union, types.UnionType) if sys.version_info >= (3, 10) else (Union,)


def _reader(hint: Any) -> Reader:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint.from_wire
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return _union_reader([_reader(each) for each in arguments if each is not type(None)])
    if origin is list:
        read_item = _reader(arguments[0])
        return lambda values: [read_item(each) for each in values]
    if origin is dict:
        read_value = _reader(arguments[1])
        return lambda values: {key: read_value(each) for key, each in values.items()}
    return lambda value: value


def _union_reader(readers: list[Reader]) -> Reader:
    """Null, or whatever the first fitting reader makes of it."""

    def read(value: Any) -> Any:
        if value is None:
            return None
        for each in readers[:-1]:
            with contextlib.suppress(TypeError, ValueError):
                return each(value)
        return readers[-1](value)

    return read


def _plain(value: Any, reveal: bool) -> Any:
    if isinstance(value, Secret):
        return value.reveal() if reveal else HIDDEN
    if isinstance(value, Model):
        return value.to_dict(reveal=reveal)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each, reveal) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each, reveal) for key, each in value.items()}
    return value

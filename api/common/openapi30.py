"""An OpenAPI 3.1 document as one of version 3.0, for those who read no newer one.

3.0 has a schema language of its own (its section 4.7.24), older than JSON Schema 2020-12: no type `null`, no lists of
types, one `example` in the place of `examples`, and nothing beside a `$ref`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = "3.0.3"
_NULL: Final = "null"


def as_version_3_0(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that says the same in OpenAPI 3.0."""
    return {**_converted(document), "openapi": VERSION}


def _converted(value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    found = {name: _converted(each) for name, each in value.items()}
    if isinstance(found.get("type"), list):
        found |= _one_type(found["type"])
    if isinstance(found.get("oneOf"), list):
        _without_null(found)
    if isinstance(found.get("examples"), list):
        found["example"] = found.pop("examples")[0]
    if "$ref" in found and len(found) > 1 and isinstance(found["$ref"], str):
        found = {"allOf": [{"$ref": found.pop("$ref")}], **found}
    return found


def _one_type(types: list[str]) -> dict[str, Any]:
    (kind,) = (each for each in types if each != _NULL)
    return {"type": kind, "nullable": True}


def _without_null(schema: dict[str, Any]) -> None:
    """`oneOf: [x, {type: null}]` is x that may be null."""
    choices = [each for each in schema["oneOf"] if each != {"type": _NULL}]
    if len(choices) == len(schema["oneOf"]):
        return
    del schema["oneOf"]
    schema |= {"allOf": choices, "nullable": True} if len(choices) == 1 else {"oneOf": choices, "nullable": True}

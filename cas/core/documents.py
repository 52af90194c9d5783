"""Reading a stored document field by field, and finding everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from kernel.errors import FieldError, field_error
from kernel.text import _

Value = TypeVar("Value")


class Section:
    """One section of a document. Every `take` names a field that may stand there and returns it, or its default.

    What is wrong is collected in `errors` under `section.field`; `finish()` adds the fields that nobody took.
    """

    def __init__(self, name: str, document: object, errors: list[FieldError]) -> None:
        self._name = name
        self._errors = errors
        self._taken: set[str] = set()
        self._values: Mapping[str, object] = {}
        if isinstance(document, Mapping):
            self._values = document
        else:
            errors.append(field_error(name, "bad-type", _("must be an object")))

    def error(self, field: str, code: str, template: str, **facts: object) -> None:
        self._errors.append(field_error(f"{self._name}.{field}", code, template, **facts))

    def flag(self, field: str, default: bool) -> bool:
        return self._take(field, bool, default, _("must be true or false"))

    def number(self, field: str, default: int, *, least: int, most: int) -> int:
        value = self._take(field, int, default, _("must be a whole number"))
        if not least <= value <= most:
            self.error(field, "out-of-range", _("must be from %(least)s to %(most)s"), least=least, most=most)
            return default
        return value

    def text(self, field: str, default: str) -> str:
        return self._take(field, str, default, _("must be text"))

    def choice(self, field: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(field, default)
        if value not in choices:
            self.error(field, "unknown-value", _("must be one of %(choices)s"), choices=", ".join(choices))
            return default
        return value

    def section(self, field: str) -> Section:
        """The object in this field, as a section of its own; an absent one is empty."""
        self._taken.add(field)
        value = self._values.get(field)
        return Section(field, {} if value is None else value, self._errors)

    def texts(self, field: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts without repetitions."""
        self._taken.add(field)
        value = self._values.get(field)
        if value is None:
            return default
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            self.error(field, "bad-type", _("must be a list of texts"))
            return default
        return tuple(dict.fromkeys(value))

    def finish(self) -> None:
        for field in sorted(str(name) for name in self._values if name not in self._taken):
            self.error(field[:80], "unknown-field", _("is not a field of this document"))

    def _take(self, field: str, kind: type[Value], default: Value, complaint: str) -> Value:
        self._taken.add(field)
        value = self._values.get(field)
        if value is None:
            return default
        # bool is an int to Python, and not to us.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.error(field, "bad-type", complaint)
            return default
        return value

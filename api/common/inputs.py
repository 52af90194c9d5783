"""What a client sends, read strictly: unknown names are errors, and every violation is told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField

from api.common.problems import field_errors
from api.common.shapes import kept
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

_MOST_UNKNOWN: Final = 20


class Input(serializers.Serializer):
    """A request body. `values(data, version)` is all that is used of the serializer."""

    unknown = _("There is no such field here.")
    # For changes: what is not given stays as it is, so nothing is required and nothing has a default.
    all_optional = False
    # A body that could be sent, for the documents; ids are filled in as each version writes them.
    example: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def values(cls, data: Any, *, version: str) -> dict[str, Any]:
        """The fields that were given, and the defaults of the others. Raises Invalid with every violation."""
        plain = data.dict() if isinstance(data, QueryDict) else data
        return kept(cls, version, partial=cls.all_optional).to_internal_value(plain)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise Invalid.of("", "invalid", _("The body must be a JSON object."))
        errors = self._unknown(data)
        values: dict[str, Any] = {}
        for field in self._writable_fields:
            name = str(field.field_name)
            try:
                values[name] = field.run_validation(field.get_value(data))
            except SkipField:
                continue
            except Invalid as error:
                errors += error.errors
            except ValidationError as error:
                errors += field_errors(error.detail, name)
        if errors:
            raise Invalid(errors=errors)
        return values

    def _unknown(self, data: Mapping[str, Any]) -> list[FieldError]:
        names = sorted(name for name in data if name not in self.fields)[:_MOST_UNKNOWN]
        return [field_error(name[:80], "unknown-field", self.unknown) for name in names]


class Query(Input):
    """The parameters of an address."""

    unknown = _("There is no such parameter here.")
    # Parameters that may be given several times; each of them is a list.
    several: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def values(cls, data: Any, *, version: str) -> dict[str, Any]:
        """Raises Invalid, also for a parameter that is given twice."""
        errors = [_twice(name) for name, values in data.lists() if len(values) > 1 and name not in cls.several]
        if errors:
            raise Invalid(errors=errors)
        lists = {name: data.getlist(name) for name in cls.several if name in data}
        return super().values(data.dict() | lists, version=version)


class Number(serializers.IntegerField):
    """A whole number written in an address: plain ASCII digits."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch("[0-9]{1,18}", data):
            self.fail("invalid")
        return int(data)


def _twice(name: str) -> FieldError:
    return field_error(name[:80], "repeated", _("This parameter is given more than once."))

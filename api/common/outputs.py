"""What every dialect shows: fields of answers, all of them read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from api.common.fields import Id, Moment


class Output(serializers.Serializer[Any]):
    """An answer. All its members are read-only, so the schema requires them."""


def text(**options: Any) -> serializers.CharField:
    return serializers.CharField(read_only=True, **options)


def whole(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(read_only=True, **options)


def flag(**options: Any) -> serializers.BooleanField:
    return serializers.BooleanField(read_only=True, **options)


def texts(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), read_only=True, **options)


def moment(**options: Any) -> Moment:
    return Moment(read_only=True, **options)


def one_of(choices: Any, **options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=[str(choice) for choice in choices], read_only=True, **options)


def identity(**options: Any) -> Id:
    return Id(read_only=True, **options)


def attribute(attributes: Mapping[str, Any], name: str) -> str | None:
    """An attribute of a subject for those who show one value; of several the first."""
    value = attributes.get(name)
    return value[0] if isinstance(value, list) else value

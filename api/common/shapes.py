"""Serializers that are made once: each copies all of its fields, which takes longer than to read or write with them."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from rest_framework.serializers import Serializer

S = TypeVar("S", bound=Serializer[Any])


@cache
def kept(shape: type[S], version: str, *, partial: bool = False) -> S:
    """The one serializer of this shape in this version. It holds no data: only `to_internal_value` and
    `to_representation` are for use, by any thread.
    """
    return shape(context={"version": version}, partial=partial)

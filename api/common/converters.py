"""How the addresses of several dialects name a row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import register_converter

from kernel.ref import Ref


class RowNumber:
    """An integer id. Anything else is no address."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> Ref:
        return Ref("pk", int(value))

    def to_url(self, value: Any) -> str:
        return str(value)


class PublicId:
    """A UUID. Anything else is no address."""

    regex = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

    def to_python(self, value: str) -> Ref:
        return Ref("public_id", UUID(value))

    def to_url(self, value: Any) -> str:
        return str(value)


register_converter(PublicId, "public_id")
register_converter(RowNumber, "number")

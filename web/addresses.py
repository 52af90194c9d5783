"""Where each kind of record has its page for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model
from django.urls import reverse

from certificates.models import Certificate

_NAMES: Final[Mapping[type[Model], str]] = {
    Certificate: "certificate",
}


def address_of(row: Any) -> str:
    """Empty for what has no page."""
    name = _NAMES.get(type(row))
    return reverse(name, args=[row.public_id]) if name else ""

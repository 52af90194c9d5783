"""What an event is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Resource:
    """A row by its kind and number, with what people call it copied as text.

    `id` is None where there is no row: a sign-in refused for a name that nobody has. `serial` is lower-case hex.
    """

    type: str
    id: int | None
    label: str = ""
    serial: str | None = None
    public_id: UUID | None = None

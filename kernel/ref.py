"""How an outsider names a row, before anyone has looked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Ref:
    """ "The one whose pk / public id / name / … is this." Whether it exists is the selector's question."""

    by: Literal["pk", "public_id", "name", "slug", "code", "serial", "identifier"]
    value: int | str | UUID

    def __str__(self) -> str:
        return str(self.value)

"""Which rows of the other rooms keep the id of the event that tells of them, so that a verifier can look both ways.

This room is the lowest and knows none of them: each room registers its own when it starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Model

from audit.events import EventName

_registered: Final[dict[type[Model], RowsOfRecord]] = {}


@dataclass(frozen=True, slots=True)
class RowsOfRecord:
    """The rows of `model`, whose column `event` names an event of `told_by`.

    For each event of `made_by` there is such a row. `log` is where the row has the number of its log, as the ORM
    writes it; None: the system's. Where `are_subjects`, the event is about the row itself.
    """

    model: type[Model]
    made_by: frozenset[EventName]
    told_by: frozenset[EventName]
    log: str | None
    are_subjects: bool


def register(
    model: type[Model],
    *,
    made_by: Iterable[EventName] = (),
    told_by: Iterable[EventName] = (),
    log: str | None = "organization_id",
    are_subjects: bool = False,
) -> None:
    """Declare that rows of `model` keep their event's id in `event`.

    Where an event of `made_by` is, its row must be; where a row is, an event of `made_by` or `told_by` must be. Rows
    that may be deleted are `told_by` only. Registering a model again replaces what was said of it.
    """
    lasting = frozenset(made_by)
    _registered[model] = RowsOfRecord(model, lasting, lasting | frozenset(told_by), log, are_subjects)


def registered() -> list[RowsOfRecord]:
    return list(_registered.values())

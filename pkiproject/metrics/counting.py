"""Counting rows of tables that only grow, without ever reading all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.cache import caches
from django.db.models import Count, QuerySet

# Numbers are given out in order and committed in any: no transaction lasts as long as this.
_SETTLED: Final = timedelta(minutes=15)
Counts = Counter[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Growth:
    """How many rows have come since this was first asked, by some of their columns.

    What has settled is counted once and remembered, with the number it was counted through; the rows since then are
    counted anew each time. All processes remember in one place, so that they tell the same. Where that was emptied,
    counting begins again at nothing, as counters do at a restart. Raises RedisError where that is away.
    """

    name: str
    rows: QuerySet[Any]
    columns: tuple[str, ...]
    # The column that says when a row came.
    came: str

    def counts(self, *, at: datetime) -> Counts:
        memory, key = caches["shared"], f"growth:{self.name}"
        kept = memory.get(key)
        if kept is None:
            newest = self.rows.order_by("-pk").values_list("pk", flat=True).first()
            kept = _document(newest or 0, Counter())
            memory.set(key, kept, timeout=None)
        through, counted = _from_document(kept)
        settled = self._settled(through, at)
        if settled is not None:
            counted = counted + self._count(through, settled)
            through = settled
            memory.set(key, _document(through, counted), timeout=None)
        return counted + self._count(through)

    def _settled(self, through: int, at: datetime) -> int | None:
        old = self.rows.filter(**{"pk__gt": through, f"{self.came}__lt": at - _SETTLED})
        newest: int | None = old.order_by("-pk").values_list("pk", flat=True).first()
        return newest

    def _count(self, after: int, through: int | None = None) -> Counts:
        rows = self.rows.filter(pk__gt=after)
        if through is not None:
            rows = rows.filter(pk__lte=through)
        groups = rows.order_by().values_list(*self.columns).annotate(how_many=Count("pk"))
        return Counter({tuple(columns): how_many for *columns, how_many in groups})


def _document(through: int, counted: Counts) -> list[Any]:
    """As a cache keeps it: as JSON."""
    return [through, [[list(columns), how_many] for columns, how_many in counted.items()]]


def _from_document(kept: Any) -> tuple[int, Counts]:
    through, counted = kept
    return through, Counter({tuple(columns): how_many for columns, how_many in counted})

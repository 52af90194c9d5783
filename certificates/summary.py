"""The whole register in a few numbers, for dashboards, at a cost that does not grow with every question.

A register of up to 10,000 certificates is counted when it is asked for. A larger one is counted now and then, by one
question at a time, and the others get what was counted last, with its time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from hashlib import sha256
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from accounts.selectors import reach_sql
from certificates.models import Certificate
from certificates.selectors import certificates
from certificates.statistics import CertificateCounts
from kernel.actor import Actor
from kernel.errors import Unavailable
from kernel.text import _

log = logging.getLogger(__name__)

WINDOWS: Final = (7, 14, 30, 60, 90)
DAYS: Final = 30
# Thirteen weeks.
DAYS_AHEAD: Final = 91
SOON: Final = timedelta(days=30)
COUNTED_AT_ONCE: Final = 10_000
# Counting takes at most a two-hundredth of the time of one core.
_REST: Final = 200
_SHORTEST_REST: Final = 60.0
_LONGEST_COUNT: Final = 300
_KEPT: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Part:
    """The certificates of one CA (its number; None: of none that is known here), or of one kind of key."""

    of: Any
    counts: CertificateCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an actor's register was at `at`; the largest parts come first.

    `expiring` says for each of `WINDOWS` (in days) how many good certificates end within it, `issued` how many were
    made on each of the last 30 days in UTC, today last, and `ending` how many good ones end on each of the next 91,
    today first.
    """

    at: datetime
    certificates: CertificateCounts
    by_ca: tuple[Part, ...]
    by_key_algorithm: tuple[Part, ...]
    expiring: tuple[tuple[int, int], ...]
    issued: tuple[tuple[date, int], ...]
    ending: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    summary: Summary
    made: float
    took: float

    @property
    def is_fresh(self) -> bool:
        return time.time() - self.made < max(_SHORTEST_REST, _REST * self.took)


def summarize(*, visible_to: Actor, at: datetime) -> Summary:
    """The summary at this time, or where the register is large the last one.

    Raises Unavailable (`counting`) where a large one is being counted for the first time, or cannot be remembered.
    """
    key = _key(visible_to)
    kept = _last(key)
    # Only a large one is kept, and none becomes small again.
    if kept is not None and kept.is_fresh:
        return kept.summary
    rows = certificates(visible_to=visible_to).select_related(None).order_by()
    if rows[: COUNTED_AT_ONCE + 1].count() <= COUNTED_AT_ONCE:
        return _count(rows, at)
    return _counted_by_one(key, kept, lambda: _count(rows, at))


def _counted_by_one(key: str, kept: _Kept | None, count: Callable[[], Summary]) -> Summary:
    if not _may_count(key):
        if kept is None:
            raise _counting()
        return kept.summary
    started = time.monotonic()
    try:
        summary = count()
        _keep(key, _Kept(summary, time.time(), time.monotonic() - started))
    finally:
        _keep(_turn(key), None)
    return summary


def _last(key: str) -> _Kept | None:
    try:
        document = cache.get(key)
        return None if document is None else _from_document(document)
    except Exception:
        # Whatever client the cache has; or what is there was kept by another version of this program.
        log.warning("no summary of the register can be read from the cache", exc_info=True)
        return None


def _may_count(key: str) -> bool:
    """Whether nobody else is counting; without a cache every question would count everything. Raises Unavailable."""
    try:
        return bool(cache.add(_turn(key), True, _LONGEST_COUNT))
    except Exception as error:
        raise _counting() from error


def _keep(key: str, value: _Kept | None) -> None:
    try:
        if value is None:
            cache.delete(key)
        else:
            cache.set(key, _document(value), _KEPT)
    except Exception:
        log.warning("a summary of the register was not kept", exc_info=True)


def _document(kept: _Kept) -> dict[str, Any]:
    """As a cache keeps it: as JSON."""
    summary = kept.summary
    return {
        "made": kept.made,
        "took": kept.took,
        "at": summary.at.isoformat(),
        "certificates": list(astuple(summary.certificates)),
        "by_ca": [[part.of, list(astuple(part.counts))] for part in summary.by_ca],
        "by_key_algorithm": [[part.of, list(astuple(part.counts))] for part in summary.by_key_algorithm],
        "expiring": [list(each) for each in summary.expiring],
        "issued": [[day.isoformat(), count] for day, count in summary.issued],
        "ending": [[day.isoformat(), count] for day, count in summary.ending],
    }


def _from_document(kept: Mapping[str, Any]) -> _Kept:
    summary = Summary(
        at=datetime.fromisoformat(kept["at"]),
        certificates=CertificateCounts(*kept["certificates"]),
        by_ca=tuple(Part(of, CertificateCounts(*counts)) for of, counts in kept["by_ca"]),
        by_key_algorithm=tuple(Part(of, CertificateCounts(*counts)) for of, counts in kept["by_key_algorithm"]),
        expiring=tuple((days, count) for days, count in kept["expiring"]),
        issued=tuple((date.fromisoformat(day), count) for day, count in kept["issued"]),
        ending=tuple((date.fromisoformat(day), count) for day, count in kept["ending"]),
    )
    return _Kept(summary, kept["made"], kept["took"])


def _turn(key: str) -> str:
    return f"{key}:counting"


def _key(actor: Actor) -> str:
    """Whoever sees the same rows shares what was counted of them, and nobody else."""
    granted = None if actor.grants is None else sorted({grant.ca_id for grant in actor.grants})
    seen = (reach_sql(actor, "organization_id"), granted)
    return "register-in-numbers:" + sha256(repr(seen).encode()).hexdigest()


def _counting() -> Unavailable:
    return Unavailable(_("The register is being counted. Ask again in a minute."), code="counting")


def _count(rows: QuerySet[Certificate], at: datetime) -> Summary:
    """One pass over the register, and one each over what is young and what ends soon."""
    good, today = Q(state=Certificate.State.ISSUED), at.astimezone(UTC).date()
    windows = {
        f"within_{days}": Count("pk", filter=good & Q(not_after__gte=at, not_after__lte=at + timedelta(days=days)))
        for days in WINDOWS
    }
    grouped = rows.values("ca_id", "key_algorithm").annotate(**_statuses(at), **windows)
    groups: list[dict[str, Any]] = [dict(group) for group in grouped]
    return Summary(
        at=at,
        certificates=_sum(groups),
        by_ca=_parts(groups, "ca_id"),
        by_key_algorithm=_parts(groups, "key_algorithm"),
        expiring=tuple((days, sum(group[f"within_{days}"] for group in groups)) for days in WINDOWS),
        issued=_by_day(rows, "created_at", first=today - timedelta(days=DAYS - 1), days=DAYS),
        ending=_by_day(rows.filter(good, not_after__gte=at), "not_after", first=today, days=DAYS_AHEAD),
    )


def _statuses(at: datetime) -> dict[str, Count]:
    good, soon = Q(state=Certificate.State.ISSUED), at + SOON
    return {
        "active": Count("pk", filter=good & Q(not_after__gt=soon)),
        "expiring": Count("pk", filter=good & Q(not_after__gte=at, not_after__lte=soon)),
        "expired": Count("pk", filter=good & Q(not_after__lt=at)),
        "held": Count("pk", filter=Q(state=Certificate.State.HELD)),
        "revoked": Count("pk", filter=Q(state=Certificate.State.REVOKED)),
    }


def _sum(groups: Iterable[Mapping[str, Any]]) -> CertificateCounts:
    known = list(groups)
    return CertificateCounts(
        **{each.name: sum(group[each.name] for group in known) for each in fields(CertificateCounts)}
    )


def _parts(groups: Sequence[Mapping[str, Any]], column: str) -> tuple[Part, ...]:
    values = {group[column] for group in groups}
    parts = [Part(value, _sum(group for group in groups if group[column] == value)) for value in values]
    return tuple(sorted(parts, key=lambda part: (-part.counts.total, str(part.of))))


def _by_day(rows: QuerySet[Certificate], column: str, *, first: date, days: int) -> tuple[tuple[date, int], ...]:
    """How many there are of each of so many days in UTC; `column` has their time."""
    every = [first + timedelta(days=number) for number in range(days)]
    since = datetime.combine(first, time_of_day.min, UTC)
    within = rows.filter(**{f"{column}__gte": since, f"{column}__lt": since + timedelta(days=days)})
    by_day = within.annotate(day=TruncDate(column, tzinfo=UTC)).values("day")
    counts = dict(by_day.annotate(count=Count("pk")).values_list("day", "count"))
    return tuple((day, counts.get(day, 0)) for day in every)

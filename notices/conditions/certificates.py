"""Certificates that end soon, by the thresholds that they cross.

A rule remembers up to when it has looked, so that each look reads only what has crossed a threshold since, or is new;
once a day it reads everything that lies within its thresholds. Both by the index on the end: what else there is in the
register is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from certificates.filters import parse_filter
from certificates.models import Certificate, Renewal
from certificates.renewal_selectors import TROUBLES
from certificates.search import matching
from kernel.actor import SYSTEM
from notices.documents import moment
from notices.findings import Found, label_of, level_before
from notices.models import Mute, Notice, Rule

MOST: Final = 2_000
KIND: Final = "certificate"
# What has ended for longer is nobody's business any more.
FORGOTTEN_AFTER: Final = timedelta(days=30)
_ALL: Final = timedelta(days=1)
_PATIENCE_WITH_RENEWAL: Final = timedelta(hours=6)
# A threshold is of what lives half as long again at least: what is made for a day is not told of at its birth.
_LIFE: Final = 1.5
_COLUMNS: Final = (
    *("pk", "public_id", "common_name", "subject", "sans", "serial"),
    *("issuer_name", "not_after", "owner__email", "source"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found, and what the rule has seen then. Where it is not all, the next look goes on from it."""

    found: list[Found]
    is_all: bool
    through: int
    was_whole: bool


def look(rule: Rule, at: datetime) -> Look:
    """The certificates of which the rule has to tell now, each with the nearest threshold that it has crossed."""
    is_whole = rule.looked_at is None or rule.looked_at_all is None or rule.looked_at_all <= at - _ALL
    own = Certificate.objects.filter(organization_id=rule.organization_id)
    through = own.order_by().aggregate(last=Max("pk"))["last"] or 0
    found: dict[int, Found] = {}
    for threshold, band in _bands(rule, at):
        parts = [band] if is_whole or rule.looked_at is None else _news(band, rule, threshold)
        for rows in parts:
            room = MOST + 1 - len(found)
            for values in rows.order_by("not_after", "pk").values(*_COLUMNS)[: max(room, 0)]:
                found.setdefault(values["pk"], _found(values, threshold, at))
    return Look(list(found.values())[:MOST], len(found) <= MOST, through, is_whole)


def _bands(rule: Rule, at: datetime) -> Iterator[tuple[int, QuerySet[Certificate]]]:
    """For each threshold, nearest first, what has crossed it and no nearer one, and was not told of it."""
    begin = max(rule.since, at - FORGOTTEN_AFTER)
    for threshold in sorted(rule.thresholds):
        end = at + timedelta(days=threshold)
        rows = _candidates(rule, at).filter(not_after__gt=begin, not_after__lte=end)
        rows = rows.filter(not_before__lte=F("not_after") - timedelta(days=threshold * _LIFE))
        told = Notice.objects.filter(rule=rule, object_id=OuterRef("public_id"), threshold__lte=threshold)
        yield threshold, rows.filter(~Exists(told.filter(organization_id=rule.organization_id)))
        begin = end


def _news(band: QuerySet[Certificate], rule: Rule, threshold: int) -> Sequence[QuerySet[Certificate]]:
    """What has come into the band since the last look: by time, and as a new row."""
    looked_at = rule.looked_at or rule.since
    return [
        band.filter(not_after__gt=looked_at + timedelta(days=threshold)),
        band.filter(pk__gt=rule.looked_through),
    ]


def _candidates(rule: Rule, at: datetime) -> QuerySet[Certificate]:
    rows = narrowed(rule, at).exclude(state=Certificate.State.REVOKED)
    muted = Mute.objects.filter(organization_id=rule.organization_id, object_id=OuterRef("public_id"))
    return rows.filter(_is_left_to_people(at), ~Exists(good_successors(at)), ~Exists(muted))


def _is_left_to_people(at: datetime) -> Q:
    """What renews itself is told of only where that is late, or cannot be done."""
    troubled = Renewal.objects.filter(certificate=OuterRef("pk"), standing__in=TROUBLES)
    is_late = Q(renew_at__isnull=True) | Q(renew_at__lte=at - _PATIENCE_WITH_RENEWAL)
    return is_late | Q(Exists(troubled))


def narrowed(rule: Rule, at: datetime) -> QuerySet[Certificate]:
    """What the rule's filter lets through. Raises what the filter raises."""
    own = replace(SYSTEM, organization_id=rule.organization_id)
    return matching(parse_filter(rule.filter, at=at), visible_to=own).select_related(None).order_by()


def good_successors(at: datetime, certificate: str = "pk") -> QuerySet[Certificate]:
    """Those of a certificate that have taken its place; `certificate` is its number, as the outer query has it."""
    successors = Certificate.objects.filter(replaces_id=OuterRef(certificate), not_after__gt=at)
    return successors.filter(state=Certificate.State.ISSUED)


def _found(values: dict[str, Any], threshold: int, at: datetime) -> Found:
    first = values["sans"][0] if values["sans"] else ""
    ends = values["not_after"]
    return Found(
        kind=KIND,
        object_id=values["public_id"],
        label=label_of(values["common_name"], first, values["subject"], values["serial"]),
        occasion=f"{values['public_id']}:{threshold}",
        level=level_before(ends - at),
        threshold=threshold,
        facts={
            "ends": moment(ends),
            "serial": values["serial"],
            "issuer": values["issuer_name"],
            "source": values["source"],
        },
        owner=values["owner__email"] or "",
    )


def over(at: datetime) -> QuerySet[Notice]:
    """Those that are about a certificate that is revoked, has been renewed, or has ended long ago."""
    rows = Certificate.objects.filter(public_id=OuterRef("object_id"), organization_id=OuterRef("organization_id"))
    rows = rows.filter(~Exists(good_successors(at)), not_after__gt=at - FORGOTTEN_AFTER)
    still = rows.exclude(state=Certificate.State.REVOKED)
    return Notice.objects.filter(~Exists(still))

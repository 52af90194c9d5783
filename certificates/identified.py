"""Certificates that are found by a name of their own: the identifier that a dialect gave them, or a host's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from certificates.models import Certificate, CertificateName
from certificates.selectors import certificates
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.text import _

# So many rows are read at once: a list of any length is neither one long query nor all in memory.
CHUNK: Final = 2_000

State = Certificate.State


class Line(NamedTuple):
    """What lists show of a certificate with an identifier."""

    pk: int
    identifier: str
    common_name: str
    subject_attributes: dict[str, Any]
    usage: str
    created_at: datetime
    not_after: datetime
    state: str


_COLUMNS: Final = tuple("id" if name == "pk" else name for name in Line._fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifiedFilter:
    """Which ones: by exact usage, by being revoked (or on hold) or not, by a part of the common name in any case."""

    usage: str | None = None
    is_revoked: bool | None = None
    common_name_part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCounts:
    """How many certificates with an identifier there are of one usage. `expiring` are among the active ones."""

    usage: str
    total: int
    active: int
    expired: int
    revoked: int
    expiring: int
    renewing: int


def identified(*, visible_to: Actor) -> QuerySet[Certificate]:
    """Those that have an identifier, newest first."""
    return certificates(visible_to=visible_to).filter(identifier__isnull=False)


def read_lines(wanted: IdentifiedFilter, *, visible_to: Actor) -> Iterator[Sequence[Line]]:
    """All that are wanted, newest first, in chunks, each of them one narrow query by key; at least one, perhaps empty.

    What is issued meanwhile is not among them, and nothing is there twice.
    """
    rows = _matching(wanted, visible_to).values_list(*_COLUMNS)
    chunk = [Line(*row) for row in rows[:CHUNK]]
    yield chunk
    while len(chunk) == CHUNK:
        chunk = [Line(*row) for row in rows.filter(pk__lt=chunk[-1].pk)[:CHUNK]]
        if chunk:
            yield chunk


def count_usages(*, visible_to: Actor, at: datetime, soon: timedelta) -> list[UsageCounts]:
    """One row for each usage; held ones count as revoked."""
    good = Q(state=State.ISSUED)
    active = good & Q(not_after__gte=at)
    counts = {
        "total": Count("pk"),
        "active": Count("pk", filter=active),
        "expired": Count("pk", filter=good & Q(not_after__lt=at)),
        "revoked": Count("pk", filter=~good),
        "expiring": Count("pk", filter=active & Q(not_after__lte=at + soon)),
        "renewing": Count("pk", filter=Q(auto_renew=True)),
    }
    rows = identified(visible_to=visible_to).select_related(None).order_by("usage").values("usage").annotate(**counts)
    return [UsageCounts(**cast("dict[str, Any]", row)) for row in rows]


def newest_with_key(name: str, *, visible_to: Actor) -> Certificate:
    """The newest certificate for exactly this host name that is good now and whose private key is kept here.

    Raises NotFound.
    """
    now, wanted = timezone.now(), name.lower().removesuffix(".")
    kinds = [CertificateName.Type.DNS, CertificateName.Type.COMMON_NAME]
    named = CertificateName.objects.filter(value=wanted, type__in=kinds)
    if visible_to.organization_id is not None:
        named = named.filter(organization_id=visible_to.organization_id)
    good = certificates(visible_to=visible_to).filter(
        pk__in=named.values("certificate"),
        state=State.ISSUED,
        not_before__lte=now,
        not_after__gte=now,
        key_custody=Certificate.KeyCustody.STORED,
    )
    found = good.select_related("body", "organization").first()
    if found is None:
        raise NotFound(_("There is no valid certificate with a key for %(name)s."), code="no-host-files", name=name)
    return found


def _matching(wanted: IdentifiedFilter, actor: Actor) -> QuerySet[Certificate]:
    rows = identified(visible_to=actor).select_related(None)
    if wanted.usage is not None:
        rows = rows.filter(usage=wanted.usage)
    if wanted.is_revoked is not None:
        rows = rows.exclude(state=State.ISSUED) if wanted.is_revoked else rows.filter(state=State.ISSUED)
    if wanted.common_name_part:
        rows = rows.filter(common_name__icontains=wanted.common_name_part)
    return rows

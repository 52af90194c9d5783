"""CAs, looked for: by parent, status, kind and name; and the tree in which they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from cas.models import CaCertificate, CertificateAuthority
from kernel.ref import Ref

Kind = CertificateAuthority.Kind
Status = CertificateAuthority.Status

_NEVER_CERTIFIED: Final = Q(status__in=[Status.PENDING, Status.CANCELLED])
# `CertificateAuthority.kind`, asked of many.
_OF_KIND: Final[Mapping[str, Q]] = {
    Kind.PENDING: _NEVER_CERTIFIED,
    Kind.FOREIGN: ~_NEVER_CERTIFIED & Q(key__isnull=True),
    Kind.ROOT: ~_NEVER_CERTIFIED & Q(key__isnull=False, parent__isnull=True),
    Kind.INTERMEDIATE: ~_NEVER_CERTIFIED & Q(key__isnull=False, parent__isnull=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityFilter:
    """Which CAs are looked for; what is empty is not asked. `name` is a part of the name, in any case."""

    parent: Ref | None = None
    status: str | None = None
    kind: str | None = None
    name: str = ""


def find_authorities(rows: QuerySet[CertificateAuthority], wanted: AuthorityFilter) -> QuerySet[CertificateAuthority]:
    """Those of the rows that everything is true of. A parent that is not there has nothing below it."""
    if wanted.parent is not None:
        rows = rows.filter(**{f"parent__{wanted.parent.by}": wanted.parent.value})
    if wanted.status is not None:
        rows = rows.filter(status=wanted.status)
    if wanted.kind is not None:
        rows = rows.filter(_OF_KIND[wanted.kind])
    if wanted.name:
        rows = rows.filter(name__icontains=wanted.name)
    return rows


@dataclass(slots=True)
class Node:
    """A CA and those directly below it, oldest first. `not_after`: when its preferred certificate ends."""

    ca: CertificateAuthority
    not_after: datetime | None
    children: list[Node] = field(default_factory=list)


def tree_of(rows: Iterable[CertificateAuthority]) -> list[Node]:
    """Every CA below its parent; one whose parent is not among the rows stands at the top.

    The rows are in order, and made by `with_ends`.
    """
    nodes = {ca.pk: Node(ca, getattr(ca, "ends_at", None)) for ca in rows}
    tops: list[Node] = []
    for node in nodes.values():
        above = nodes.get(node.ca.parent_id) if node.ca.parent_id is not None else None
        (above.children if above is not None else tops).append(node)
    return tops


def with_ends(rows: QuerySet[CertificateAuthority]) -> QuerySet[CertificateAuthority]:
    """Each with `ends_at`, the end of its preferred certificate; None where it has none."""
    ends = CaCertificate.objects.filter(ca=OuterRef("pk"), preferred=True).values("not_after")[:1]
    return rows.annotate(ends_at=Subquery(ends))

"""CAs, looked for: by parent, status, kind and name; and the tree in which they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from cas.models import CaCertificate, CertificateAuthority
from cas.selectors import ca_not_found
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
    """Which CAs are looked for; what is empty is not asked. `name` is a part of the name, in any case.

    `is_top`: nobody stands above it, whether its key is here or not. `is_good`: it is certified, and not revoked.
    """

    parent: Ref | None = None
    status: str | None = None
    kind: str | None = None
    name: str = ""
    is_top: bool | None = None
    is_good: bool = False


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
    if wanted.is_top is not None:
        rows = rows.filter(parent__isnull=wanted.is_top)
    if wanted.is_good:
        rows = rows.exclude(_NEVER_CERTIFIED).exclude(status=Status.REVOKED)
    return rows


def find_certified(rows: QuerySet[CertificateAuthority], ref: Ref) -> CertificateAuthority:
    """The one of the rows that is meant, if it has, or had, a certificate. Raises NotFound."""
    try:
        return rows.exclude(_NEVER_CERTIFIED).get(**{ref.by: ref.value})
    except CertificateAuthority.DoesNotExist as error:
        raise ca_not_found() from error


def depths_of(rows: Sequence[CertificateAuthority]) -> dict[int, int]:
    """How many CAs stand above each of these, by its number: whether the actor sees them or not."""
    above = {ca.pk: ca.parent_id for ca in rows}
    while unknown := {pk for pk in above.values() if pk is not None} - above.keys():
        above |= CertificateAuthority.objects.filter(pk__in=unknown).values_list("pk", "parent_id")
    return {ca.pk: _depth(ca.pk, above) for ca in rows}


def _depth(pk: int, above: Mapping[int, int | None]) -> int:
    way = [pk]
    while (parent := above.get(way[-1])) is not None and parent not in way:
        way.append(parent)
    return len(way) - 1


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

"""The list of authorities: each below its parent, with what it has in force and how fresh its CRL is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from audit.admin.html import Status, status_of
from cas.models import CertificateAuthority
from cas.search import Node, tree_of, with_ends
from cas.selectors import authorities
from certificates.crl_standing import CrlStanding
from certificates.selectors import with_crls
from certificates.statistics import CertificateCounts
from certificates.summary import summarize
from kernel.actor import Actor
from kernel.errors import Unavailable
from web.authorities.asking import KINDS, ON_A_PAGE, Asked
from web.pictures import MOST_DRAWN, authority_nodes
from web.spreadsheets import Sheet, wants_csv

_DEEPEST_STEP: Final = 5


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest CRL of an authority, and how it stands."""

    signed_at: datetime | None
    lapses_at: datetime | None
    standing: CrlStanding

    @classmethod
    def of(cls, ca: Any, at: datetime) -> Freshness:
        """Of a CA that was made by `with_crls`."""
        standing = CrlStanding.of(ca.crl_next_update, ca.crl_due_at, at=at)
        return cls(ca.crl_this_update, ca.crl_next_update, standing)


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `in_force` is None while a large register is being counted."""

    ca: CertificateAuthority
    step: int
    standing: Status
    not_after: datetime | None
    in_force: int | None
    crl: Freshness | None


_SHEET: Final = Sheet(
    "authorities",
    {
        "id": "ca.public_id",
        "name": "ca.name",
        "kind": "ca.kind.value",
        "parent": lambda row: row.ca.parent and row.ca.parent.name,
        "status": "standing",
        "in_force": "in_force",
        "crl_signed_at": lambda row: row.crl and row.crl.signed_at,
        "crl_lapses_at": lambda row: row.crl and row.crl.lapses_at,
        "path_length": "ca.path_length",
        "key_algorithm": "ca.key_algorithm",
        "not_after": "not_after",
    },
)


def show_list(request: HttpRequest, actor: Actor, context: dict[str, Any]) -> HttpResponseBase:
    """The page, with what the desk adds to it."""
    asked, at = Asked.read(request.GET), timezone.now()
    seen = authorities(visible_to=actor)
    rows = with_crls(with_ends(seen), at=at).prefetch_related("certificates")
    if wants_csv(request.GET):
        return _SHEET.of(_rows(tree_of(list(replace(asked, after=0).among(rows))), counted(actor, at), at))
    found = list(asked.among(rows)[: ON_A_PAGE + 1])
    shown = found[:ON_A_PAGE]
    counts = dict(seen.order_by().values_list("status").annotate(count=Count("pk")))
    context = context | {
        "asked": asked,
        "chips": asked.chips(counts),
        "kinds": KINDS.choices,
        "nodes": _drawn(asked, shown, at),
        "rows": list(_rows(tree_of(shown), counted(actor, at), at)),
        "next": asked.beyond(shown[-1].pk) if len(found) > len(shown) else "",
        "first": replace(asked, after=0).address(),
        "now": at,
    }
    return render(request, "web/authorities/list.html", context)


def _drawn(asked: Asked, shown: Sequence[CertificateAuthority], at: datetime) -> list[Any]:
    """The whole as a picture: of a part, or of very many, it would say less than the table."""
    is_whole = not (asked.is_narrowed or asked.after) and len(shown) <= MOST_DRAWN
    return list(authority_nodes(shown, at=at)) if is_whole else []


def counted(actor: Actor, at: datetime) -> dict[int, CertificateCounts] | None:
    """The certificates of each CA that has any; None while a large register is being counted."""
    try:
        return {part.of: part.counts for part in summarize(visible_to=actor, at=at).by_ca}
    except Unavailable:
        return None


def in_force(counts: CertificateCounts | None) -> int:
    return counts.active + counts.expiring + counts.held if counts else 0


def _rows(
    nodes: Iterable[Node], counts: dict[int, CertificateCounts] | None, at: datetime, step: int = 0
) -> Iterator[Row]:
    for node in nodes:
        ca = node.ca
        yield Row(
            ca,
            min(step, _DEEPEST_STEP),
            status_of(ca.status, node.not_after, at=at),
            node.not_after,
            None if counts is None else in_force(counts.get(ca.pk)),
            Freshness.of(ca, at) if ca.has_key and ca.was_certified else None,
        )
        yield from _rows(_in_order(node.children), counts, at, step + 1)


def _in_order(nodes: Sequence[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (node.ca.name.casefold(), node.ca.pk))

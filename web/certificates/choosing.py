"""Which certificates of the list somebody means: those that he ticked, or all that the filter lets through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone

from certificates.models import Certificate
from certificates.search import search_certificates
from certificates.selectors import certificates
from certificates.services.many import MOST_AT_ONCE
from kernel.actor import Actor
from web.certificates.asking import Asked


@dataclass(frozen=True, slots=True)
class Chosen:
    """Certificates of the list that `asked` asks for, in its order; `has_more` where they are the first 500 only."""

    asked: Asked
    rows: list[Certificate]
    has_more: bool = False

    @classmethod
    def read(cls, sent: QueryDict, actor: Actor) -> Chosen:
        """What a form of the list sent, or one of the pages after it. Raises what `search_certificates` does."""
        asked = Asked.of(sent.get("asked", ""))
        if wants_all(sent):
            wanted = asked.wanted(timezone.now())
            page = search_certificates(wanted, visible_to=actor, limit=MOST_AT_ONCE, order=asked.order)
            return cls(asked, list(page.rows), page.next is not None)
        ticked = [*sent.getlist("chosen"), *sent.get("ids", "").split()]
        return cls(asked, _found(ticked[:MOST_AT_ONCE], actor), len(ticked) > MOST_AT_ONCE)

    @property
    def ids(self) -> str:
        return ids_of(self.rows)


def wants_all(sent: QueryDict) -> bool:
    return "all" in sent


def ids_of(rows: Iterable[Certificate]) -> str:
    """As `Chosen.read` reads them in `ids`."""
    return " ".join(str(row.public_id) for row in rows)


def _found(ticked: list[str], actor: Actor) -> list[Certificate]:
    """In the order of the list; what is no id, or not the actor's to see, is left out."""
    wanted = [each for text in ticked if (each := _uuid(text)) is not None]
    rows = {row.public_id: row for row in certificates(visible_to=actor).filter(public_id__in=wanted)}
    return [rows[each] for each in dict.fromkeys(wanted) if each in rows]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

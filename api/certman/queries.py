"""Which CAs and certificates a list of Certman's is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import prefetch_related_objects
from django.utils import timezone

from api.certman.fields import Bound
from api.common.fields import Choice, Id, Text
from api.common.inputs import Number, Query
from cas.search import AuthorityFilter
from certificates.models import Certificate
from certificates.orders import CertificateFilter, Names, OneOf, Pattern, Period, Status, Term
from certificates.search import count_found, search_certificates
from kernel.actor import Actor

_USUAL_SIZE: Final = 20
_LARGEST_SIZE: Final = 100
_ALL: Final = "all"
_IS_TOP: Final[Mapping[str, bool | None]] = {"root": True, "intermediate": False, _ALL: None}
# A certificate on hold stands on the CRL, so it is none that is active; one that has expired was not revoked.
_STATUSES: Final[Mapping[str, tuple[Status, ...]]] = {
    "active": (Status.ISSUED, Status.EXPIRED),
    "revoked": (Status.REVOKED, Status.HELD),
    _ALL: (),
}


class AuthorityQuery(Query):
    """Which CAs are listed."""

    parentCaId = Id(required=False, help_text="Directly below this CA.")
    type = Choice(_IS_TOP, default=_ALL)

    @staticmethod
    def filter(values: Mapping[str, Any]) -> AuthorityFilter:
        return AuthorityFilter(parent=values.get("parentCaId"), is_top=_IS_TOP[values["type"]], is_good=True)


class CertificateQuery(Query):
    """Which certificates are listed, and which page of them."""

    caId = Id(required=False, help_text="Issued by this CA.")
    status = Choice(_STATUSES, default=_ALL, help_text="`active`: not revoked.")
    search = Text(required=False, allow_blank=True, max_length=200, help_text="A part of the common name, in any case.")
    createdFrom = Bound(required=False, help_text="Created on or after this date or time (ISO 8601).")
    createdTo = Bound(is_end=True, required=False, help_text="Created on or before it.")
    expiringInDays = Number(required=False, min_value=1, max_value=36_600, help_text="It ends within so many days.")
    page = Number(min_value=1, max_value=10**9, default=1)
    pageSize = Number(min_value=1, max_value=_LARGEST_SIZE, default=_USUAL_SIZE)

    @staticmethod
    def filter(values: Mapping[str, Any], *, at: datetime) -> CertificateFilter:
        return CertificateFilter(at=at, terms=tuple(_terms(values, at)))


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its number; `total` counts all of the list, `pages` how many it has."""

    rows: Sequence[Certificate]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        return -(-self.total // self.size)


def find_page(actor: Actor, values: Mapping[str, Any]) -> Page:
    """The page that the values of a CertificateQuery ask for; one beyond the last is empty.

    Raises Invalid on `filter` where it takes too long to find.
    """
    wanted = CertificateQuery.filter(values, at=timezone.now())
    number, size = values["page"], values["pageSize"]
    total = count_found(wanted, visible_to=actor, exactly=True).value
    offset = (number - 1) * size
    rows: Sequence[Certificate] = ()
    if offset < total:
        rows = search_certificates(wanted, visible_to=actor, offset=offset, limit=size).rows
        prefetch_related_objects(rows, "revocations")
    return Page(rows, total, number, size)


def _terms(values: Mapping[str, Any], at: datetime) -> Iterator[Term]:
    if "caId" in values:
        yield OneOf("ca", (str(values["caId"]),))
    if statuses := _STATUSES[values["status"]]:
        yield OneOf("status", statuses)
    if text := values.get("search"):
        yield Names("cn", (Pattern(("", text.lower(), "")),))
    if "createdFrom" in values or "createdTo" in values:
        yield Period("created", since=values.get("createdFrom"), before=values.get("createdTo"))
    if "expiringInDays" in values:
        yield Period("expires", since=at, before=at + timedelta(days=values["expiringInDays"]))

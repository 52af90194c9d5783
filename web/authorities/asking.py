"""What an address asks of the list of authorities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from audit.admin.html import Status, word
from cas.models import CertificateAuthority
from cas.search import AuthorityFilter, find_authorities
from web.asked import place_after, text_of
from web.listing import Chip

ON_A_PAGE: Final = 100
KINDS: Final = CertificateAuthority.Kind
STATUSES: Final = (Status.ACTIVE, Status.PENDING, Status.DISABLED, Status.RETIRED, Status.REVOKED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """An address of the list. What is no answer to its questions is left out."""

    text: str = ""
    status: str = ""
    kind: str = ""
    after: int = 0

    @classmethod
    def read(cls, query: QueryDict) -> Asked:
        return cls(
            text=text_of(query, "q").strip()[:200],
            status=query.get("status", "") if query.get("status") in list(STATUSES) else "",
            kind=query.get("kind", "") if query.get("kind") in KINDS.values else "",
            after=place_after(query.get("after", "")) or 0,
        )

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.status or self.kind)

    def among(self, rows: QuerySet[CertificateAuthority]) -> QuerySet[CertificateAuthority]:
        """Those that it means, in order. What was given up is shown to those who ask for it."""
        wanted = AuthorityFilter(name=self.text, status=self.status or None, kind=self.kind or None)
        found = find_authorities(rows, wanted).filter(pk__gt=self.after).order_by("pk")
        return found if self.status else found.exclude(status=CertificateAuthority.Status.CANCELLED)

    def address(self) -> str:
        parts = {"q": self.text, "status": self.status, "kind": self.kind, "after": str(self.after or "")}
        return "?" + urlencode([(name, value) for name, value in parts.items() if value])

    def beyond(self, last: int) -> str:
        """The address of the page after this row."""
        return replace(self, after=last).address()

    def chips(self, counts: Mapping[str, int]) -> list[Chip]:
        """The states that there are, and how many are in each."""
        return list(self._chips(counts))

    def _chips(self, counts: Mapping[str, int]) -> Iterator[Chip]:
        everything = sum(count for status, count in counts.items() if status != Status.CANCELLED)
        yield Chip(_("All"), replace(self, status="", after=0).address(), everything, not self.status)
        for status in STATUSES:
            if status in counts or status == self.status:
                address = replace(self, status=status, after=0).address()
                yield Chip(word(status), address, counts.get(status, 0), status == self.status)

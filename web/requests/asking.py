"""What an address asks of the list of requests: whose, in which state, from where on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from audit.admin.html import word
from certificates.models import Request
from certificates.request_selectors import RequestFilter, inbox, matching
from kernel.actor import Actor
from kernel.permissions import Permission
from web.asked import place_after

LENGTH: Final = 25


class Tab(StrEnum):
    """Whose requests are shown."""

    INBOX = "inbox"
    ALL = "all"
    OWN = "own"


_WORDS: Final[Mapping[Tab, str | Promise]] = {
    Tab.INBOX: _("Mine to decide"),
    Tab.ALL: _("All"),
    Tab.OWN: _("My own"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """An address of the list. What is no answer to its questions is left out."""

    tab: Tab
    status: str = ""
    after: int = 0

    @classmethod
    def read(cls, query: QueryDict, actor: Actor) -> Asked:
        tabs = tabs_of(actor)
        wanted = query.get("show", "")
        tab = Tab(wanted) if wanted in tabs else tabs[0]
        status = query.get("status", "")
        return cls(
            tab=tab,
            status=status if status in Request.Status.values and tab is not Tab.INBOX else "",
            after=place_after(query.get("after", "")) or 0,
        )

    def found(self, actor: Actor, at: datetime) -> QuerySet[Request]:
        """On all pages: in the inbox what waits longest comes first."""
        if self.tab is Tab.INBOX:
            return inbox(visible_to=actor, at=at)
        wanted = RequestFilter(status=self.status or None, is_own=True if self.tab is Tab.OWN else None)
        return matching(wanted, visible_to=actor, at=at)

    def rows(self, actor: Actor, at: datetime) -> QuerySet[Request]:
        """Those of the page, and one more where there is a next one."""
        rows = self.found(actor, at)
        if self.after:
            rows = rows.filter(pk__gt=self.after) if self.tab is Tab.INBOX else rows.filter(pk__lt=self.after)
        return rows[: LENGTH + 1]

    def address(self) -> str:
        """The query that asks the same."""
        parts = {"show": self.tab.value, "status": self.status, "after": str(self.after or "")}
        return "?" + urlencode({name: value for name, value in parts.items() if value})


@dataclass(frozen=True, slots=True)
class Choice:
    """A tab or a chip: where it leads, and how many there are."""

    label: str | Promise
    address: str
    count: int
    is_current: bool


def tabs_of(actor: Actor) -> list[Tab]:
    """What this person has: those who decide begin with what waits for them."""
    needs = ((Tab.INBOX, Permission.REQUESTS_DECIDE), (Tab.ALL, Permission.REQUESTS_READ))
    return [*(tab for tab, need in needs if holds(actor, need)), Tab.OWN]


def tabs(asked: Asked, actor: Actor, counts: Mapping[str, tuple[int, int]], waiting: int) -> list[Choice]:
    """`counts` by state: how many there are, and how many are his own."""
    numbers = {
        Tab.INBOX: waiting,
        Tab.ALL: sum(number for number, _own in counts.values()),
        Tab.OWN: sum(own for _number, own in counts.values()),
    }
    return [Choice(_WORDS[tab], Asked(tab).address(), numbers[tab], asked.tab is tab) for tab in tabs_of(actor)]


def chips(asked: Asked, counts: Mapping[str, tuple[int, int]]) -> list[Choice]:
    """The states that the list can be narrowed to; none in the inbox, where everything is pending."""
    if asked.tab is Tab.INBOX:
        return []
    which = 1 if asked.tab is Tab.OWN else 0
    numbers = {status: counts.get(status, (0, 0))[which] for status in Request.Status.values}
    everything = Choice(_("All"), Asked(asked.tab).address(), sum(numbers.values()), not asked.status)
    return [everything] + [
        Choice(word(status), replace(asked, status=status, after=0).address(), number, asked.status == status)
        for status, number in numbers.items()
    ]

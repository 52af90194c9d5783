"""The register in figures: each is a number, and the address of the list that has as many rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.admin.html import Status, word
from cas.describe import key_words
from certificates.statistics import CertificateCounts
from certificates.summary import Part, Summary
from kernel.permissions import Permission
from web.charts import Bar, Slice
from web.dashboard.board import Board
from web.dashboard.links import certificates_link, days, list_link

_MOST_PARTS: Final = 8
_WEEK: Final = 7
_TONES: Final = {
    Status.ACTIVE: "ok",
    Status.EXPIRING: "warn",
    Status.HELD: "hold",
    Status.REVOKED: "bad",
    Status.EXPIRED: "mute",
}
# Younger figures than these are of now.
_FRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Figure:
    label: str | Promise
    number: int
    note: str | Promise
    url: str


@dataclass(frozen=True, slots=True)
class Register:
    """`counted_at` where these are not the figures of now."""

    total: int
    slices: Sequence[Slice]
    ending: Sequence[Bar]
    issued: Sequence[Bar]
    by_ca: Sequence[Bar]
    by_key: Sequence[Bar]
    counted_at: datetime | None

    @property
    def most_of_a_ca(self) -> int:
        return max((bar.count for bar in self.by_ca), default=0)

    @property
    def most_of_a_key(self) -> int:
        return max((bar.count for bar in self.by_key), default=0)

    @property
    def nothing_ends(self) -> bool:
        return not any(bar.count for bar in self.ending)


def headline(board: Board) -> list[Figure]:
    """What stands in large type. Raises Unavailable while a large register is being counted."""
    figures = list(_certificate_figures(board.summary)) if board.may(Permission.CERTIFICATES_READ) else []
    if board.may(Permission.REQUESTS_DECIDE):
        waiting = board.waiting_for_me
        figures.append(Figure(_("Approvals"), waiting, _("wait for your word"), list_link("requests")))
    if board.may(Permission.CAS_READ):
        link = list_link("authorities", status="active")
        figures.append(Figure(_("Authorities"), board.authorities_in_service, _("in service"), link))
    return figures


def _certificate_figures(summary: Summary) -> Iterator[Figure]:
    counts = summary.certificates
    notes: dict[Status, str | Promise] = {
        Status.ACTIVE: _("good for more than 30 days"),
        Status.EXPIRING: _("end within 30 days"),
        Status.REVOKED: _("for good"),
    }
    for status, note in notes.items():
        yield Figure(word(status), getattr(counts, status), note, certificates_link(status=status))


def register(board: Board) -> Register:
    """The charts. Raises Unavailable while a large register is being counted."""
    summary = board.summary
    return Register(
        total=summary.certificates.total,
        slices=_slices(summary.certificates),
        ending=_ending(summary),
        issued=_issued(summary),
        by_ca=list(_by_ca(board, summary.by_ca)),
        by_key=list(_by_key(summary.by_key_algorithm)),
        counted_at=summary.at if board.at - summary.at > _FRESH else None,
    )


def _slices(counts: CertificateCounts) -> list[Slice]:
    return [
        Slice(status, getattr(counts, status), tone, certificates_link(status=status))
        for status, tone in _TONES.items()
    ]


def _ending(summary: Summary) -> list[Bar]:
    """By week, today first: a week begins where the one before has ended, whatever day that is."""
    weeks = [summary.ending[start : start + _WEEK] for start in range(0, len(summary.ending), _WEEK)]
    return [_week(week, number) for number, week in enumerate(weeks)]


def _week(week: Sequence[tuple[date, int]], number: int) -> Bar:
    first, last = week[0][0], week[-1][0]
    return Bar(
        label=f"{first} – {last}",
        count=sum(count for _day, count in week),
        url=certificates_link(f"status:issued,{days('expires', first, last)}", sort="expires"),
        tone="bad" if number == 0 else "warn" if number < 4 else "plain",
        mark=date_format(first, "j M"),
    )


def _issued(summary: Summary) -> list[Bar]:
    return [
        Bar(
            label=str(day),
            count=count,
            url=certificates_link(days("created", day, day)),
            tone="ok",
            mark=date_format(day, "j M") if number % _WEEK == 1 else "",
        )
        for number, (day, count) in enumerate(summary.issued)
    ]


def _by_ca(board: Board, parts: Sequence[Part]) -> Iterator[Bar]:
    """What is good, of the CAs with the most of it."""
    known = board.authorities_by_number([part.of for part in parts[:_MOST_PARTS] if part.of is not None])
    for part in parts[:_MOST_PARTS]:
        ca = known.get(part.of)
        link = certificates_link("status:issued", ca=ca.slug) if ca else ""
        yield Bar(ca.name if ca else _("Imported, of a CA that is not known here"), _good(part.counts), link)


def _by_key(parts: Sequence[Part]) -> Iterator[Bar]:
    for part in parts[:_MOST_PARTS]:
        yield Bar(key_words(part.of), _good(part.counts), certificates_link(f"status:issued,key:{part.of}"))


def _good(counts: CertificateCounts) -> int:
    return counts.active + counts.expiring

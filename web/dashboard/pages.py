"""The overview, and its figures as a file. A part that fails says so, and leaves the others standing."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import Organization
from certificates.crl_standing import CrlStanding
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.dashboard.attention import LOOKED_AT, concerns
from web.dashboard.board import MOST_AUTHORITIES, Board, CrlLine
from web.dashboard.figures import headline, register
from web.dashboard.links import list_link
from web.errors import page
from web.first_steps import COMMANDS, first_steps
from web.navigation import reading_actor
from web.pictures import Node, authority_nodes
from web.spreadsheets import defused

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page: what it shows, or why it does not."""

    title: str | Promise
    template: str
    content: Any = None
    fault: str = ""


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    actor = reading_actor(request)
    board = Board(actor, timezone.now())
    has_place = actor.organization_id is not None or actor.is_superuser
    steps = first_steps(request, actor)
    context = {
        "title": _("Overview"),
        "organization": Organization.objects.filter(pk=actor.organization_id or 0).first(),
        "has_place": has_place,
        "issue_link": list_link("certificate-new") if board.may(Permission.CERTIFICATES_ISSUE) else "",
        "now": board.at,
        "panels": list(_panels(board)) if has_place else [],
        "steps": steps,
        # What is not yet set up comes before figures that are all zero.
        "is_new": any(step.is_next and step.url == reverse("setup") for step in steps),
        "commands": COMMANDS,
    }
    return render(request, "web/dashboard/home.html", context)


@login_required
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """What the charts show, as CSV."""
    board = Board(reading_actor(request), timezone.now())
    name = f"figures-{board.at:%Y-%m-%d}.csv"
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"},
    )
    try:
        rows = list(_rows(board))
    except DomainError as error:
        return page(request, 503, gettext("Not yet"), error.message.render(gettext))
    writer = csv.writer(answer)
    writer.writerow(["figure", "of", "number"])
    writer.writerows((figure, defused(of), number) for figure, of, number in rows)
    return answer


def _panels(board: Board) -> Iterator[Panel]:
    attention = _panel(_("What needs you now"), "attention", lambda: concerns(board))
    # Nothing found is good news only from somebody who has looked.
    if attention.content or attention.fault or any(board.may(each) for each in LOOKED_AT):
        yield attention
    yield _panel(_("In figures"), "headline", lambda: headline(board))
    if board.may(Permission.CERTIFICATES_READ):
        yield _panel(_("The register"), "register", lambda: register(board))
    if board.may(Permission.CAS_READ):
        yield _panel(_("Authorities"), "hierarchy", lambda: _hierarchy(board))
    if board.may(Permission.AUDIT_READ):
        yield _panel(_("What happened last"), "events", board.latest_events)


def _panel(title: str | Promise, name: str, make: Callable[[], Any]) -> Panel:
    template = f"web/dashboard/_{name}.html"
    try:
        return Panel(title, template, make())
    except DomainError as error:
        return Panel(title, template, fault=error.message.render(gettext))
    except Exception:
        log.exception("a part of the overview failed")
        return Panel(title, template, fault=gettext("This part could not be loaded. Reload the page to try again."))


_CRL_WORDS: Final = {
    CrlStanding.FRESH: _("CRL fresh until %(when)s"),
    CrlStanding.LATE: _("CRL overdue, ends %(when)s"),
    CrlStanding.EXPIRED: _("CRL expired %(when)s"),
    CrlStanding.MISSING: _("no CRL yet"),
}
_WORST_FIRST: Final = tuple(CrlStanding)


def _hierarchy(board: Board) -> dict[str, Any]:
    """The CAs, each with its CRL that is worst off."""
    worst: dict[int, CrlLine] = {}
    for line in sorted(board.crls, key=lambda line: _WORST_FIRST.index(line.standing), reverse=True):
        worst[line.scope.ca_id] = line
    notes = {ca: str(_CRL_WORDS[line.standing]) % {"when": _minute(line)} for ca, line in worst.items()}
    shown = board.authorities[:MOST_AUTHORITIES]
    nodes: list[Node] = authority_nodes(shown, at=board.at, notes=notes)
    return {"nodes": nodes, "are_more": len(board.authorities) > len(shown)}


def _minute(line: CrlLine) -> str:
    return f"{line.expires_at:%Y-%m-%d %H:%M}" if line.expires_at else ""


def _rows(board: Board) -> Iterator[tuple[str, str, int]]:
    """Figure, of what, and how many; in no language, since programs read it."""
    if not board.may(Permission.CERTIFICATES_READ):
        return
    found = register(board)
    yield from (("status", str(part.status), part.count) for part in found.slices)
    charts = {"ending": found.ending, "issued": found.issued, "ca": found.by_ca, "key": found.by_key}
    yield from ((figure, str(bar.label), bar.count) for figure, bars in charts.items() for bar in bars)

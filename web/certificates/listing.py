"""The list of certificates: narrowed, searched, ordered, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.policy import holds
from audit.admin.forms import message_of
from audit.admin.pages import ServicePage
from cas import selectors as cas_selectors
from certificates.bundles import Format
from certificates.models import Certificate
from certificates.search import count_found, search_certificates
from certificates.services.many import MOST_AT_ONCE
from certificates.summary import summarize
from kernel.actor import Actor
from kernel.errors import DomainError, Unavailable
from kernel.permissions import Permission
from web.certificates.asking import LENGTHS, SORTS, Asked, chips
from web.certificates.bulk import acts_for, views
from web.certificates.columns import ALWAYS, COLUMNS, Column
from web.certificates.export import archive, export
from web.certificates.language import EXAMPLES
from web.certificates.saved import chips_of_saved
from web.desk import Desk

_MOST_CHOICES: Final = 200


# The address where a certificate is renewed; empty where it cannot be, or not by who looks.
RenewalOf = Callable[[Certificate], str]


@dataclass(frozen=True, slots=True)
class RowAct:
    """What can be done with one certificate of the list, said with its name."""

    label: str
    icon: str
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the certificate, what ticks it, its acts, and what the chosen columns show, each with the classes of
    its cell.
    """

    certificate: Certificate
    tick: str
    names: str
    acts: list[RowAct]
    cells: list[tuple[str, object]]


def urls(desk: Desk) -> list[URLPattern]:
    """Of what is done with the list, beside what the desk itself has."""
    several = ("GET", "HEAD", "POST")
    acts = [
        path(f"{desk.place}{act.slug}/", desk.guarded(act.need, view, methods=several), name=f"certificates-{act.slug}")
        for act, view in views()
    ]
    file = desk.guarded(desk.reading, export, methods=several)
    archive_of = desk.guarded(Permission.CERTIFICATES_DOWNLOAD, archive, methods=several)
    return [
        *acts,
        path(f"{desk.place}export/", file, name="certificates-export"),
        path(f"{desk.place}archive/", archive_of, name="certificates-archive"),
    ]


def show(
    request: HttpRequest, actor: Actor, *, doors: list[tuple[str, ServicePage]], renewal_of: RenewalOf
) -> HttpResponse:
    asked, at = Asked.read(request.GET), timezone.now()
    saved = chips_of_saved(asked, actor)
    context: dict[str, Any] = {
        "title": _("Certificates"),
        "asked": asked,
        "chips": chips(asked, _counts(actor)),
        "saved": saved,
        "can_save": asked != Asked(after=asked.after) and not any(chip.is_current for chip in saved),
        "doors": doors,
        "acts": acts_for(actor),
        "may_download": holds(actor, Permission.CERTIFICATES_DOWNLOAD),
        "most_at_once": MOST_AT_ONCE,
        "sorts": [(key, label) for key, (_order, label) in SORTS.items()],
        "lengths": LENGTHS,
        "columns": COLUMNS,
        "help": EXAMPLES,
        "authorities": cas_selectors.authorities(visible_to=actor)
        .order_by("name")
        .values("slug", "name")[:_MOST_CHOICES],
        "templates": cas_selectors.templates(visible_to=actor).order_by("code").values("code")[:_MOST_CHOICES],
    }
    try:
        context |= _found(asked, actor, at, renewal_of)
    except DomainError as error:
        context["refusal"] = message_of(error)
    return render(request, "web/certificates/list.html", context, status=422 if "refusal" in context else 200)


def _found(asked: Asked, actor: Actor, at: datetime, renewal_of: RenewalOf) -> dict[str, Any]:
    """Raises what is wrong with the filter."""
    wanted = asked.wanted(at)
    shown = [COLUMNS[key] for key in asked.columns]
    page = search_certificates(
        wanted,
        visible_to=actor,
        after=asked.position(),
        limit=asked.length,
        order=asked.order,
        columns={*ALWAYS, *(name for column in shown for name in column.reads)},
    )
    prefetch_related_objects(page.rows, *{column.needs for column in shown if column.needs})
    may_download = holds(actor, Permission.CERTIFICATES_DOWNLOAD)
    acts = [list(_acts(row, renewal_of, may_download=may_download)) for row in page.rows]
    return {
        "heads": [column.label for column in shown],
        "rows": [_row(row, each, shown, at) for row, each in zip(page.rows, acts, strict=True)],
        "have_acts": any(acts),
        "total": count_found(wanted, visible_to=actor, exactly=not asked.is_narrowed),
        "next": asked.beyond(page.next) if page.next else "",
    }


def _acts(row: Certificate, renewal_of: RenewalOf, *, may_download: bool) -> Iterator[RowAct]:
    if address := renewal_of(row):
        yield RowAct(_("Renew %(row)s") % {"row": row}, "refresh", address)
    if may_download:
        address = reverse("certificate-file", args=[row.public_id, Format.PEM.value])
        yield RowAct(_("Download %(row)s as PEM") % {"row": row}, "download", address)


def _row(row: Certificate, acts: list[RowAct], shown: Sequence[Column], at: datetime) -> Row:
    number = len(row.sans)
    return Row(
        certificate=row,
        tick=_("Choose %(row)s") % {"row": row},
        acts=acts,
        names=ngettext("%(number)s name", "%(number)s names", number) % {"number": number},
        cells=[(column.classes, column.show(row, at)) for column in shown],
    )


def _counts(actor: Actor) -> dict[str, int]:
    """By status; nothing while a large register is being counted."""
    try:
        counts = summarize(visible_to=actor, at=timezone.now()).certificates
    except Unavailable:
        return {}
    return {status: getattr(counts, status) for status in ("active", "expiring", "revoked", "expired", "held")}

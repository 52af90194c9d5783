"""The list of certificates: narrowed, searched, ordered, page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.admin.forms import message_of
from audit.admin.html import status_of
from audit.admin.pages import ServicePage
from cas import selectors as cas_selectors
from certificates.search import count_found, search_certificates
from certificates.summary import summarize
from kernel.actor import Actor
from kernel.errors import DomainError, Unavailable
from web.certificates.asking import LENGTHS, SORTS, Asked, chips

_MOST_CHOICES: Final = 200


def show(request: HttpRequest, actor: Actor, *, doors: list[tuple[str, ServicePage]]) -> HttpResponse:
    asked, at = Asked.read(request.GET), timezone.now()
    context: dict[str, Any] = {
        "title": _("Certificates"),
        "asked": asked,
        "chips": chips(asked, _counts(actor)),
        "doors": doors,
        "sorts": [(key, label) for key, (_order, label) in SORTS.items()],
        "lengths": LENGTHS,
        "first": replace(asked, after="").address(),
        "authorities": cas_selectors.authorities(visible_to=actor).order_by("name")[:_MOST_CHOICES],
        "templates": cas_selectors.templates(visible_to=actor).order_by("code")[:_MOST_CHOICES],
        "now": at,
    }
    try:
        wanted = asked.wanted(at)
        page = search_certificates(
            wanted, visible_to=actor, after=asked.position(), limit=asked.length, order=asked.order
        )
        context |= {
            "rows": [(row, status_of(row.state, row.not_after, at=at)) for row in page.rows],
            "total": count_found(wanted, visible_to=actor, exactly=not asked.is_narrowed),
            "next": asked.beyond(page.next) if page.next else "",
        }
    except DomainError as error:
        context["refusal"] = message_of(error)
    return render(request, "web/certificates/list.html", context, status=422 if "refusal" in context else 200)


def _counts(actor: Actor) -> dict[str, int]:
    """By status; nothing while a large register is being counted."""
    try:
        counts = summarize(visible_to=actor, at=timezone.now()).certificates
    except Unavailable:
        return {}
    return {status: getattr(counts, status) for status in ("active", "expiring", "revoked", "expired", "held")}

"""One search in everything: what is meant exactly is opened, all else is shown by its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.policy import holds
from accounts.sessions import actor_of
from audit.admin.html import Status, status_of
from audit.models import AuditEvent
from audit.selectors import visible_events
from cas.models import CaCertificate
from cas.search import AuthorityFilter, find_authorities
from cas.selectors import authorities, templates
from certificates.filters import parse_search
from certificates.models import Certificate
from certificates.orders import CertificateFilter, Names, OneOf, Pattern, Serials, Term
from certificates.request_selectors import OPEN, requests
from certificates.search import search_certificates
from certificates.selectors import certificates
from kernel.actor import Actor
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.addresses import address_of
from web.asked import text_of
from web.dashboard.links import certificates_link, list_link
from web.workplace import choose_first

SHOWN: Final = 5
_LONGEST: Final = 500
_EVENT_ID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found; `is_exact`: the text can mean nothing else."""

    title: str
    address: str
    detail: str = ""
    status: Status | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind, and where the rest of it is listed; or why nothing could be looked for."""

    title: str | Promise
    icon: str
    hits: Sequence[Hit] = ()
    all_link: str = ""
    fault: str = ""

    @property
    def shown(self) -> Sequence[Hit]:
        return self.hits[:SHOWN]


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    if actor.organization_id is None:
        return choose_first(request)
    text = text_of(request.GET, "q").strip()[:_LONGEST]
    groups = list(_groups(text, actor, timezone.now())) if text else []
    exact = [hit for group in groups for hit in group.hits if hit.is_exact]
    if len(exact) == 1:
        return redirect(exact[0].address)
    context = {
        "title": _("Search"),
        "text": text,
        "groups": [group for group in groups if group.hits or group.fault],
        "in_names": certificates_link(f"name:*{text}*") if re.fullmatch(r"[\w.-]+", text) else "",
    }
    return render(request, "web/search.html", context)


_Finder = Callable[[str, Actor, datetime], Iterator[Hit]]


def _groups(text: str, actor: Actor, at: datetime) -> Iterator[Group]:
    """Each kind that the actor may read. One that fails leaves the others."""
    for need, title, icon, find, all_link in _KINDS:
        if need is not None and not holds(actor, need):
            continue
        try:
            yield Group(title, icon, list(find(text, actor, at)), all_link(text))
        except DomainError as error:
            yield Group(title, icon, fault=error.message.render(gettext))


# --- certificates -----------------------------------------------------------------------------------------------------


def _certificates(text: str, actor: Actor, at: datetime) -> Iterator[Hit]:
    for row in _by_id(certificates(visible_to=actor), text):
        yield _certificate(row, at, is_exact=True)
    wanted = parse_search(text, at=at)
    quick = CertificateFilter(at=at, terms=tuple(map(_by_index, wanted.terms)))
    for row in search_certificates(quick, visible_to=actor, limit=SHOWN + 1).rows:
        yield _certificate(row, at, is_exact=_means(wanted.terms, row))


def _certificate(row: Certificate, at: datetime, *, is_exact: bool) -> Hit:
    detail = f"{row.serial.upper()} · {row.not_after:%Y-%m-%d}"
    return Hit(str(row), address_of(row), detail, status_of(row.state, row.not_after, at=at), is_exact)


def _by_index(term: Term) -> Term:
    """What was written without a field is looked for where names begin and end, which an index finds."""
    if not isinstance(term, Names) or term.field != "name":
        return term
    return replace(term, patterns=tuple(quick for pattern in term.patterns for quick in _ends(pattern)))


def _ends(pattern: Pattern) -> tuple[Pattern, ...]:
    match pattern.parts:
        case [text] | ["", text, ""]:
            return Pattern((text, "")), Pattern(("", text))
    return (pattern,)


def _means(terms: Sequence[Term], row: Certificate) -> bool:
    """Whether the text is this row's serial number or fingerprint, and not the beginning of several."""
    match terms:
        case [Serials(values, sha1)]:
            return any(row.serial in number.readings for number in values) or bool(sha1 and row.body.sha1 == sha1)
        case [OneOf("fingerprint", values)]:
            return row.fingerprint in values or row.body.sha1 in values
    return False


# --- all else ---------------------------------------------------------------------------------------------------------


def _authorities(text: str, actor: Actor, at: datetime) -> Iterator[Hit]:
    seen = authorities(visible_to=actor)
    digits = re.sub(r"[:\s]", "", text.lower()).removeprefix("0x")
    if re.fullmatch(r"[0-9a-f]{8,64}", digits):
        own = CaCertificate.objects.select_related("ca").filter(ca__in=seen.order_by())
        for row in own.filter(Q(fingerprint=digits) | Q(serial=digits.lstrip("0")))[: SHOWN + 1]:
            yield Hit(row.ca.name, address_of(row), row.serial.upper(), status_of("active", row.not_after, at=at), True)
    named = find_authorities(seen, AuthorityFilter(name=text)).order_by("pk")
    for ca in (*named[: SHOWN + 1], *_by_id(seen, text)):
        yield Hit(ca.name, address_of(ca), ca.subject, Status(ca.status), str(ca.public_id) == text.lower())


def _templates(text: str, actor: Actor, at: datetime) -> Iterator[Hit]:
    found = templates(visible_to=actor).filter(Q(code__icontains=text) | Q(name__icontains=text))
    for row in found[: SHOWN + 1]:
        yield Hit(row.code, address_of(row), f"{row.name} · {row.ca.name}")


def _requests(text: str, actor: Actor, at: datetime) -> Iterator[Hit]:
    """Those that are open, by what they ask for; any by its number."""
    seen = requests(visible_to=actor)
    asked = seen.filter(status__in=OPEN).annotate(names=Cast("sans", TextField()))
    found = asked.filter(Q(subject__icontains=text) | Q(names__icontains=text) | Q(requester_label__icontains=text))
    for row in (*found[: SHOWN + 1], *_by_id(seen, text)):
        detail = f"{row.requester_label} · {row.created_at:%Y-%m-%d}"
        yield Hit(row.name, address_of(row), detail, Status(row.status), str(row.public_id) == text.lower())


def _events(text: str, actor: Actor, at: datetime) -> Iterator[Hit]:
    """By their own number, or that of the request in which they happened."""
    number = text.upper()
    if not _EVENT_ID.fullmatch(number):
        return
    rows = visible_events(actor)
    for event in (*rows.filter(event_id=number), *rows.filter(trace_id=number).order_by("-pk")[: SHOWN + 1]):
        detail = f"{event.actor_label} · {event.at:%Y-%m-%d %H:%M}"
        yield Hit(
            _event_words(event), reverse("audit-event", args=[event.event_id]), detail, None, event.event_id == number
        )


def _event_words(event: AuditEvent) -> str:
    return f"{event.name} · {event.resource_label}" if event.resource_label else event.name


def _by_id(rows: Any, text: str) -> Sequence[Any]:
    try:
        return list(rows.filter(public_id=UUID(text)))
    except ValueError:
        return ()


_KINDS: Final[tuple[tuple[Permission | None, Promise, str, _Finder, Callable[[str], str]], ...]] = (
    (Permission.CERTIFICATES_READ, _("Certificates"), "certificate", _certificates, certificates_link),
    (Permission.CAS_READ, _("Authorities"), "authority", _authorities, lambda text: list_link("authorities", q=text)),
    (None, _("Requests"), "inbox", _requests, lambda text: list_link("requests", show="all")),
    (Permission.TEMPLATES_READ, _("Templates"), "template", _templates, lambda text: list_link("templates", q=text)),
    (Permission.AUDIT_READ, _("Audit log"), "history", _events, lambda text: list_link("audit", trace_id=text)),
)

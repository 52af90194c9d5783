"""Requests and what is decided on them: the inbox of who decides, and what has become of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_csr
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from accounts.said import rendered
from audit.admin.html import status_of, word
from audit.admin.pages import ServicePage
from certificates.admin.comparison import Verdict, compare
from certificates.admin.request_batch import ApproveSeveral, compare_all
from certificates.admin.request_pages import Approve, Cancel, Fulfil, Reject, RequestPage, requester_of
from certificates.models import Decision, Request
from certificates.request_history import history_of, namesakes
from certificates.request_selectors import (
    count_by_status,
    get_request,
    inbox,
    last_decision,
    neighbours,
    with_everything,
)
from certificates.services.keys import is_awaited, may_collect
from certificates.services.review import Findings, findings_about
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.desk import Desk
from web.requests.asking import LENGTH, Asked, Tab, chips, tabs
from web.spreadsheets import Sheet, wants_csv

_ASKING: Final = frozenset({Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW})
_MOST_NAMESAKES: Final = 10
_SHEET: Final = Sheet(
    "requests",
    {
        "id": "public_id",
        "name": "name",
        "kind": "kind",
        "names": "sans",
        "template": lambda row: row.template and row.template.code,
        "requested_by": "requester_label",
        "created_at": "created_at",
        "status": "status",
        "approvals_given": "approvals_given",
        "approvals_needed": "approvals_needed",
        "expires_at": "expires_at",
    },
)


class RequestDesk(Desk):
    """Who has no right to read them all sees his own."""

    name = "request"
    list_name = "requests"
    place = "requests/"
    plural = _("Approvals")
    reading = _ASKING | {Permission.REQUESTS_READ}
    list_doors = {ApproveSeveral: Permission.REQUESTS_DECIDE}
    doors = {
        Approve: Permission.REQUESTS_DECIDE,
        Reject: Permission.REQUESTS_DECIDE,
        Fulfil: _ASKING | {Permission.REQUESTS_DECIDE},
        Cancel: _ASKING,
    }

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_request(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        at, asked = timezone.now(), Asked.read(request.GET, actor)
        if wants_csv(request.GET):
            return _SHEET.of(with_everything(asked.found(actor, at)))
        counts = count_by_status(visible_to=actor)
        rows = list(with_everything(asked.rows(actor, at)))
        shown, more = compare_all(rows[:LENGTH]), rows[LENGTH:]
        is_inbox = asked.tab is Tab.INBOX
        can_approve = is_inbox and any(found.verdict is Verdict.OK for _row, found in shown)
        context = {
            "title": self.plural,
            "tabs": tabs(asked, actor, counts, inbox(visible_to=actor, at=at).count()),
            "chips": chips(asked, counts),
            "asked": asked,
            "is_inbox": is_inbox,
            "rows": shown,
            "doors": self.list_offered(request, actor) if can_approve else [],
            "first": replace(asked, after=0).address() if asked.after else "",
            "next": replace(asked, after=shown[-1][0].pk).address() if more else "",
            "last": last_decision(visible_to=actor) if is_inbox and not rows else None,
        }
        return render(request, "web/requests/list.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Request) -> HttpResponse:
        at, findings = timezone.now(), findings_about(obj)
        before, after = neighbours(obj, visible_to=actor, at=at)
        context = {
            "title": obj.name,
            "row": obj,
            "requester": requester_of(obj),
            "found": compare(obj, findings),
            "doors": self.ready(self._knowing(findings, request, actor, obj)),
            "hindrance": _hindrance(request, actor, obj),
            "steps": list(_steps(obj)),
            "history": _history(actor, obj),
            "namesakes": _namesakes(actor, obj, at),
            "csr": _pem(obj),
            "has_key": _has_key(actor, obj),
            "before": before,
            "after": after,
        }
        return render(request, "web/requests/record.html", context)

    def _knowing(self, findings: Findings, request: HttpRequest, actor: Actor, obj: Request) -> list[ServicePage]:
        """The pages beside it, told what stands against it, so that none of them looks again."""
        pages = self.pages_of(request, actor, obj)
        for page in pages:
            if isinstance(page, RequestPage):
                page.findings = findings
        return pages


@dataclass(frozen=True, slots=True)
class Step:
    """Something that has happened to a request."""

    at: datetime
    words: str | Promise
    who: str = ""
    note: str = ""
    tone: str = ""


def _steps(row: Request) -> Iterator[Step]:
    yield Step(row.created_at, _("Asked for"), requester_of(row), row.description)
    for decision in row.decisions.all():
        tone = "bad" if decision.verdict == Decision.Verdict.REJECTED else ""
        yield Step(decision.created_at, decision.get_verdict_display(), decision.approver_label, decision.reason, tone)
    if row.closed_at is not None and row.status != Request.Status.REJECTED:
        tone = "bad" if row.status == Request.Status.FAILED else "quieted"
        yield Step(row.closed_at, word(row.status), note=rendered(row.last_error, gettext), tone=tone)


def _hindrance(request: HttpRequest, actor: Actor, row: Request) -> str | Promise:
    """Why the reader cannot decide on what waits; empty where he can, and where nobody would expect it of him."""
    if row.status != Request.Status.PENDING:
        return ""
    if actor.person_id not in row.asked_by and not holds(actor, Permission.REQUESTS_DECIDE):
        return ""
    return Reject(request, row).hindrance()


def _history(actor: Actor, row: Request) -> dict[str, Any]:
    found = history_of(row, visible_to=actor)
    return {"newest": found.newest, "counts": list(found.counts.items())}


def _namesakes(actor: Actor, row: Request, at: datetime) -> list[tuple[Any, str]] | None:
    """Certificates that have its names; None for those who may not read any."""
    if not holds(actor, Permission.CERTIFICATES_READ):
        return None
    found = namesakes(row, visible_to=actor, at=at, limit=_MOST_NAMESAKES)
    return [(each, status_of(each.state, each.not_after, at=at)) for each in found]


def _has_key(actor: Actor, row: Request) -> bool:
    """Whether a private key waits for the reader, to be collected once."""
    if row.certificate is None or actor.person_id != row.person_id:
        return False
    return is_awaited(row.certificate) and may_collect(actor, row.certificate)


def _pem(row: Request) -> str:
    return load_der_x509_csr(bytes(row.csr)).public_bytes(Encoding.PEM).decode() if row.csr else ""


DESK: Final = RequestDesk()

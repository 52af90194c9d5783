"""The log, one event of it with its proof, its verification and its export."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from audit import selectors, tasks, verifier
from audit.admin.files import attachment
from audit.admin.forms import message_of
from audit.evidence import prove_inclusion, published_keys
from audit.models import AuditEvent
from audit.services import check_log, export, in_pieces
from certificates.search import time_limit
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from web.addresses import address_about
from web.asked import place_after
from web.audit.asking import EventSearch, address_without
from web.audit.faults import fault_texts
from web.desk import Desk

_LENGTH: Final = 50
_PATIENCE: Final = 5_000
# What is verified while the reader waits, about two seconds; a longer log is verified by the worker.
_AT_ONCE: Final = 10_000
# Seconds between two verifications that people have asked for, of a short log and of a long one.
_PAUSE: Final = 5
_PAUSE_LONG: Final = 600


class ExportForm(forms.Form):
    since = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        help_text=_("Older events are told by their hashes alone. Empty: the whole log."),
    )


class AuditDesk(Desk):
    """The log of the organization where the reader works."""

    name = "audit-event"
    list_name = "audit"
    place = "audit/"
    plural = _("Audit log")
    reading = Permission.AUDIT_READ

    def urls(self) -> list[URLPattern]:
        event = f"{self.place}<str:event_id>/"
        return [
            path(self.place, self.guarded(self.reading, self.show_list), name=self.list_name),
            path(f"{self.place}verify/", self._act(self.verify), name="audit-verify"),
            path(f"{self.place}export/", self._act(self.export), name="audit-export"),
            path(f"{self.place}verifier.py", self.guarded(self.reading, self.verifier), name="audit-verifier"),
            path(f"{self.place}checkpoint", self.guarded(self.reading, self.checkpoint), name="audit-checkpoint"),
            path(event, self.guarded(self.reading, self.show_event), name=self.name),
            path(f"{event}proof.json", self.guarded(self.reading, self.proof), name="audit-proof"),
        ]

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        search = EventSearch(request.GET)
        context: dict[str, Any] = {
            "title": self.plural,
            "search": search,
            "is_narrowed": any(request.GET.get(name) for name in search.fields),
            "export_form": ExportForm(prefix="export"),
            "public_keys": [bytes(row.public_key).hex() for row in published_keys()],
        }
        if search.is_valid():
            try:
                context |= self._events(request, actor, search)
            except DomainError as error:
                search.add_error(None, message_of(error))
        context |= _standing(actor)
        return render(request, "web/audit/list.html", context, status=200 if search.is_valid() else 422)

    def show_event(self, request: HttpRequest, actor: Actor, event_id: str) -> HttpResponse:
        event = _get(event_id, actor)
        about = event.document["resource"]
        context = {
            "title": event.name,
            "event": event,
            "document": json.dumps(event.document, indent=2, ensure_ascii=False),
            "metadata": {name: _said(value) for name, value in event.document["metadata"].items()},
            "about": address_about(about["type"], about.get("public_id")),
            "list_title": self.plural,
        }
        try:
            context["proof"] = prove_inclusion(event_id, visible_to=actor)
        except DomainError as error:
            context |= {"no_proof": message_of(error), "is_damaged": error.error_code == "log-damaged"}
        return render(request, "web/audit/event.html", context)

    def proof(self, request: HttpRequest, actor: Actor, event_id: str) -> HttpResponse:
        """A document for `verifier.py --proof`."""
        try:
            proof = prove_inclusion(_get(event_id, actor).event_id, visible_to=actor)
        except DomainError as error:
            messages.error(request, message_of(error))
            return redirect("audit-event", event_id)
        response = JsonResponse(proof.document())
        response.headers["Content-Disposition"] = f'attachment; filename="proof-{event_id}.json"'
        return response

    def verifier(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        return attachment("verifier.py", Path(str(verifier.__file__)).read_bytes(), "text/x-python")

    def checkpoint(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        """The newest, as the file to keep elsewhere."""
        try:
            found = selectors.get_checkpoint(_log(actor), None, visible_to=actor)
        except NotFound as error:
            raise Http404 from error
        return attachment(f"checkpoint-{found.log}-{found.size}", found.note.encode(), "text/plain")

    def verify(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        log = _log(actor)
        is_long = selectors.count_events(log) > _AT_ONCE
        # Whoever asks again and again keeps the worker from nothing else.
        if not cache.add(f"audit-verify:{log}", True, _PAUSE_LONG if is_long else _PAUSE):
            messages.info(request, _("The log is being verified. This page shows the result when it is there."))
        elif is_long:
            tasks.check_log.apply_async([log], expires=_PAUSE_LONG)
            messages.info(request, _("The log is being verified. This page shows the result when it is there."))
        elif check_log(actor=actor, log=log).is_sound:
            messages.success(request, _("Everything in the log is as it was signed."))
        else:
            messages.error(request, _("Not everything in the log is as it was signed."))
        return redirect("audit")

    def export(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        form = ExportForm(request.POST, prefix="export")
        if not form.is_valid():
            messages.error(request, _("This is no date: nothing was exported."))
            return redirect("audit")
        lines = export(actor=actor, logs=[_log(actor)], since=form.cleaned_data["since"])
        response = StreamingHttpResponse(in_pieces(lines), content_type="application/x-ndjson")
        name = f"audit-{timezone.now():%Y-%m-%d}.jsonl"
        response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response

    def _act(self, act: Any) -> Any:
        @login_required
        @require_POST
        def view(request: HttpRequest) -> HttpResponseBase:
            return self._enter(request, self.reading, lambda actor: act(request, actor))

        return view

    def _events(self, request: HttpRequest, actor: Actor, search: EventSearch) -> dict[str, Any]:
        last = place_after(request.GET.get("before", ""))
        with time_limit(_PATIENCE):
            rows = selectors.list_events(search.wanted(actor), visible_to=actor, before=last, limit=_LENGTH + 1)
        shown = rows[:_LENGTH]
        return {
            "days": [(day, list(events)) for day, events in groupby(shown, key=lambda event: event.at.date())],
            "next": address_without(request.GET, before=str(shown[-1].pk)) if len(rows) > _LENGTH else "",
            "first": address_without(request.GET, "before") if last is not None else "",
        }


def _standing(actor: Actor) -> dict[str, Any]:
    """What is known of the log as a whole: how many events, what seals them, and when it was last verified."""
    log = _log(actor)
    check = selectors.latest_check(log)
    return {
        "total": selectors.count_events(log),
        "checkpoint": selectors.latest_checkpoint(log),
        "check": check,
        "findings": list(fault_texts(check)) if check else [],
    }


def _log(actor: Actor) -> int:
    if actor.organization_id is None:
        raise Http404
    return actor.organization_id


def _said(value: Any) -> str:
    """As it stands in what was signed; a text without its quotes."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _get(event_id: str, actor: Actor) -> AuditEvent:
    try:
        return selectors.get_event(event_id, visible_to=actor)
    except NotFound as error:
        raise Http404 from error


DESK: Final = AuditDesk()

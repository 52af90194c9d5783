"""The notification centre: what the organization was told, by what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.policy import holds
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import Text
from notices import selectors
from notices.admin.notice_pages import MuteObject
from notices.admin.words import level_pill
from notices.models import Notice
from notices.sentences import sentence_of
from notices.services.reading import mark_read
from web.desk import Desk, View
from web.listing import chips_of, page_of
from web.notices.deliveries import count_dead
from web.notices.places import address_of_subject
from web.spreadsheets import Sheet, wants_csv

_CLOSED: Final = "closed"
_CHIPS: Final[Mapping[str, str | Promise]] = {"": _("Still so"), _CLOSED: _("Over")}
_SHEET: Final = Sheet(
    "notifications",
    {
        "id": "public_id",
        "about": "label",
        "level": "level",
        "notice": sentence_of,
        "rule": lambda row: row.rule and row.rule.name,
        "created_at": "created_at",
        "closed_at": "closed_at",
    },
)


class ReadForm(forms.Form):
    """Up to which notice the reader has seen them all."""

    up_to = forms.UUIDField()


@dataclass(frozen=True, slots=True)
class Told:
    """One notice, in the reader's language."""

    row: Notice
    sentence: Text
    level: SafeString


@dataclass(frozen=True, slots=True)
class Group:
    """What was told of one thing, newest first; `mute` is where one asks to hear of it no more."""

    label: str
    address: str
    mute: str
    is_unread: bool
    told: list[Told] = field(default_factory=list)


class NoticeDesk(Desk):
    """A notice has no page of its own: it leads to what it is about."""

    name = "notice"
    list_name = "notices"
    place = "notifications/"
    plural = _("Notifications")
    reading = Permission.NOTICES_READ
    doors = {MuteObject: Permission.NOTICES_WRITE}

    def urls(self) -> list[URLPattern]:
        own = [each for each in super().urls() if each.name != self.name]
        return [path(f"{self.place}read/", self._read(), name="notices-read"), *own]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.get_notice(ref, visible_to=actor)

    def address_of(self, obj: Model) -> str:
        return self.list_address()

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        status = _CLOSED if request.GET.get("status") == _CLOSED else ""
        rows = selectors.visible_notices(visible_to=actor, is_open=not status)
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET, kept={"status": status}, newest_first=True)
        open_ones = [row.pk for row in page.rows if row.closed_at is None]
        unread = selectors.unread_among(open_ones, visible_to=actor)
        may_mute = holds(actor, Permission.NOTICES_WRITE) and not status
        context = {
            "title": self.plural,
            "status": status,
            "chips": chips_of(status, _CHIPS),
            "page": page,
            "groups": _grouped(page.rows, unread, may_mute=may_mute),
            "newest": page.rows[0].public_id if unread and not page.first else "",
            "rules": _watching(actor) if not page.rows else 0,
            "dead": count_dead(visible_to=actor),
        }
        return render(request, "web/notices/centre.html", context)

    def _read(self) -> View:
        @login_required
        @require_POST
        def view(request: HttpRequest) -> HttpResponseBase:
            return self._enter(request, self.reading, lambda actor: _mark_read(request, actor))

        return view


def _mark_read(request: HttpRequest, actor: Actor) -> HttpResponse:
    form = ReadForm(request.POST)
    try:
        if not form.is_valid():
            raise Http404
        mark_read(actor=actor, up_to=Ref("public_id", str(form.cleaned_data["up_to"])))
    except NotFound as error:
        raise Http404 from error
    return redirect("notices")


def _watching(actor: Actor) -> int:
    return selectors.visible_rules(visible_to=actor).filter(is_active=True).count()


def _grouped(rows: Sequence[Notice], unread: frozenset[int], *, may_mute: bool) -> list[Group]:
    """By what they are about, in the order of the newest of each; what was not read yet stands first."""
    groups: dict[tuple[str, object], Group] = {}
    for row in rows:
        # What is about nothing that has an id stands for itself.
        key = (row.kind, row.object_id or row.pk)
        if key not in groups:
            mute = reverse("notice-mute", args=[row.public_id]) if may_mute and row.object_id else ""
            groups[key] = Group(row.label, address_of_subject(row), mute, row.pk in unread)
        groups[key].told.append(Told(row, sentence_of(row), level_pill(row)))
    return sorted(groups.values(), key=lambda group: not group.is_unread)


DESK: Final = NoticeDesk()

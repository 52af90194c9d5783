"""What nobody wants to hear of any more."""

from __future__ import annotations

from typing import Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from notices import selectors
from notices.admin.notice_pages import Unmute
from web.addresses import address_about
from web.desk import Desk
from web.listing import page_of
from web.spreadsheets import Sheet, wants_csv

_SHEET: Final = Sheet(
    "muted",
    {
        "id": "public_id",
        "kind": "kind",
        "object": "object_id",
        "name": "label",
        "muted_by": "muted_by",
        "created_at": "created_at",
    },
)


class MuteDesk(Desk):
    """What is muted has its own page elsewhere."""

    name = "mute"
    list_name = "mutes"
    place = "notifications/muted/"
    plural = _("Muted")
    reading = Permission.NOTICES_READ
    doors = {Unmute: Permission.NOTICES_WRITE}

    def urls(self) -> list[URLPattern]:
        return [each for each in super().urls() if each.name != self.name]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.get_mute(ref, visible_to=actor)

    def address_of(self, obj: Model) -> str:
        return self.list_address()

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        muted = selectors.visible_mutes(visible_to=actor)
        if wants_csv(request.GET):
            return _SHEET.of(muted)
        page = page_of(muted, request.GET, newest_first=True)
        rows = [
            (row, address_about(row.kind, str(row.object_id)), self.offered(request, actor, row)) for row in page.rows
        ]
        return render(request, "web/notices/muted.html", {"title": self.plural, "page": page, "rows": rows})


DESK: Final = MuteDesk()

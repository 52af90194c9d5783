"""Messages, and what became of them."""

from __future__ import annotations

import json
from typing import Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.admin.html import word
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from notices import selectors
from notices.admin.notice_pages import SendAgain
from notices.admin.words import standing_of
from notices.models import Delivery
from web.desk import Desk
from web.listing import chips_of, page_of
from web.notices.places import address_of_subject
from web.spreadsheets import Sheet, wants_csv

# More are not counted for a sentence over a page.
_MOST_COUNTED: Final = 1000
_SHEET: Final = Sheet(
    "deliveries",
    {
        "id": "public_id",
        "event": "subject",
        "to": lambda row: row.channel.name if row.channel else row.recipient,
        "status": standing_of,
        "attempts": "attempts",
        "last_status": "last_status",
        "last_error": "last_error",
        "created_at": "created_at",
    },
)


class DeliveryDesk(Desk):
    name = "delivery"
    list_name = "deliveries"
    place = "notifications/deliveries/"
    plural = _("Deliveries")
    reading = Permission.NOTICES_READ
    doors = {SendAgain: Permission.NOTICES_WRITE}

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.get_delivery(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        status = request.GET.get("status", "")
        rows = selectors.visible_deliveries(visible_to=actor).defer("document")
        if status in Delivery.Status.values:
            rows = rows.filter(status=status)
        else:
            status = ""
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET, kept={"status": status}, newest_first=True)
        dead = count_dead(visible_to=actor)
        context = {
            "title": self.plural,
            "status": status,
            "chips": chips_of(status, _labels(), {Delivery.Status.DEAD: dead}),
            "page": page,
            "rows": [(row, standing_of(row)) for row in page.rows],
            "dead": dead,
        }
        return render(request, "web/notices/deliveries.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Delivery) -> HttpResponse:
        context = {
            "title": capfirst(obj.get_subject_display()),
            "row": obj,
            "standing": standing_of(obj),
            "about": address_of_subject(obj.notice) if obj.notice is not None else "",
            "document": json.dumps(obj.document, indent=2, ensure_ascii=False),
            "doors": self.offered(request, actor, obj),
        }
        return render(request, "web/notices/delivery.html", context)


def _labels() -> dict[str, str]:
    return {"": gettext("All")} | {value: word(standing_of(Delivery(status=value))) for value in Delivery.Status.values}


def count_dead(*, visible_to: Actor) -> int:
    """How many messages were given up, and nobody has sent again."""
    dead = selectors.visible_deliveries(visible_to=visible_to).filter(status=Delivery.Status.DEAD)
    return dead.select_related(None).order_by()[:_MOST_COUNTED].count()


DESK: Final = DeliveryDesk()

"""The names that certificates may be ordered for: what proves that they are ours, and whether it has been seen."""

from __future__ import annotations

from typing import Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from acme_client.models import PublicName
from acme_client.name_selectors import get_name, visible_names
from acme_client.public_names import is_address, txt_record
from audit.admin.pages import ServicePage
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.acme.links import order_link
from web.acme.name_pages import ClaimName, GiveUpName, GrantName, ProveName
from web.acme.words import name_pill
from web.asked import text_of
from web.desk import Desk
from web.listing import page_of
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_SHEET: Final = Sheet(
    "public-names",
    {
        "id": "public_id",
        "name": "suffix",
        "proven_at": "proven_at",
        "proven_by": "proven_by",
        "checked_at": "checked_at",
        "last_error": "last_error",
    },
)


class NameDesk(Desk):
    name = "public-name"
    list_name = "public-names"
    place = "acme/names/"
    plural = _("Public names")
    reading = Permission.ACME_READ
    list_doors = {ClaimName: Permission.ACME_WRITE, GrantName: Permission.ACME_WRITE}
    doors = {ProveName: Permission.ACME_WRITE, GiveUpName: Permission.ACME_WRITE}

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_name(ref, visible_to=actor)

    def list_offered(self, request: HttpRequest, actor: Actor) -> list[tuple[str, ServicePage]]:
        return [each for each in super().list_offered(request, actor) if each[1].is_offered()]

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        text = text_of(request.GET, "q").strip()[:253]
        rows = visible_names(visible_to=actor).filter(suffix__icontains=text).order_by("pk")
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET, kept={"q": text})
        context = {
            "title": self.plural,
            "tab": "names",
            "doors": self.list_offered(request, actor),
            "text": text,
            "page": page,
            "rows": [(row, name_pill(row)) for row in page.rows],
        }
        return render(request, "web/acme/names.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: PublicName) -> HttpResponse:
        offered = self.offered(request, actor, obj)
        prove = next((url for url, page in offered if isinstance(page, ProveName)), "")
        record, value = txt_record(obj)
        context = {
            "title": str(obj),
            "name": obj,
            "standing": name_pill(obj),
            "is_address": is_address(obj.suffix),
            "record": record,
            "value": value,
            "prove": prove,
            "order": order_link(actor, names=obj.suffix) if obj.proven_at else "",
            "doors": [(url, page) for url, page in offered if url != prove],
            "trail": trail_of(actor, "public_name", obj),
        }
        return render(request, "web/acme/name.html", context)


DESK: Final = NameDesk()

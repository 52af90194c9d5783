"""Who changes DNS for the organization, and whether he is able to."""

from __future__ import annotations

from typing import Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from acme_client.dns import catalogue
from acme_client.models import DnsProvider
from acme_client.name_selectors import get_provider, visible_providers
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.acme.dns_pages import AddProvider, ChangeProvider, DeleteProvider, TestProvider
from web.acme.words import provider_pill
from web.desk import Desk
from web.listing import page_of
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_SHEET: Final = Sheet(
    "dns-providers",
    {
        "id": "public_id",
        "name": "name",
        "kind": "type",
        "zones": "zones",
        "tested_at": "tested_at",
        "last_error": "last_error",
    },
)


class ProviderDesk(Desk):
    name = "dns-provider"
    list_name = "dns-providers"
    place = "acme/dns-providers/"
    plural = _("DNS providers")
    reading = Permission.ACME_READ
    list_doors = {AddProvider: Permission.ACME_WRITE}
    doors = {
        TestProvider: Permission.ACME_WRITE,
        ChangeProvider: Permission.ACME_WRITE,
        DeleteProvider: Permission.ACME_WRITE,
    }

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_provider(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        rows = visible_providers(visible_to=actor).order_by("pk")
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET)
        context = {
            "title": self.plural,
            "tab": "dns",
            "doors": self.list_offered(request, actor),
            "page": page,
            "rows": [(row, provider_pill(row), catalogue.get_kind(row.type).label) for row in page.rows],
        }
        return render(request, "web/acme/providers.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: DnsProvider) -> HttpResponse:
        kind = catalogue.get_kind(obj.type)
        context = {
            "title": obj.name,
            "provider": obj,
            "standing": provider_pill(obj),
            "kind": kind,
            "config": [(field.label, obj.config.get(field.name, "")) for field in kind.fields if not field.is_secret],
            "doors": self.offered(request, actor, obj),
            "trail": trail_of(actor, "dns_provider", obj),
        }
        return render(request, "web/acme/provider.html", context)


DESK: Final = ProviderDesk()

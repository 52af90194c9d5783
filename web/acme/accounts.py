"""Accounts at public CAs: which there are, how they stand, and what was ordered by them."""

from __future__ import annotations

from typing import Final

from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.selectors import get_account, visible_accounts
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.acme.account_pages import AddAccount, ChangeAccount, DeactivateAccount, RetryAccount, RollKey
from web.acme.links import order_link, orders_link
from web.acme.words import account_pill, server_of
from web.desk import Desk
from web.listing import page_of
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_SHEET: Final = Sheet(
    "acme-accounts",
    {
        "id": "public_id",
        "name": "name",
        "status": "status",
        "provider": server_of,
        "environment": "environment",
        "email": "email",
        "created_at": "created_at",
        "last_error": "last_error",
    },
)


class AccountDesk(Desk):
    name = "acme-account"
    list_name = "acme-accounts"
    place = "acme/accounts/"
    plural = _("Accounts")
    reading = Permission.ACME_READ
    list_doors = {AddAccount: Permission.ACME_WRITE}
    doors = {
        RetryAccount: Permission.ACME_WRITE,
        ChangeAccount: Permission.ACME_WRITE,
        RollKey: Permission.ACME_WRITE,
        DeactivateAccount: Permission.ACME_WRITE,
    }

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_account(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        rows = visible_accounts(visible_to=actor).order_by("pk")
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET)
        context = {
            "title": self.plural,
            "tab": "accounts",
            "doors": self.list_offered(request, actor),
            "page": page,
            "rows": [(row, account_pill(row), server_of(row)) for row in page.rows],
        }
        return render(request, "web/acme/accounts.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: AcmeAccount) -> HttpResponse:
        counts = dict(obj.orders.order_by().values_list("status").annotate(Count("pk")))
        context = {
            "title": obj.name,
            "account": obj,
            "standing": account_pill(obj),
            "server": server_of(obj),
            "orders": [(label, counts[status]) for status, label in AcmeOrder.Status.choices if status in counts],
            "all_orders": orders_link(account=obj.name),
            "order": order_link(actor, account=obj.name) if obj.status == AcmeAccount.Status.VALID else "",
            "doors": self.offered(request, actor, obj),
            "trail": trail_of(actor, "acme_account", obj),
        }
        return render(request, "web/acme/account.html", context)


DESK: Final = AccountDesk()

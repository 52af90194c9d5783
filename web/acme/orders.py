"""Orders at public CAs: the list, and one of them with its steps and with what is to be published for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAuthorization, AcmeOrder
from acme_client.selectors import get_challenge, get_order, visible_accounts, visible_orders
from audit.admin.pages import Words
from certificates.services.keys import is_awaited, may_collect
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.acme.beginning import beginning
from web.acme.new_order import PlaceOrder
from web.acme.order_pages import Cancel, Complete, Refresh, Retry
from web.acme.publishing import Answer, answer_to, publisher_of, waits_for_a_person
from web.acme.remedies import remedies_of
from web.acme.timeline import steps_of
from web.acme.words import challenge_pill, order_pill, server_of
from web.addresses import address_of
from web.asked import text_of
from web.desk import Desk
from web.listing import Chip, address, page_of
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_MOST_ACCOUNTS: Final = 200
Status = AcmeOrder.Status
_SHEET: Final = Sheet(
    "acme-orders",
    {
        "id": "public_id",
        "names": "names",
        "status": "status",
        "account": "account.name",
        "challenge": "challenge_type",
        "created_at": "created_at",
        "last_error": "last_error",
    },
)


class OrderDesk(Desk):
    name = "acme-order"
    list_name = "acme-orders"
    place = "acme/"
    one = "orders/<uuid:public_id>/"
    plural = _("Public certificates")
    reading = Permission.ACME_READ
    list_doors = {PlaceOrder: Permission.CERTIFICATES_ISSUE}
    doors = {
        Refresh: Permission.CERTIFICATES_ISSUE,
        Retry: Permission.CERTIFICATES_ISSUE,
        Cancel: Permission.CERTIFICATES_ISSUE,
    }

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_order(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        asked = Asked.read(request)
        everything = visible_orders(visible_to=actor)
        rows = everything.filter(**asked.conditions())
        if wants_csv(request.GET):
            return _SHEET.of(rows.prefetch_related(None))
        counts = dict(everything.order_by().values_list("status").annotate(Count("pk")))
        page = page_of(rows, request.GET, kept=asked.parts(), newest_first=True)
        context = {
            "title": self.plural,
            "tab": "orders",
            "doors": self.list_offered(request, actor),
            "asked": asked,
            "accounts": visible_accounts(visible_to=actor)[:_MOST_ACCOUNTS],
            "chips": list(asked.chips(counts)) if counts else [],
            "page": page,
            "rows": [(row, order_pill(row)) for row in page.rows],
            "steps": [] if counts else beginning(actor),
        }
        return render(request, "web/acme/orders.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: AcmeOrder) -> HttpResponse:
        pages = self.offered(request, actor, obj)
        refresh = next((url for url, page in pages if isinstance(page, Refresh)), "")
        proofs = list(_proofs(request, actor, obj))
        context: dict[str, Any] = {
            "title": str(obj),
            "order": obj,
            "standing": order_pill(obj),
            "server": server_of(obj.account),
            "steps": steps_of(obj),
            "proofs": proofs,
            "is_by_hand": any(proof.is_by_hand for proof in proofs),
            "remedies": remedies_of(obj),
            "refresh": refresh,
            "doors": [(url, page) for url, page in pages if url != refresh],
            "request_url": address_of(obj.request) if obj.request else "",
            "certificate_url": address_of(obj.certificate) if obj.certificate else "",
            "has_key": _has_key(actor, obj),
            "trail": trail_of(actor, "acme_order", obj),
        }
        return render(request, "web/acme/order.html", context)


class ChallengeDesk(Desk):
    """A challenge is shown by its order; here it is said to be answered."""

    name = "acme-challenge"
    list_name = "acme-orders"
    place = "acme/challenges/"
    plural = _("Public certificates")
    doors = {Complete: Permission.CERTIFICATES_ISSUE}

    def urls(self) -> list[URLPattern]:
        return [self._door(page, need, f"{self.place}{self.one}") for page, need in self.doors.items()]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_challenge(ref, visible_to=actor)

    def address_of(self, obj: Any) -> str:
        return address_of(obj.authorization.order)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the list. What is no answer to its questions is left out."""

    status: str = ""
    account: str = ""

    @classmethod
    def read(cls, request: HttpRequest) -> Asked:
        status, account = (text_of(request.GET, name) for name in ("status", "account"))
        return cls(status if status in Status.values else "", account[:80])

    def parts(self) -> dict[str, str]:
        return {"status": self.status, "account": self.account}

    def conditions(self) -> dict[str, str]:
        wanted = {"status": self.status, "account__name": self.account}
        return {name: value for name, value in wanted.items() if value}

    def chips(self, counts: dict[str, int]) -> Iterator[Chip]:
        """Of every state that an order is in, and of the chosen one."""
        yield Chip(_("All"), address({"account": self.account}), sum(counts.values()), not self.status)
        for status, label in Status.choices:
            if status in counts or status == self.status:
                target = address({"status": status, "account": self.account})
                yield Chip(label, target, counts.get(status, 0), status == self.status)


@dataclass(frozen=True, slots=True)
class Proof:
    """One name of an order, and how the server is shown that it is ours."""

    name: str
    standing: SafeString | str
    answer: Answer | None
    by: Words
    error: str
    complete: str
    is_by_hand: bool = False


def _proofs(request: HttpRequest, actor: Actor, order: AcmeOrder) -> Iterator[Proof]:
    rows = AcmeAuthorization.objects.filter(order=order).select_related("challenge__dns_provider").order_by("pk")
    for row in rows:
        challenge = getattr(row, "challenge", None)
        if challenge is None:
            yield Proof(str(row), row.get_status_display(), None, "", "", "")
            continue
        challenge.authorization, row.order = row, order
        door = CHALLENGES.offered(request, actor, challenge)
        yield Proof(
            name=str(row),
            standing=challenge_pill(challenge),
            answer=answer_to(challenge) if order.status == Status.AUTHORIZING else None,
            by=publisher_of(challenge),
            error=challenge.error,
            complete=door[0][0] if door else "",
            is_by_hand=waits_for_a_person(challenge),
        )


def _has_key(actor: Actor, order: AcmeOrder) -> bool:
    """Whether the private key waits for the reader, to be collected once."""
    row = order.certificate
    return row is not None and is_awaited(row) and may_collect(actor, row)


DESK: Final = OrderDesk()
CHALLENGES: Final = ChallengeDesk()

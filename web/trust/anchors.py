"""The trust anchors of an organization: listed, read, added, trusted no more."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from audit.admin.html import status_of
from cas import selectors as cas_selectors
from cas.admin.anchors import AddAnchors, RetireAnchor
from cas.models import TrustAnchor
from certificates.admin.decoded import decoded_from
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.asked import place_after, text_of
from web.desk import Desk
from web.spreadsheets import Sheet, wants_csv
from web.trust.validation import Validate

_ON_A_PAGE: Final = 50
_SHEET: Final = Sheet(
    "trust-anchors",
    {
        "id": "public_id",
        "name": "name",
        "subject": "subject",
        "status": lambda row: status_of("active", row.not_after),
        "key_algorithm": "key_algorithm",
        "fingerprint": "fingerprint",
        "not_after": "not_after",
    },
)


class TrustDesk(Desk):
    name = "trust-anchor"
    list_name = "trust-anchors"
    place = "trust/"
    plural = _("Trust anchors")
    reading = Permission.CAS_READ
    list_doors = {AddAnchors: Permission.CAS_WRITE, Validate: Permission.CERTIFICATES_READ}
    doors = {RetireAnchor: Permission.CAS_WRITE}

    def find(self, actor: Actor, ref: Ref) -> Model:
        return cas_selectors.get_trust_anchor(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        text, after = text_of(request.GET, "q").strip()[:200], place_after(request.GET.get("after", ""))
        rows = cas_selectors.trust_anchors(visible_to=actor)
        if text:
            digits = text.replace(":", "").replace(" ", "").lower()
            rows = rows.filter(Q(name__icontains=text) | Q(subject__icontains=text) | Q(fingerprint__startswith=digits))
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        if after is not None:
            rows = rows.filter(pk__gt=after)
        found, at = list(rows[: _ON_A_PAGE + 1]), timezone.now()
        shown = found[:_ON_A_PAGE]
        following = {"q": text, "after": str(shown[-1].pk)} if len(found) > len(shown) else {}
        context = {
            "title": self.plural,
            "doors": self.list_offered(request, actor),
            "text": text,
            "is_later": after is not None,
            "rows": [(row, status_of("active", row.not_after, at=at)) for row in shown],
            "next": "?" + urlencode(following) if following else "",
            "first": "?" + urlencode({"q": text}) if text else "?",
        }
        return render(request, "web/trust/list.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: TrustAnchor) -> HttpResponse:
        context: dict[str, Any] = {
            "title": obj.name,
            "anchor": obj,
            "standing": status_of("active", obj.not_after),
            "doors": self.offered(request, actor, obj),
        }
        return render(request, "web/trust/record.html", context | decoded_from(obj.certificate))


DESK: Final = TrustDesk()

"""One certificate of an authority: its own, or one by which another certifies it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from audit.admin.html import status_of
from cas import selectors as cas_selectors
from cas.models import CaCertificate
from certificates.admin.decoded import decoded_from
from certificates.admin.succession_pages import Prefer, RevokeOne
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _ as marked
from web.desk import Desk


class CaCertificateDesk(Desk):
    """They are called by their fingerprints, and listed with their authority."""

    name = "authority-certificate"
    list_name = "authorities"
    place = "authorities/certificates/"
    one = "<slug:public_id>/"
    plural = _("Authorities")
    reading = Permission.CAS_READ
    doors = {Prefer: Permission.CAS_WRITE, RevokeOne: Permission.CAS_REVOKE}

    def find(self, actor: Actor, ref: Ref) -> Model:
        rows = CaCertificate.objects.select_related("ca", "ca__organization", "issuer", "issuer__key")
        seen = rows.filter(ca__in=cas_selectors.authorities(visible_to=actor).order_by())
        found = seen.filter(fingerprint=str(ref.value)).first()
        if found is None:
            raise NotFound(marked("There is no such certificate."), code="certificate-not-found")
        return found

    def called(self, obj: Any) -> str:
        return str(obj.fingerprint)

    def show_record(self, request: HttpRequest, actor: Actor, obj: CaCertificate) -> HttpResponse:
        context = {
            "title": obj.ca.name,
            "row": obj,
            "standing": status_of("revoked" if obj.revoked_at else "active", obj.not_after),
            "doors": self.offered(request, actor, obj),
        }
        return render(request, "web/authorities/certificate.html", context | decoded_from(obj.certificate))


DESK: Final = CaCertificateDesk()

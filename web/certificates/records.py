"""One certificate with all that is known of it, and what can be done with it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from audit.admin.html import status_of
from audit.selectors import EventFilter, list_events
from cas import selectors as cas_selectors
from certificates.admin.decoded import decoded_context
from certificates.admin.edit import Edit
from certificates.admin.issue import IssueFromCsr, IssueWithKey
from certificates.admin.keys import CollectKey
from certificates.admin.renew import Renew, RenewFromCsr, RenewSameKey
from certificates.admin.revoke import LiftHold, Revoke
from certificates.bundles import Format, bundle
from certificates.models import Certificate
from certificates.selectors import get_certificate
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.addresses import address_of
from web.certificates import listing
from web.desk import Desk

PUBLIC_FORMATS: Final = (Format.PEM, Format.DER, Format.CHAIN, Format.FULLCHAIN, Format.P7B)
_LATEST_EVENTS: Final = 20


class CertificateDesk(Desk):
    name = "certificate"
    list_name = "certificates"
    place = "certificates/"
    plural = _("Certificates")
    reading = Permission.CERTIFICATES_READ
    list_doors = {IssueFromCsr: Permission.CERTIFICATES_ISSUE, IssueWithKey: Permission.CERTIFICATES_ISSUE}
    doors = {
        CollectKey: Permission.CERTIFICATES_ISSUE,
        Renew: Permission.CERTIFICATES_RENEW,
        RenewFromCsr: Permission.CERTIFICATES_RENEW,
        RenewSameKey: Permission.CERTIFICATES_RENEW,
        Edit: Permission.CERTIFICATES_ISSUE,
        LiftHold: Permission.CERTIFICATES_REVOKE,
        Revoke: Permission.CERTIFICATES_REVOKE,
    }

    def urls(self) -> list[URLPattern]:
        file = path(
            f"{self.place}<uuid:public_id>/file/<str:fmt>/",
            self.about_one(Permission.CERTIFICATES_DOWNLOAD, self.file),
            name="certificate-file",
        )
        return [*super().urls(), file]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_certificate(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        return listing.show(request, actor, doors=self.list_offered(request, actor))

    def show_record(self, request: HttpRequest, actor: Actor, obj: Certificate) -> HttpResponse:
        at = timezone.now()
        context = {
            "title": str(obj),
            "certificate": obj,
            "standing": status_of(obj.state, obj.not_after, at=at),
            "revocation": obj.open_revocation,
            "doors": self.offered(request, actor, obj),
            "formats": _formats(actor, obj),
            "trail": _trail(actor, obj),
            "now": at,
        }
        return render(request, "web/certificates/record.html", context | decoded_context(obj.ca, obj, address_of))

    def file(self, request: HttpRequest, actor: Actor, obj: Certificate, fmt: str) -> HttpResponse:
        """The certificate in one format, without any key."""
        if fmt not in list(PUBLIC_FORMATS):
            raise Http404
        chain = cas_selectors.chain_of(obj.ca).certificates if obj.ca else ()
        download = bundle(obj.body.x509, chain, Format(fmt), name=str(obj))
        headers = {"Content-Disposition": f'attachment; filename="{download.filename}"'}
        return HttpResponse(download.content, content_type=download.content_type, headers=headers)


def _formats(actor: Actor, row: Certificate) -> list[tuple[str, str]]:
    if not holds(actor, Permission.CERTIFICATES_DOWNLOAD):
        return []
    return [(fmt, reverse("certificate-file", args=[row.public_id, fmt])) for fmt in PUBLIC_FORMATS]


def _trail(actor: Actor, row: Certificate) -> list[Any] | None:
    """What the log says of it, newest first; None for those who may not read the log."""
    if not holds(actor, Permission.AUDIT_READ):
        return None
    about = EventFilter(organization_id=row.organization_id, resource_type="certificate", resource_id=row.pk)
    return list_events(about, visible_to=actor, limit=_LATEST_EVENTS)


DESK: Final = CertificateDesk()

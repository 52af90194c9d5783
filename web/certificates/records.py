"""The register: its list, each certificate, and what can be done with both."""

from __future__ import annotations

from typing import Final

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from certificates.admin.edit import Edit
from certificates.admin.keys import CollectKey
from certificates.admin.places import AddPlace, CheckPlace, RemovePlace
from certificates.admin.renew import Renew, RenewFromCsr, RenewSameKey
from certificates.admin.revoke import LiftHold, Revoke
from certificates.admin.schedule import DoNotRenew, RenewByItself
from certificates.bundles import Format
from certificates.models import Certificate
from certificates.selectors import get_certificate
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.acme.certificate_pages import RenewPublic, RevokePublic
from web.certificates import listing, record
from web.certificates.importing import ImportCertificates
from web.desk import Desk, is_let
from web.issuing.many import AskForMany
from web.issuing.one import AskForOne
from web.issuing.urls import issuing_urls


class CertificateDesk(Desk):
    name = "certificate"
    list_name = "certificates"
    place = "certificates/"
    plural = _("Certificates")
    reading = Permission.CERTIFICATES_READ
    list_doors = {
        AskForOne: Permission.CERTIFICATES_ISSUE,
        AskForMany: Permission.CERTIFICATES_ISSUE,
        ImportCertificates: Permission.CERTIFICATES_ISSUE,
    }
    doors = {
        CollectKey: Permission.CERTIFICATES_ISSUE,
        Renew: Permission.CERTIFICATES_RENEW,
        RenewFromCsr: Permission.CERTIFICATES_RENEW,
        RenewSameKey: Permission.CERTIFICATES_RENEW,
        RenewPublic: Permission.CERTIFICATES_RENEW,
        RenewByItself: Permission.CERTIFICATES_RENEW,
        DoNotRenew: Permission.CERTIFICATES_RENEW,
        AddPlace: Permission.CERTIFICATES_ISSUE,
        CheckPlace: Permission.CERTIFICATES_ISSUE,
        RemovePlace: Permission.CERTIFICATES_ISSUE,
        Edit: Permission.CERTIFICATES_ISSUE,
        LiftHold: Permission.CERTIFICATES_REVOKE,
        Revoke: Permission.CERTIFICATES_REVOKE,
        RevokePublic: Permission.CERTIFICATES_REVOKE,
    }

    def urls(self) -> list[URLPattern]:
        file = path(
            f"{self.place}<uuid:public_id>/file/<str:fmt>/",
            self.about_one(Permission.CERTIFICATES_DOWNLOAD, self.file),
            name="certificate-file",
        )
        return [*super().urls(), file, *issuing_urls(self)]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_certificate(ref, visible_to=actor, beside=("subscriber_key",))

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        ways = [page for page in (Renew, RenewFromCsr, RenewPublic) if is_let(actor, self.doors[page])]

        def renewal_of(row: Certificate) -> str:
            ready = self.ready(page(request, row) for page in ways)
            return next((address for address, _page in ready), "")

        return listing.show(request, actor, doors=self.list_offered(request, actor), renewal_of=renewal_of)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Certificate) -> HttpResponse:
        return record.show(request, actor, obj, doors=self.offered(request, actor, obj))

    def file(self, request: HttpRequest, actor: Actor, obj: Certificate, fmt: str) -> HttpResponse:
        """The certificate in one format, without any key."""
        if fmt not in list(record.FORMATS):
            raise Http404
        return record.download(obj, Format(fmt))


DESK: Final = CertificateDesk()

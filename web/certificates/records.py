"""The list of certificates, and one of them with all that is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from audit.admin.forms import message_of
from audit.admin.html import status_of
from audit.selectors import EventFilter, list_events
from cas import selectors as cas_selectors
from certificates.admin.decoded import decoded_context
from certificates.admin.issue import IssueFromCsr, IssueWithKey
from certificates.admin.keys import CollectKey
from certificates.admin.revoke import LiftHold, Revoke
from certificates.bundles import Format, bundle
from certificates.models import Certificate
from certificates.search import count_found, search_certificates
from certificates.selectors import get_certificate
from certificates.summary import summarize
from kernel.actor import Actor
from kernel.errors import DomainError, Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from web.addresses import address_of
from web.certificates.asking import LENGTHS, SORTS, Asked, chips
from web.desk import Desk

PUBLIC_FORMATS: Final = (Format.PEM, Format.DER, Format.CHAIN, Format.FULLCHAIN, Format.P7B)
_LATEST_EVENTS: Final = 20
_MOST_CHOICES: Final = 200


class CertificateDesk(Desk):
    name = "certificate"
    list_name = "certificates"
    place = "certificates/"
    plural = _("Certificates")
    reading = Permission.CERTIFICATES_READ
    list_doors = {IssueFromCsr: Permission.CERTIFICATES_ISSUE, IssueWithKey: Permission.CERTIFICATES_ISSUE}
    doors = {
        CollectKey: Permission.CERTIFICATES_ISSUE,
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
        asked, at = Asked.read(request.GET), timezone.now()
        context: dict[str, Any] = {
            "title": self.plural,
            "asked": asked,
            "chips": chips(asked, _counts(actor)),
            "doors": self.list_offered(request, actor),
            "sorts": [(key, label) for key, (_order, label) in SORTS.items()],
            "lengths": LENGTHS,
            "first": replace(asked, after="").address(),
            "authorities": cas_selectors.authorities(visible_to=actor).order_by("name")[:_MOST_CHOICES],
            "templates": cas_selectors.templates(visible_to=actor).order_by("code")[:_MOST_CHOICES],
            "now": at,
        }
        try:
            wanted = asked.wanted(at)
            page = search_certificates(
                wanted, visible_to=actor, after=asked.position(), limit=asked.length, order=asked.order
            )
            context |= {
                "rows": [(row, status_of(row.state, row.not_after, at=at)) for row in page.rows],
                "total": count_found(wanted, visible_to=actor, exactly=not asked.is_narrowed),
                "next": asked.beyond(page.next) if page.next else "",
            }
        except DomainError as error:
            context["refusal"] = message_of(error)
        return render(request, "web/certificates/list.html", context, status=422 if "refusal" in context else 200)

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


def _counts(actor: Actor) -> dict[str, int]:
    """By status; nothing while a large register is being counted."""
    try:
        counts = summarize(visible_to=actor, at=timezone.now()).certificates
    except Unavailable:
        return {}
    return {status: getattr(counts, status) for status in ("active", "expiring", "revoked", "expired", "held")}


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

"""The register: the list of certificates, and one certificate decoded."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit.admin import html
from audit.admin.base import EnumFilter
from audit.admin.files import attachment
from audit.admin.html import EXPIRING_WITHIN, Status
from audit.admin.pages import ServiceAdmin
from cas.chains import chain_of
from cas.core.keys import KeyAlgorithm
from cas.describe import key_words
from certificates.admin.decoded import chain_to_show, decoded_context
from certificates.admin.edit import Edit
from certificates.admin.issue import IssueFromCsr, IssueWithKey
from certificates.admin.keys import CollectKey
from certificates.admin.places import AddPlace, CheckPlace, RemovePlace
from certificates.admin.renew import Renew, RenewFromCsr, RenewSameKey
from certificates.admin.revoke import LiftHold, Revoke, RevokeSeveral
from certificates.admin.schedule import DoNotRenew, RenewByItself
from certificates.bundles import Format, bundle
from certificates.models import Certificate, CertificateName, Revocation

MOST_AT_ONCE = 100
_HEX = re.compile(r"[0-9a-f]{6,64}")


class StatusFilter(admin.SimpleListFilter):
    """The states as people read them: expiry is computed, so this is not a column."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = (Status.ACTIVE, Status.EXPIRING, Status.EXPIRED, Status.HELD, Status.REVOKED)
        return [(status.value, html.word(status)) for status in shown]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Certificate]) -> QuerySet[Certificate]:
        now = timezone.now()
        issued = Q(state=Certificate.State.ISSUED)
        wanted = {
            Status.ACTIVE: issued & Q(not_after__gt=now + EXPIRING_WITHIN),
            Status.EXPIRING: issued & Q(not_after__gte=now, not_after__lte=now + EXPIRING_WITHIN),
            Status.EXPIRED: issued & Q(not_after__lt=now),
            Status.HELD: Q(state=Certificate.State.HELD),
            Status.REVOKED: Q(state=Certificate.State.REVOKED),
        }
        value = self.value()
        return queryset.filter(wanted[Status(value)]) if value in list(wanted) else queryset


class KeyFilter(EnumFilter):
    title, parameter_name, choices_of = _("key"), "key_algorithm", KeyAlgorithm

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(algorithm.value, key_words(algorithm)) for algorithm in KeyAlgorithm]


@admin.register(Certificate)
class CertificateAdmin(ServiceAdmin):
    change_form_template = "admin/certificate.html"
    list_display = ("called", "standing", "issuer", "key_kind", "expires", "requester_label")
    list_filter = (
        StatusFilter,
        ("ca", admin.RelatedOnlyFieldListFilter),
        ("template", admin.RelatedOnlyFieldListFilter),
        KeyFilter,
        "source",
        ("organization", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("ca",)
    search_fields = ("common_name",)
    search_help_text = _("Name, serial number or fingerprint")
    sortable_by = ("called", "expires")
    fieldsets = (
        (
            _("In the register"),
            {"fields": ("organization", "template", "profile", "source", "key_custody", "usage", "identifier")},
        ),
        (_("Who"), {"fields": ("requester_label", "requester_kind", "owner", "description", "tag_list")}),
        (_("Its life"), {"fields": ("created_at", "renews", "replaces", "successors", "public_id")}),
    )
    list_pages = (IssueWithKey, IssueFromCsr)
    object_pages = (
        CollectKey,
        Renew,
        RenewFromCsr,
        RenewSameKey,
        RenewByItself,
        DoNotRenew,
        AddPlace,
        CheckPlace,
        RemovePlace,
        Edit,
        Revoke,
        LiftHold,
    )
    actions = ("revoke_selected",)
    audit_type = "certificate"

    def get_urls(self) -> list[URLPattern]:
        several = path("revoke-several/", self._view(RevokeSeveral), name=self._name(RevokeSeveral))
        file = path(
            "<str:object_id>/file/<str:fmt>/",
            self.admin_site.admin_view(self.file),
            name="certificates_certificate_file",
        )
        return [several, file, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        sans = CertificateName.objects.filter(certificate=OuterRef("pk")).exclude(type="cn")
        count = sans.order_by().values("certificate").annotate(count=Count("pk")).values("count")
        return super().get_queryset(request).annotate(san_count=Subquery(count))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Certificate | None:
        row = super().get_object(request, object_id, from_field)
        return row if isinstance(row, Certificate) else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Certificate], search_term: str
    ) -> tuple[QuerySet[Certificate], bool]:
        term = search_term.replace("\0", "").strip()
        return (queryset.filter(_matching(term)) if term else queryset), False

    def record_context(self, request: HttpRequest, obj: Certificate) -> dict[str, Any]:
        context = super().record_context(request, obj)
        context["standing"] = self.standing(obj)
        context["revocation"] = Revocation.objects.filter(certificate=obj, lifted_at__isnull=True).first()
        context["formats"] = [
            (fmt, reverse("admin:certificates_certificate_file", args=[obj.pk, fmt])) for fmt in _PUBLIC_FORMATS
        ]
        return context | decoded_context(chain_to_show(obj.ca), obj)

    def file(self, request: HttpRequest, object_id: str, fmt: str) -> HttpResponse:
        """The certificate in one format: public, so anybody who may see the page may have it."""
        row = self.get_object(request, object_id)
        if row is None or fmt not in list(_PUBLIC_FORMATS):
            raise Http404
        chain = chain_of(row.ca).certificates if row.ca else ()
        download = bundle(row.body.x509, chain, Format(fmt), name=str(row))
        return attachment(download.filename, download.content, download.content_type)

    @admin.action(description=_("Revoke the selected…"))
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Certificate]) -> HttpResponse:
        """Only leads on: the page that follows names each one and asks why."""
        numbers = list(queryset.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
        address = reverse(f"admin:{self._name(RevokeSeveral)}")
        return redirect(f"{address}?{urlencode({'ids': ','.join(map(str, numbers))})}")

    @admin.display(description=_("Name"), ordering="common_name")
    def called(self, row: Certificate) -> SafeString:
        count = getattr(row, "san_count", None) or 0
        names = ngettext("%(count)d name", "%(count)d names", count) % {"count": count}
        return format_html('{} <span class="sub">{} · {}</span>', str(row), html.serial(row.serial), names)

    @admin.display(description=_("Status"))
    def standing(self, row: Certificate) -> SafeString:
        return html.badge(html.status_of(row.state, row.not_after))

    @admin.display(description=_("Issuer"))
    def issuer(self, row: Certificate) -> str:
        return row.ca.name if row.ca else row.issuer_name

    @admin.display(description=_("Key"))
    def key_kind(self, row: Certificate) -> str:
        return key_words(row.key_algorithm)

    @admin.display(description=_("Expires"), ordering="not_after")
    def expires(self, row: Certificate) -> SafeString | str:
        return html.day(row.not_after)

    @admin.display(description=_("Tags"))
    def tag_list(self, row: Certificate) -> str:
        return ", ".join(row.tags) or "–"

    @admin.display(description=_("Renews at"))
    def renews(self, row: Certificate) -> SafeString | str:
        return html.moment(row.renew_at)

    @admin.display(description=_("Replaced by"))
    def successors(self, row: Certificate) -> str:
        return ", ".join(str(successor) for successor in row.replaced_by.all()[:10]) or "–"


_PUBLIC_FORMATS = (Format.PEM, Format.DER, Format.CHAIN, Format.FULLCHAIN, Format.P7B)


def _matching(term: str) -> Q:
    """What a person may type: the beginning of a name, *.its end, a serial number or a fingerprint in any notation."""
    lowered = term.lower()
    names = CertificateName.objects.filter(value__startswith=lowered)
    if lowered.startswith("*."):
        names = CertificateName.objects.filter(reversed__startswith=lowered[1:][::-1])
    wanted = Q(common_name__istartswith=term) | Q(pk__in=names.values("certificate"))
    digits = re.sub(r"[\s:]", "", lowered.removeprefix("0x"))
    if _HEX.fullmatch(digits):
        # A serial number is kept without leading zeros, a fingerprint with them.
        wanted |= Q(serial__startswith=digits.lstrip("0")) | Q(fingerprint__startswith=digits)
    if digits.isdecimal() and len(digits) >= 12:
        wanted |= Q(serial=f"{int(digits):x}")
    return wanted

"""Authorities: listed, watched, decoded."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.pages import ServiceAdmin
from cas.admin.words import approval_text
from cas.chains import chains_of
from cas.describe import key_words
from cas.models import CaCertificate, CertificateAuthority
from cas.search import AuthorityFilter, find_authorities, with_ends
from cas.selectors import ca_certificates
from certificates.admin.arrival_pages import (
    AddForeign,
    Cancel,
    Certify,
    Complete,
    DownloadCsr,
    ImportAuthority,
    RequestCertificate,
)
from certificates.admin.authority_pages import (
    CreateIntermediate,
    CreateRoot,
    Disable,
    Enable,
    Publish,
    Retire,
    Revoke,
    in_force,
)
from certificates.admin.decoded import chain_to_show, decoded_context, decoded_from, latest_crl
from certificates.admin.dialect_pages import OpenToClients
from certificates.admin.succession_pages import (
    Abandon,
    AddCertificate,
    ChangeTerms,
    Cross,
    MoveTemplates,
    Prefer,
    Renew,
    RevokeOne,
    Succeed,
)

_MOST_SHOWN: Final = 50


class KindFilter(admin.SimpleListFilter):
    """Roots, intermediates, those that wait for a certificate, those from outside."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(CertificateAuthority.Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kind = self.value()
        known = kind in CertificateAuthority.Kind.values
        return find_authorities(queryset, AuthorityFilter(kind=kind)) if known else queryset


@admin.register(CertificateAuthority)
class CertificateAuthorityAdmin(ServiceAdmin):
    change_form_template = "admin/authority.html"
    list_display = ("called", "standing", "above", "key_kind", "ends", "organization")
    list_filter = ("status", KindFilter, ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("parent", "organization", "key")
    search_fields = ("name", "subject", "slug", "key_hash__startswith")
    search_help_text = _("Name, subject or beginning of the key hash")
    ordering = ("id",)
    sortable_by = ()
    fieldsets = (
        (_("Authority"), {"fields": ("subject", "organization", "above", "description", "key_kind", "locked")}),
        (_("Limits"), {"fields": ("path", "leaves", "approval", "crl_lasts", "crl_shards")}),
        (_("Addresses"), {"fields": ("base_url", "slug", "public_id", "hash")}),
    )
    list_pages = (CreateRoot, CreateIntermediate, RequestCertificate, ImportAuthority, AddForeign)
    object_pages = (
        *(DownloadCsr, Complete, Cancel),
        *(Publish, ChangeTerms, Renew, AddCertificate, Cross, Certify, Succeed, MoveTemplates, OpenToClients, Abandon),
        *(Disable, Enable, Retire, Revoke),
    )
    audit_type = "ca"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CertificateAuthority]:
        return with_ends(super().get_queryset(request))

    def record_context(self, request: HttpRequest, obj: CertificateAuthority) -> dict[str, Any]:
        context = super().record_context(request, obj)
        context["standing"] = self.standing(obj)
        context["crl"] = latest_crl(obj)
        context["register_url"] = f"{reverse('admin:certificates_certificate_changelist')}?ca__id__exact={obj.pk}"
        context["in_force"] = in_force(obj.pk)
        context["certificates"] = list(ca_certificates(obj)[:_MOST_SHOWN])
        context["other_chains"] = [" › ".join(ca.name for ca in chain.authorities) for chain in chains_of(obj)[1:]]
        return context | decoded_context(chain_to_show(obj), None)

    @admin.display(description=_("Name"))
    def called(self, ca: CertificateAuthority) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', ca.name, ca.subject)

    @admin.display(description=_("Status"))
    def standing(self, ca: CertificateAuthority) -> SafeString:
        return html.badge(html.status_of(ca.status, getattr(ca, "ends_at", None)))

    @admin.display(description=_("Key"))
    def key_kind(self, ca: CertificateAuthority) -> str:
        return key_words(ca.key_algorithm)

    @admin.display(description=_("Under"))
    def above(self, ca: CertificateAuthority) -> SafeString | str:
        if ca.parent is None:
            return str(_("root")) if ca.was_certified else "–"
        address = reverse("admin:cas_certificateauthority_change", args=[ca.parent.pk])
        return format_html('<a href="{}">{}</a>', address, ca.parent.name)

    @admin.display(description=_("Expires"))
    def ends(self, ca: CertificateAuthority) -> SafeString | str:
        return html.day(getattr(ca, "ends_at", None))

    @admin.display(description=_("Protected by a passphrase"))
    def locked(self, ca: CertificateAuthority) -> SafeString:
        return html.yes_no(ca.passphrase_protected)

    @admin.display(description=_("Path length"))
    def path(self, ca: CertificateAuthority) -> str:
        return str(_("no limit")) if ca.path_length is None else str(ca.path_length)

    @admin.display(description=_("Issues end-entity certificates"))
    def leaves(self, ca: CertificateAuthority) -> SafeString:
        return html.yes_no(ca.allow_leaf_certificates)

    @admin.display(description=_("Approval"))
    def approval(self, ca: CertificateAuthority) -> str:
        return approval_text(ca)

    @admin.display(description=_("A CRL is valid for"))
    def crl_lasts(self, ca: CertificateAuthority) -> str:
        return str(_("%(count)s hours")) % {"count": int(ca.crl_lifetime.total_seconds() // 3600)}

    @admin.display(description=_("Key hash"))
    def hash(self, ca: CertificateAuthority) -> SafeString:
        return format_html('<span class="mono">{}</span>', ca.key_hash)


@admin.register(CaCertificate)
class CaCertificateAdmin(ServiceAdmin):
    change_form_template = "admin/ca_certificate.html"
    list_display = ("ca", "kind", "issuer", "number", "ends", "is_preferred")
    list_filter = ("kind", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("ca", "issuer")
    search_fields = ("ca__name", "serial__startswith", "fingerprint__startswith")
    search_help_text = _("Authority, or beginning of serial number or fingerprint")
    sortable_by = ()
    fields = ("ca", "organization", "kind", "issuer", "is_preferred", "revoked_at", "created_at")
    object_pages = (Prefer, RevokeOne)

    def record_context(self, request: HttpRequest, obj: CaCertificate) -> dict[str, Any]:
        return super().record_context(request, obj) | {"title": obj.ca.name} | decoded_from(obj.certificate)

    @admin.display(description=_("Serial number"))
    def number(self, row: CaCertificate) -> SafeString:
        return html.serial(row.serial)

    @admin.display(description=_("Expires"))
    def ends(self, row: CaCertificate) -> SafeString | str:
        return html.day(row.not_after)

    @admin.display(description=_("Preferred"))
    def is_preferred(self, row: CaCertificate) -> SafeString:
        return html.yes_no(row.preferred)

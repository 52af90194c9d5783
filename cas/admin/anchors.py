"""Trust anchors: listed, added from PEM, trusted no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.forms import CodeArea, UploadField
from audit.admin.pages import Facts, Section, ServiceAdmin, ServicePage, Words
from cas.core.formats import LONGEST, to_pem
from cas.describe import key_words
from cas.models import TrustAnchor
from cas.orders import TrustAnchorOrder
from cas.services.anchors import add_trust_anchors, retire_trust_anchor
from kernel.ref import Ref


class AnchorsForm(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    certificates = forms.CharField(
        label=_("Certificates"),
        max_length=LONGEST,
        required=False,
        widget=CodeArea(),
        help_text=_("PEM, one or several: all of them are added, or none."),
    )
    file = UploadField(label=_("Or as a file"), longest=LONGEST, help_text=_("PEM, DER or PKCS#7."))
    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("For one. Empty: what the certificate says.")
    )

    sections: ClassVar = (Section("", "organization", "certificates", "file", "name"),)
    one_of: ClassVar = ("certificates", "file")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not (data["certificates"].strip() or data["file"]):
            self.add_error("certificates", _("Paste the certificates, or choose a file."))
        return data


class AddAnchors(ServicePage):
    slug, title, submit, icon = "new", _("Add trust anchors"), _("Add"), "plus"
    explanation = _("Certificates of CAs elsewhere that this organization believes.")
    form_class = AnchorsForm

    def act(self, data: Mapping[str, Any]) -> Words:
        order = TrustAnchorOrder(
            organization=Ref("pk", data["organization"].pk),
            certificates=data["file"] or data["certificates"].encode(),
            name=data["name"],
        )
        rows = add_trust_anchors(actor=actor_of(self.request, data["organization"]), order=order)
        return format_html(str(_("Trusted from now on: {}")), ", ".join(row.name for row in rows))


class RetireAnchor(ServicePage):
    slug, title, submit, icon, is_dangerous = "retire", _("Trust it no more"), _("Trust it no more"), "ban", True
    explanation = _("Chains that end in it are believed no more. It can be added again.")

    def is_offered(self) -> bool:
        return self.obj.retired_at is None

    def facts(self) -> Facts:
        return ((_("Subject"), self.obj.subject), (_("SHA-256 fingerprint"), self.obj.fingerprint))

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = retire_trust_anchor(actor=actor_of(self.request, self.obj.organization), anchor=self.obj)
        return format_html(str(_("{} is trusted no more.")), self.obj.name)

    def destination(self) -> str:
        """What is trusted no more has left the list, and its page with it."""
        return super().destination() if self.is_offered() else self.desk.list_address()


@admin.register(TrustAnchor)
class TrustAnchorAdmin(ServiceAdmin):
    list_display = ("called", "standing", "ends", "organization")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("name", "subject", "fingerprint__startswith")
    search_help_text = _("Name, subject or beginning of the fingerprint")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("subject", "issuer_name", "organization", "key_kind", "number", "begins", "ends")}),
        (_("Certificate"), {"fields": ("fingerprint", "text", "public_id", "created_at", "retired_at")}),
    )
    list_pages = (AddAnchors,)
    object_pages = (RetireAnchor,)
    audit_type = "trust_anchor"

    def record_context(self, request: HttpRequest, obj: TrustAnchor) -> dict[str, Any]:
        return super().record_context(request, obj) | {"title": obj.name}

    @admin.display(description=_("Name"))
    def called(self, anchor: TrustAnchor) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', anchor.name, anchor.subject)

    @admin.display(description=_("Status"))
    def standing(self, anchor: TrustAnchor) -> SafeString:
        return html.badge(html.status_of("retired" if anchor.retired_at else "active", anchor.not_after))

    @admin.display(description=_("Serial number"))
    def number(self, anchor: TrustAnchor) -> SafeString:
        return html.serial(anchor.serial, short=False)

    @admin.display(description=_("Key"))
    def key_kind(self, anchor: TrustAnchor) -> str:
        return key_words(anchor.key_algorithm)

    @admin.display(description=_("Valid from"))
    def begins(self, anchor: TrustAnchor) -> SafeString | str:
        return html.day(anchor.not_before)

    @admin.display(description=_("Expires"))
    def ends(self, anchor: TrustAnchor) -> SafeString | str:
        return html.day(anchor.not_after)

    @admin.display(description=_("Certificate"))
    def text(self, anchor: TrustAnchor) -> SafeString:
        return format_html('<pre class="json">{}</pre>', to_pem(anchor.certificate))

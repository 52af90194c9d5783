"""Templates in the admin: before one is changed, what was issued by it is judged again."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.pages import Facts, ServiceAdmin
from cas.admin import templates as pages
from cas.admin.templates import CreateTemplate
from cas.admin.words import approval_text, duration_text, usage_text
from cas.describe import key_words
from cas.models import Template
from cas.orders import TemplateOrder
from certificates.admin.consequences import Considered
from certificates.models import Certificate
from certificates.selectors import certificates
from certificates.services.impact import Impact, impact_of_template


class ChangeTemplate(pages.ChangeTemplate, Considered):
    def foresee(self, order: TemplateOrder) -> Impact:
        return impact_of_template(actor=actor_of(self.request), template=self.obj, order=order)


class RetireTemplate(pages.RetireTemplate):
    def facts(self) -> Facts:
        good = certificates(visible_to=actor_of(self.request)).filter(
            template=self.obj, state=Certificate.State.ISSUED, not_after__gt=timezone.now()
        )
        return [*super().facts(), (_("Good certificates that could not be renewed any more"), good.order_by().count())]


@admin.register(Template)
class TemplateAdmin(ServiceAdmin):
    list_display = ("called", "standing", "ca", "role", "usages", "lasts", "version")
    list_filter = (
        ("retired_at", admin.EmptyFieldListFilter),
        ("organization", admin.RelatedOnlyFieldListFilter),
        ("ca", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("ca", "role", "organization")
    search_fields = ("code", "name", "description")
    search_help_text = _("Code, name or description")
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "code",
                    "name",
                    "description",
                    "organization",
                    "ca",
                    "role",
                    "version",
                    "standing",
                    "public_id",
                )
            },
        ),
        (_("What it makes"), {"fields": ("lasts", "key_kind", "key_uses", "usages", "policies")}),
        (
            _("Details"),
            {
                "fields": (
                    "lint",
                    "add_common_name_to_sans",
                    "include_cdp",
                    "include_aia",
                    "renew_same_key",
                    "any_key_algorithm",
                    "dated_back",
                )
            },
        ),
        (_("Approval"), {"fields": ("approval", "approval_covers_renewal")}),
        (_("Its life"), {"fields": ("created_at", "updated_at", "retired_at")}),
    )
    list_pages = (CreateTemplate,)
    object_pages = (ChangeTemplate, RetireTemplate)
    audit_type = "template"

    @admin.display(description=_("Template"))
    def called(self, template: Template) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', template.code, template.name)

    @admin.display(description=_("Status"))
    def standing(self, template: Template) -> SafeString:
        return html.badge("active" if template.retired_at is None else "retired")

    @admin.display(description=_("Key"))
    def key_kind(self, template: Template) -> str:
        return key_words(template.key_algorithm)

    @admin.display(description=_("Extended key usage"))
    def usages(self, template: Template) -> str:
        return ", ".join(map(usage_text, template.extended_key_usage)) or "–"

    @admin.display(description=_("Key usage"))
    def key_uses(self, template: Template) -> str:
        return ", ".join(map(usage_text, template.key_usage)) or "–"

    @admin.display(description=_("Certificate policies"))
    def policies(self, template: Template) -> str:
        return ", ".join(template.certificate_policies) or "–"

    @admin.display(description=_("Validity"))
    def lasts(self, template: Template) -> str:
        return str(_("%(count)s days")) % {"count": template.validity.days}

    @admin.display(description=_("backdate"))
    def dated_back(self, template: Template) -> str:
        return duration_text(int(template.backdate.total_seconds())) if template.backdate else "–"

    @admin.display(description=_("Approval"))
    def approval(self, template: Template) -> str:
        return approval_text(template)

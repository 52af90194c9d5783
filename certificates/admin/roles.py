"""Roles in the admin: before one is changed, what was issued under it is judged again."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.pages import ServiceAdmin
from cas.admin import roles as pages
from cas.admin.roles import CreateRole, RetireRole
from cas.admin.words import approval_text
from cas.models import Role
from cas.orders import RoleOrder
from certificates.admin.consequences import Considered
from certificates.services.impact import Impact, impact_of_role


class ChangeRole(pages.ChangeRole, Considered):
    def foresee(self, order: RoleOrder) -> Impact:
        return impact_of_role(actor=actor_of(self.request), role=self.obj, order=order)


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    list_display = ("called", "standing", "ca", "names", "longest", "version")
    list_filter = (
        ("retired_at", admin.EmptyFieldListFilter),
        ("organization", admin.RelatedOnlyFieldListFilter),
        ("ca", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("ca", "organization")
    search_fields = ("name", "description")
    search_help_text = _("Name or description")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "description", "organization", "ca", "version", "standing", "public_id")}),
        (_("Names"), {"fields": ("names", "allow_dns_sans", "other_names", "common_name", "attributes")}),
        (_("Validity and keys"), {"fields": ("longest", "algorithms", "keeps_keys")}),
        (_("Approval"), {"fields": ("approval",)}),
        (_("Its life"), {"fields": ("created_at", "updated_at", "retired_at")}),
    )
    list_pages = (CreateRole,)
    object_pages = (ChangeRole, RetireRole)
    audit_type = "role"

    @admin.display(description=_("Name"))
    def called(self, role: Role) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', role.name, role.description)

    @admin.display(description=_("Status"))
    def standing(self, role: Role) -> SafeString:
        return html.badge("active" if role.retired_at is None else "retired")

    @admin.display(description=_("DNS names"))
    def names(self, role: Role) -> str:
        return str(_("any")) if role.allow_any_name else ", ".join(role.allowed_domains) or "–"

    @admin.display(description=_("Other names"))
    def other_names(self, role: Role) -> str:
        kinds = [
            (role.allow_ip_sans, _("IP addresses"), role.allowed_ip_ranges),
            (role.allow_email_sans, _("E-mail addresses"), role.allowed_email_domains),
            (role.allow_uri_sans, _("URIs"), role.allowed_uri_prefixes),
        ]
        return (
            "; ".join(f"{kind}: {', '.join(limits) or _('any')}" for allowed, kind, limits in kinds if allowed) or "–"
        )

    @admin.display(description=_("Subject attributes"))
    def attributes(self, role: Role) -> str:
        return ", ".join(role.subject_attributes) or str(_("all"))

    @admin.display(description=_("Longest validity"))
    def longest(self, role: Role) -> str:
        return str(_("%(count)s days")) % {"count": role.max_ttl.days}

    @admin.display(description=_("Key algorithms"))
    def algorithms(self, role: Role) -> str:
        return ", ".join(role.key_algorithms) or str(_("all"))

    @admin.display(description=_("Keeps managed keys"))
    def keeps_keys(self, role: Role) -> SafeString:
        return html.yes_no(role.store_private_keys)

    @admin.display(description=_("Approval"))
    def approval(self, role: Role) -> str:
        return approval_text(role)

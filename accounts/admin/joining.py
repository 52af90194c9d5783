"""How people come to belong: custom roles, invitations, providers elsewhere and whom they know. To look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import CustomRole, ExternalIdentity, Invitation, SignInProvider
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin


@admin.register(CustomRole)
class CustomRoleAdmin(ReadOnlyAdmin):
    list_display = ("called", "organization", "rights")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("name", "slug")
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("name", "slug", "organization", "rights", "public_id", "created")
    audit_type = "custom_role"

    @admin.display(description=_("Name"))
    def called(self, role: CustomRole) -> SafeString:
        return format_html('{} <span class="sub mono">{}</span>', role.name, role.slug)

    @admin.display(description=_("Permissions"))
    def rights(self, role: CustomRole) -> str:
        return ", ".join(role.permissions)

    @admin.display(description=_("Created"))
    def created(self, role: CustomRole) -> SafeString | str:
        return html.moment(role.created_at)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "standing", "organization", "role", "inviter", "ends")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization", "inviter")
    search_fields = ("email", "inviter__email")
    search_help_text = _("E-mail address")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("email", "standing", "organization", "role", "inviter", "public_id")}),
        (_("Its life"), {"fields": ("created", "ends", "mail", "accepted", "accepted_by", "cancelled")}),
    )
    audit_type = "invitation"

    @admin.display(description=_("Status"))
    def standing(self, row: Invitation) -> SafeString:
        if row.accepted_at is not None:
            return html.pill(_("Accepted"), "ok", "check")
        if row.cancelled_at is not None:
            return html.pill(_("Cancelled"))
        return html.badge("pending" if html.status_of("active", row.expires_at) != html.Status.EXPIRED else "expired")

    @admin.display(description=_("Open until"))
    def ends(self, row: Invitation) -> SafeString | str:
        return html.moment(row.expires_at)

    @admin.display(description=_("Created"))
    def created(self, row: Invitation) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Mail"))
    def mail(self, row: Invitation) -> object:
        if row.mail_due_at is None:
            return _("sent") if row.is_open else "–"
        return row.mail_error or _("due")

    @admin.display(description=_("Accepted"))
    def accepted(self, row: Invitation) -> SafeString | str:
        return html.moment(row.accepted_at)

    @admin.display(description=_("Cancelled"))
    def cancelled(self, row: Invitation) -> SafeString | str:
        return html.moment(row.cancelled_at)


@admin.register(SignInProvider)
class SignInProviderAdmin(ReadOnlyAdmin):
    list_display = ("name", "standing", "organization", "issuer", "makes_members")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("name", "issuer")
    search_help_text = _("Name or issuer")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "standing", "organization", "issuer", "client_id", "public_id")}),
        (_("Who gets in"), {"fields": ("makes_members", "role_claim", "roles", "default_role", "is_listed")}),
    )
    audit_type = "sign_in_provider"

    @admin.display(description=_("Status"))
    def standing(self, row: SignInProvider) -> SafeString:
        return html.badge("active" if row.is_active else "disabled")

    @admin.display(description=_("Roles"))
    def roles(self, row: SignInProvider) -> str:
        return ", ".join(f"{claimed} = {role}" for claimed, role in row.role_map.items()) or "–"


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnlyAdmin):
    list_display = ("subject", "issuer", "organization", "user", "is_bound_by_hand", "last_used")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter), "is_bound_by_hand")
    list_select_related = ("organization", "user")
    search_fields = ("subject", "user__email")
    search_help_text = _("Subject or person")
    sortable_by = ()
    fields = ("subject", "issuer", "organization", "user", "is_bound_by_hand", "maker", "last_used", "public_id")
    audit_type = "external_identity"

    @admin.display(description=_("Last used"))
    def last_used(self, row: ExternalIdentity) -> SafeString | str:
        return html.moment(row.last_used_at)

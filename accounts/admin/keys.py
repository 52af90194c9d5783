"""API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.organizations import people
from accounts.grants import GrantOrder, permissions_of
from accounts.models import ApiKey, Grant, Organization
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.api_keys import (
    LONGEST_OVERLAP,
    NewApiKey,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
)
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.forms import DaysField, LinesField
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words, record_url

_RIGHTS = {
    "can_read": _("Read"),
    "can_issue": _("Issue"),
    "can_revoke": _("Revoke"),
    "can_export": _("Export keys"),
}


def _authorities() -> QuerySet[Any]:
    """This room is below the one of CAs: it knows their table by its own column alone."""
    model: Any = Grant._meta.get_field("ca").remote_field.model
    return model._default_manager.select_related("organization").order_by("organization__name", "name")


class _AuthoritiesField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.organization} · {obj.name}"


class _NewKeyForm(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    owner = forms.ModelChoiceField(
        people(),
        label=_("Owner"),
        help_text=_(
            "The person who answers for it; the key can never do more than they can, and decides on no requests where "
            "somebody else has made it."
        ),
    )
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What uses it, and where."))
    lifetime = DaysField(label=_("Valid for (days)"), longest=3660, required=False)
    allowed_cidrs = LinesField(
        label=_("Address ranges"), help_text=_("One to a line, such as 10.0.0.0/8. Empty: from anywhere."), rows=2
    )


class KeyForm(_NewKeyForm):
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=[(value, value) for value in sorted(ORGANIZATION_PERMISSIONS)],
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("organization", "owner", "name", "permissions")


class CaKeyForm(_NewKeyForm):
    cas = _AuthoritiesField(Grant.objects.none(), label=_("CAs"), help_text=_("Of that organization."))
    rights = forms.MultipleChoiceField(
        label=_("What it may do with each of them"),
        choices=list(_RIGHTS.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("organization", "owner", "name", "cas", "rights")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cas"].queryset = _authorities()  # type: ignore[attr-defined]


class RotationForm(forms.Form):
    overlap = forms.IntegerField(
        label=_("The old key works on for (days)"),
        min_value=0,
        max_value=LONGEST_OVERLAP.days,
        initial=7,
        help_text=_("Until everything that uses it has the new one. 0: it stops at once."),
    )


class CreateKey(ServicePage):
    slug = "create"
    title = _("Make an API key")
    explanation = _("The key is shown once, on the next page, and stands nowhere else.")
    submit = _("Make the key")
    icon = "key"
    form_class: ClassVar[type[forms.Form]] = KeyForm

    def initial(self) -> Mapping[str, Any]:
        return {"owner": self.request.user, "lifetime": 365, "organization": Organization.objects.first()}

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        made = create_api_key(
            actor=actor_of(self.request, data["organization"]),
            organization=data["organization"],
            owner=data["owner"],
            name=data["name"],
            expires_at=timezone.now() + data["lifetime"] if data["lifetime"] else None,
            allowed_cidrs=data["allowed_cidrs"],
            **self.rights(data),
        )
        return _shown_once(self.request, made)

    def rights(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"permissions": data["permissions"]}


class CreateCaKey(CreateKey):
    slug = "create-for-cas"
    title = _("Make an API key for single CAs")
    form_class = CaKeyForm

    def rights(self, data: Mapping[str, Any]) -> dict[str, Any]:
        ticked = {right: right in data["rights"] for right in _RIGHTS}
        return {"grants": [GrantOrder(ca.pk, **ticked) for ca in data["cas"]]}


class RotateKey(ServicePage):
    slug = "rotate"
    title = _("Replace the key")
    explanation = _("The new key can do the same. It is shown once, on the next page, and stands nowhere else.")
    submit = _("Replace the key")
    icon = "key"
    form_class = RotationForm

    def is_offered(self) -> bool:
        is_over = self.obj.expires_at is not None and self.obj.expires_at <= timezone.now()
        return self.obj.revoked_at is None and not is_over and not hasattr(self.obj, "successor")

    def facts(self) -> Facts:
        return _facts(self.obj)

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        overlap = timedelta(days=data["overlap"])
        actor = actor_of(self.request, self.obj.organization)
        return _shown_once(self.request, rotate_api_key(actor=actor, key=self.obj, overlap=overlap))


def _shown_once(request: HttpRequest, made: NewApiKey) -> HttpResponse:
    token = made.token.reveal().decode()
    address = f"{settings.BASE_URL}/api/v2/whoami"
    context = {
        "title": _("The API key"),
        "row": made.row,
        "token": token,
        "curl": f'curl -H "Authorization: Bearer {token}" {address}',
        "record": record_url(made.row),
    }
    response = render(request, "admin/api_key_created.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _facts(key: ApiKey) -> Facts:
    return [
        (_("Name"), key.name),
        (_("Begins with"), key.prefix),
        (_("Organization"), key.organization),
        (_("Owner"), key.owner),
        (_("Last used"), html.moment(key.last_used_at)),
    ]


class RevokeKey(ServicePage):
    slug = "revoke"
    title = _("Revoke the key")
    explanation = _("It stops working at once, for good.")
    submit = _("Revoke the key")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.revoked_at is None

    def facts(self) -> Facts:
        return _facts(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        revoke_api_key(actor=actor_of(self.request), key=self.obj)
        return _("The key is revoked.")


def _words(grant: Grant) -> list[str]:
    return sorted(permission.value for permission in permissions_of(grant))


@admin.register(ApiKey)
class ApiKeyAdmin(ServiceAdmin):
    list_display = ("called", "standing", "organization", "owner", "ends", "last_used")
    list_filter = ("kind", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("organization", "owner", "maker")
    search_fields = ("name", "prefix", "owner__email")
    search_help_text = _("Name, beginning or owner")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "begins", "standing", "organization", "owner", "made_by", "kind", "public_id")}),
        (_("What it may do"), {"fields": ("rights", "ranges")}),
        (_("Its life"), {"fields": ("created", "ends", "revoked", "last_used", "last_used_ip")}),
    )
    list_pages = (CreateKey, CreateCaKey)
    object_pages = (RotateKey, RevokeKey)
    audit_type = "api_key"

    @admin.display(description=_("Name"))
    def called(self, key: ApiKey) -> SafeString:
        return format_html('{} <span class="sub mono">{}…</span>', key.name, key.prefix)

    @admin.display(description=_("Begins with"))
    def begins(self, key: ApiKey) -> SafeString:
        return format_html('<span class="mono">{}…</span>', key.prefix)

    @admin.display(description=_("Status"))
    def standing(self, key: ApiKey) -> SafeString:
        if key.revoked_at is not None:
            return html.badge("revoked")
        return html.badge(html.status_of("active", key.expires_at))

    @admin.display(description=_("Made by"))
    def made_by(self, key: ApiKey) -> str:
        return str(key.maker or _("the console"))

    @admin.display(description=_("Permissions"))
    def rights(self, key: ApiKey) -> str:
        grants = key.grants.select_related("ca")
        return ", ".join(key.permissions) or "; ".join(f"{grant.ca}: {', '.join(_words(grant))}" for grant in grants)

    @admin.display(description=_("Address ranges"))
    def ranges(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_cidrs) or str(_("from anywhere"))

    @admin.display(description=_("Expires"))
    def ends(self, key: ApiKey) -> SafeString | str:
        return html.day(key.expires_at) if key.expires_at else str(_("never"))

    @admin.display(description=_("Last used"))
    def last_used(self, key: ApiKey) -> SafeString | str:
        return html.moment(key.last_used_at)

    @admin.display(description=_("Created"))
    def created(self, key: ApiKey) -> SafeString | str:
        return html.moment(key.created_at)

    @admin.display(description=_("Revoked"))
    def revoked(self, key: ApiKey) -> SafeString | str:
        return html.moment(key.revoked_at)

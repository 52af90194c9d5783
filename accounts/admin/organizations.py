"""Organizations and their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.features import features_of
from accounts.models import Membership, Organization, ServerSecret, User, WrappingKey
from accounts.roles import OrganizationRole
from accounts.services.features import set_features
from accounts.services.organizations import add_member, change_member_role, create_organization, remove_member
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words
from kernel.features import Feature


def people() -> QuerySet[User]:
    return User.objects.filter(is_active=True).order_by("email")


class OrganizationForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    slug = forms.SlugField(
        label=_("Short name"),
        max_length=80,
        required=False,
        help_text=_(
            "For addresses: lower-case letters, digits and hyphens. Made from the name where it is left empty."
        ),
    )
    owner = forms.ModelChoiceField(people(), label=_("First owner"), required=False)


class CreateOrganization(ServicePage):
    slug = "create"
    title = _("Create an organization")
    explanation = _("A tenant: everything it owns is invisible to every other.")
    submit = _("Create the organization")
    form_class = OrganizationForm

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = create_organization(
            actor=actor_of(self.request), name=data["name"], slug=data["slug"], owner=data["owner"]
        )
        return _("%(name)s is created.") % {"name": self.obj.name}


class MemberForm(forms.Form):
    user = forms.ModelChoiceField(people(), label=_("Person"))
    role = forms.ChoiceField(label=_("Role"), choices=OrganizationRole.choices)


class AddMember(ServicePage):
    slug = "add-member"
    title = _("Add a member")
    submit = _("Add the member")
    form_class = MemberForm
    icon = "users"

    def act(self, data: Mapping[str, Any]) -> Words:
        add_member(actor=actor_of(self.request), organization=self.obj, user=data["user"], role=data["role"])
        return _("%(person)s is a member now.") % {"person": data["user"].email}


class FeaturesForm(forms.Form):
    is_limited = forms.BooleanField(
        label=_("A list of its own"),
        required=False,
        help_text=_("Else it has what the installation gives to everybody: CHANCERY_LICENSED_FEATURES."),
    )
    features = forms.MultipleChoiceField(
        label=_("Licensed features"),
        required=False,
        choices=[(feature.value, feature.value) for feature in Feature],
        widget=forms.CheckboxSelectMultiple,
    )


class SetFeatures(ServicePage):
    slug = "features"
    title = _("Say what is licensed")
    explanation = _("What is there already stays and works on; what is not licensed cannot be made anew.")
    submit = _("Save")
    form_class = FeaturesForm

    def initial(self) -> Mapping[str, Any]:
        return {"is_limited": self.obj.features is not None, "features": sorted(features_of(self.obj))}

    def act(self, data: Mapping[str, Any]) -> Words:
        features = data["features"] if data["is_limited"] else None
        set_features(actor=actor_of(self.request), organization=self.obj, features=features)
        return _("It holds from now on.")


@admin.register(Organization)
class OrganizationAdmin(ServiceAdmin):
    list_display = ("name", "slug", "member_count", "created")
    search_fields = ("name", "slug")
    search_help_text = _("Name")
    ordering = ("name",)
    sortable_by = ("name",)
    fieldsets = ((None, {"fields": ("name", "slug", "public_id", "licence", "members", "created")}),)
    list_pages = (CreateOrganization,)
    object_pages = (AddMember, SetFeatures)
    audit_type = "organization"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        return super().get_queryset(request).annotate(member_total=Count("memberships"))

    @admin.display(description=_("Members"))
    def member_count(self, organization: Organization) -> int:
        return int(getattr(organization, "member_total", 0))

    @admin.display(description=_("Created"))
    def created(self, organization: Organization) -> SafeString | str:
        return html.day(organization.created_at)

    @admin.display(description=_("Licensed features"))
    def licence(self, organization: Organization) -> str:
        return ", ".join(sorted(features_of(organization))) or "–"

    @admin.display(description=_("Members"))
    def members(self, organization: Organization) -> SafeString:
        address = reverse("admin:accounts_membership_changelist")
        count = organization.memberships.count()
        return format_html('<a href="{}?organization__id__exact={}">{}</a>', address, organization.pk, count)


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=OrganizationRole.choices, widget=forms.RadioSelect)


class ChangeRole(ServicePage):
    slug = "role"
    title = _("Change the role")
    submit = _("Change the role")
    form_class = RoleForm
    icon = "role"

    def facts(self) -> Facts:
        return [(_("Person"), self.obj.user), (_("Organization"), self.obj.organization)]

    def initial(self) -> Mapping[str, Any]:
        return {"role": self.obj.role}

    def act(self, data: Mapping[str, Any]) -> Words:
        change_member_role(actor=actor_of(self.request), membership=self.obj, role=data["role"])
        return _("The role is changed.")


class RemoveMember(ServicePage):
    slug = "remove"
    title = _("Remove the member")
    explanation = _("Takes effect at once; API keys of this person in this organization stop working.")
    submit = _("Remove the member")
    icon = "ban"
    is_dangerous = True

    def facts(self) -> Facts:
        return [
            (_("Person"), self.obj.user),
            (_("Organization"), self.obj.organization),
            (_("Role"), self.obj.role_name),
        ]

    def act(self, data: Mapping[str, Any]) -> Words:
        person = self.obj.user.email
        remove_member(actor=actor_of(self.request), membership=self.obj)
        self.obj = None
        return _("%(person)s is no member any more.") % {"person": person}


@admin.register(Membership)
class MembershipAdmin(ServiceAdmin):
    list_display = ("user", "organization", "role", "since")
    list_filter = ("role", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__name")
    search_help_text = _("Person or organization")
    sortable_by = ()
    fieldsets = ((None, {"fields": ("user", "organization", "role", "more", "since")}),)
    object_pages = (ChangeRole, RemoveMember)
    audit_type = "membership"

    @admin.display(description=_("Beside the role"))
    def more(self, membership: Membership) -> str:
        return ", ".join(membership.capabilities) or "–"

    @admin.display(description=_("Since"))
    def since(self, membership: Membership) -> SafeString | str:
        return html.day(membership.created_at)


@admin.register(WrappingKey)
class WrappingKeyAdmin(ReadOnlyAdmin):
    list_display = ("organization", "purpose", "created_at")
    list_filter = ("purpose",)
    list_select_related = ("organization",)
    sortable_by = ()
    fields = ("organization", "purpose", "created_at")


@admin.register(ServerSecret)
class ServerSecretAdmin(ReadOnlyAdmin):
    list_display = ("purpose", "created_at")
    sortable_by = ()
    ordering = ("purpose",)
    fields = ("purpose", "created_at")

"""The roles that an organization has made for itself."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import selectors
from accounts.models import CustomRole, Organization
from accounts.policy import holds
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS, OrganizationRole
from accounts.services.custom_roles import create_custom_role, delete_custom_role, update_custom_role
from audit.admin.forms import message_of
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.pages import done, in_organization, show
from web.permissions import grouped
from web.spreadsheets import Sheet, wants_csv

_SHEET: Final = Sheet(
    "organization-roles",
    {"id": "public_id", "slug": "slug", "name": "name", "permissions": "permissions", "held_by": "holders"},
)


class RoleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=[(value, value) for value in sorted(ORGANIZATION_PERMISSIONS)],
        widget=forms.CheckboxSelectMultiple,
    )


class NewRoleForm(RoleForm):
    slug = forms.SlugField(
        label=_("Short name"),
        max_length=80,
        required=False,
        help_text=_(
            "By which templates ask for it: lower-case letters, digits and hyphens. Made from the name where it is "
            "left empty; it stays for ever."
        ),
    )
    field_order = ("name", "slug", "permissions")


@in_organization(Permission.MEMBERS_READ)
@require_safe
def overview(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponseBase:
    own = selectors.custom_roles(visible_to=actor).annotate(holders=Count("memberships")).order_by("name")
    if wants_csv(request.GET):
        return _SHEET.of(own)
    context = {
        "title": _("Roles of the organization"),
        "organization": organization,
        "own": own,
        "ours": [(role, grouped(PERMISSIONS[role])) for role in OrganizationRole],
        "may_write": holds(actor, Permission.MEMBERS_WRITE),
    }
    return show(request, "roles", context)


@in_organization(Permission.MEMBERS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = NewRoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if done(form, lambda: create_custom_role(actor=actor, organization=organization, **data)):
            messages.success(request, _("The role %(name)s is made.") % {"name": data["name"]})
            return redirect("custom-roles")
    return show(request, "role", {"title": _("Make a role"), "form": form, "role": None}, form)


@in_organization(Permission.MEMBERS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    try:
        role: CustomRole = selectors.get_custom_role(Ref("public_id", public_id), visible_to=actor)
    except NotFound as error:
        raise Http404 from error
    if "delete" in request.POST:
        return _delete(request, actor, role)
    form = RoleForm(request.POST or None, initial={"name": role.name, "permissions": role.permissions})
    posted = request.method == "POST" and form.is_valid()
    if posted and done(form, lambda: update_custom_role(actor=actor, role=role, **form.cleaned_data)):
        messages.success(request, _("It holds from now on, for everybody who has the role."))
        return redirect("custom-roles")
    return show(request, "role", {"title": role.name, "form": form, "role": role}, form)


def _delete(request: HttpRequest, actor: Actor, role: CustomRole) -> HttpResponse:
    try:
        delete_custom_role(actor=actor, role=role)
    except DomainError as error:
        messages.error(request, message_of(error))
        return redirect("custom-role", public_id=role.public_id)
    messages.success(request, _("The role %(name)s is gone.") % {"name": role.name})
    return redirect("custom-roles")

"""The organization itself: what it is called, and what it is licensed for."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.features import features_of
from accounts.models import Organization
from accounts.policy import holds
from accounts.services.organizations import update_organization
from kernel.actor import Actor
from kernel.features import Feature
from kernel.permissions import Permission
from web.account.fresh import fresh_to_change
from web.account.pages import done, in_organization, show

_FEATURES = {
    Feature.BATCHES: _("Many certificates in one order"),
    Feature.CUSTOM_ROLES: _("Roles of your own"),
    Feature.EXTERNAL_SIGN_IN: _("Signing in by an identity provider"),
    Feature.SERVICE_ACCOUNTS: _("Service accounts"),
    Feature.GRANULAR_GRANTS: _("Read, issue and revoke given one by one"),
    Feature.FETCHED_REVOCATION: _("Fetching CRLs and asking OCSP responders elsewhere"),
}


class OrganizationForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What was issued keeps the name that it has."))
    description = forms.CharField(
        label=_("Description"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


@fresh_to_change
@in_organization(Permission.ORGANIZATIONS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    may_write = holds(actor, Permission.ORGANIZATIONS_WRITE)
    if request.method == "POST" and not may_write:
        raise PermissionDenied
    initial = {"name": organization.name, "description": organization.description}
    form = OrganizationForm(request.POST if request.method == "POST" else None, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and done(form, lambda: update_organization(actor=actor, organization=organization, **form.cleaned_data))
    ):
        messages.success(request, _("It is saved."))
        return redirect("organization-settings")
    licensed = features_of(organization)
    context = {
        "title": _("Settings"),
        "organization": organization,
        "form": form,
        "may_write": may_write,
        "features": [(_FEATURES[feature], feature in licensed) for feature in Feature],
        "contact": settings.LICENCE_CONTACT or settings.FIRST_ADMINISTRATOR,
        "base_url": settings.BASE_URL,
    }
    return show(request, "settings", context, form)

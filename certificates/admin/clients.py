"""Certificates that service accounts sign in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import ServiceAccount
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words
from certificates.client_selectors import certificate_by_fingerprint
from certificates.models import ClientCertificateBinding
from certificates.services.client_bindings import bind_client_certificate, unbind_client_certificate


class BindingForm(forms.Form):
    service_account = forms.ModelChoiceField(
        ServiceAccount.objects.filter(is_active=True).order_by("name"), label=_("Service account")
    )
    certificate_id = forms.CharField(
        label=_("SHA-256 fingerprint of the certificate"), max_length=95, help_text=_("In hex, with colons or without.")
    )
    follows_renewal = forms.BooleanField(
        label=_("Renewals sign in, too"),
        required=False,
        help_text=_("What renews it under the same names: whoever may renew it makes that one."),
    )


class Bind(ServicePage):
    slug = "bind"
    title = _("Bind a client certificate")
    explanation = _("From now on whoever shows it to the proxy, and has its key, is the service account.")
    submit = _("Bind the certificate")
    icon = "key"
    form_class = BindingForm

    def act(self, data: Mapping[str, Any]) -> Words:
        account: ServiceAccount = data["service_account"]
        actor = actor_of(self.request, account.organization)
        certificate = certificate_by_fingerprint(data["certificate_id"], visible_to=actor)
        self.obj = bind_client_certificate(
            actor=actor, certificate=certificate, account=account, follows_renewal=data["follows_renewal"]
        )
        return _("%(account)s signs in with it.") % {"account": account.name}


class Unbind(ServicePage):
    slug = "unbind"
    title = _("Unbind the client certificate")
    explanation = _("It is no credential any more, and neither is what renews it.")
    submit = _("Unbind the certificate")
    icon = "ban"
    is_dangerous = True

    def facts(self) -> Facts:
        return [(_("Certificate"), self.obj.certificate), (_("Service account"), self.obj.service_account)]

    def act(self, data: Mapping[str, Any]) -> Words:
        account = self.obj.service_account.name
        unbind_client_certificate(actor=actor_of(self.request, self.obj.organization), binding=self.obj)
        self.obj = None
        return _("%(account)s does not sign in with it any more.") % {"account": account}


@admin.register(ClientCertificateBinding)
class ClientCertificateAdmin(ServiceAdmin):
    list_display = ("certificate", "service_account", "organization", "follows_renewal", "last_used")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization", "certificate", "service_account")
    search_fields = ("service_account__name",)
    search_help_text = _("Service account")
    sortable_by = ()
    fields = ("certificate", "service_account", "organization", "follows_renewal", "maker", "last_used", "public_id")
    list_pages = (Bind,)
    object_pages = (Unbind,)
    audit_type = "client_certificate"

    @admin.display(description=_("Last used"))
    def last_used(self, row: ClientCertificateBinding) -> SafeString | str:
        return html.moment(row.last_used_at)

"""How machines of an organization sign in: with tokens of issuers elsewhere, and with certificates of its own."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts import oidc_selectors, selectors
from accounts.jwks import ALGORITHMS
from accounts.models import MachineIdentity, OidcIssuer, Organization, ServiceAccount
from accounts.services.machine_identities import bind_machine_identity, delete_machine_identity
from accounts.services.oidc_issuers import (
    DEFAULT_ALGORITHMS,
    IssuerOrder,
    create_oidc_issuer,
    delete_oidc_issuer,
    update_oidc_issuer,
)
from audit.admin.forms import message_of
from certificates import client_selectors
from certificates.client_selectors import certificate_by_fingerprint
from certificates.models import ClientCertificateBinding
from certificates.services.client_bindings import bind_client_certificate, unbind_client_certificate
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.fresh import fresh_required
from web.account.members import role_choices
from web.account.pages import done, in_organization, show
from web.account.providers import RoleMapField
from web.listing import page_of
from web.spreadsheets import Sheet, wants_csv

_OWNERS = Permission.ORGANIZATIONS_WRITE
_SUBJECTS: Final = "subjects"
_SUBJECTS_SHEET: Final = Sheet(
    "machine-subjects",
    {
        "id": "public_id",
        "service_account": "service_account.name",
        "subject": "subject",
        "issuer": "issuer.issuer",
    },
)
_CERTIFICATES: Final = "certificates"
_CERTIFICATES_SHEET: Final = Sheet(
    "client-certificates",
    {
        "id": "public_id",
        "service_account": "service_account.name",
        "certificate": "certificate",
        "fingerprint": "certificate.fingerprint",
        "follows_renewal": "follows_renewal",
    },
)


class IssuerForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    audience = forms.CharField(
        label=_("Audience"),
        max_length=300,
        help_text=_("Whom its tokens must be for (aud): your own, and nobody else's."),
    )
    algorithms = forms.MultipleChoiceField(
        label=_("Signature algorithms"),
        choices=[(name, name) for name in ALGORITHMS],
        widget=forms.CheckboxSelectMultiple,
        initial=DEFAULT_ALGORITHMS,
    )
    role_claim = forms.CharField(
        label=_("Claim of the role"),
        max_length=100,
        required=False,
        help_text=_("Such as groups, or realm_access.roles."),
    )
    role_map = RoleMapField(
        label=_("Roles"),
        help_text=_("Which value of the claim stands for which role: pki-operators = operator"),
        rows=4,
    )
    default_role = forms.ChoiceField(label=_("Role otherwise"), required=False)
    email_claim = forms.CharField(label=_("Claim of the e-mail address"), max_length=100, initial="email")
    makes_members = forms.BooleanField(label=_("Whoever has a token becomes a member"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nobody = ("", _("nobody gets in"))
        self.fields["default_role"].choices = [nobody, *role_choices(organization)]  # type: ignore[attr-defined]

    def order(self) -> IssuerOrder:
        return IssuerOrder(**{key: self.cleaned_data[key] for key in IssuerOrder.__dataclass_fields__})


class NewIssuerForm(IssuerForm):
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("Its address, such as https://id.example.com. It stays for ever."),
    )
    field_order = ("name", "issuer", "audience")


class _AccountForm(forms.Form):
    service_account = forms.ModelChoiceField(ServiceAccount.objects.none(), label=_("Service account"))

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = selectors.service_accounts(visible_to=actor).filter(is_active=True).order_by("name")
        self.fields["service_account"].queryset = rows  # type: ignore[attr-defined]


class IdentityForm(_AccountForm):
    issuer = forms.ModelChoiceField(OidcIssuer.objects.none(), label=_("Token issuer"))
    subject = forms.CharField(label=_("Subject"), max_length=255, help_text=_("What its tokens have in sub."))
    field_order = ("issuer", "subject", "service_account")

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(actor, *args, **kwargs)
        rows = oidc_selectors.oidc_issuers(visible_to=actor)
        self.fields["issuer"].queryset = rows  # type: ignore[attr-defined]


class CertificateForm(_AccountForm):
    certificate_id = forms.CharField(
        label=_("SHA-256 fingerprint of the certificate"), max_length=95, help_text=_("In hex, with colons or without.")
    )
    follows_renewal = forms.BooleanField(
        label=_("Renewals sign in, too"),
        required=False,
        help_text=_("What renews it under the same names: whoever may renew it makes that one."),
    )
    field_order = ("certificate_id", "service_account", "follows_renewal")


@in_organization(_OWNERS)
@require_http_methods(["GET", "HEAD"])
def overview(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponseBase:
    identities = oidc_selectors.machine_identities(visible_to=actor)
    certificates = client_selectors.client_bindings(visible_to=actor)
    if wants_csv(request.GET, _SUBJECTS):
        return _SUBJECTS_SHEET.of(identities)
    if wants_csv(request.GET, _CERTIFICATES):
        return _CERTIFICATES_SHEET.of(certificates)
    context = {
        "title": _("How machines sign in"),
        "organization": organization,
        "issuers": oidc_selectors.oidc_issuers(visible_to=actor),
        "identities": page_of(identities, request.GET, place=_SUBJECTS),
        "certificates": page_of(certificates, request.GET, place=_CERTIFICATES),
    }
    return show(request, "machines", context)


@fresh_required
@in_organization(_OWNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def add_issuer(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = NewIssuerForm(organization, request.POST or None)
    if request.method == "POST" and form.is_valid():
        issuer = form.cleaned_data["issuer"]
        if done(
            form,
            lambda: create_oidc_issuer(actor=actor, organization=organization, issuer=issuer, order=form.order()),
        ):
            messages.success(request, _("%(name)s is added.") % {"name": form.cleaned_data["name"]})
            return redirect("machines")
    return _ask(request, _("Add a token issuer"), form)


@fresh_required
@in_organization(_OWNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def change_issuer(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    try:
        row = oidc_selectors.get_oidc_issuer(Ref("public_id", public_id), visible_to=actor)
    except NotFound as error:
        raise Http404 from error
    if "delete" in request.POST:
        return _remove(request, actor, row)
    initial = {key: getattr(row, key) for key in IssuerOrder.__dataclass_fields__}
    form = IssuerForm(organization, request.POST or None, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and done(form, lambda: update_oidc_issuer(actor=actor, issuer=row, order=form.order()))
    ):
        messages.success(request, _("%(name)s is changed.") % {"name": form.cleaned_data["name"]})
        return redirect("machines")
    return _ask(request, row.name, form, row)


@fresh_required
@in_organization(_OWNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def bind_subject(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = IdentityForm(actor, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        facts = {"issuer": data["issuer"], "subject": data["subject"], "account": data["service_account"]}
        if done(form, lambda: bind_machine_identity(actor=actor, **facts)):
            return _bound(request, data["service_account"])
    return _ask(request, _("Bind a subject"), form)


@fresh_required
@in_organization(_OWNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def bind_certificate(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = CertificateForm(actor, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if done(
            form,
            lambda: bind_client_certificate(
                actor=actor,
                certificate=certificate_by_fingerprint(data["certificate_id"], visible_to=actor),
                account=data["service_account"],
                follows_renewal=data["follows_renewal"],
            ),
        ):
            return _bound(request, data["service_account"])
    return _ask(request, _("Bind a client certificate"), form)


@fresh_required
@in_organization(_OWNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def unbind(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    """A subject, or a certificate. Whoever was asked who he is on his way here has left the form behind."""
    if request.method != "POST":
        return redirect("machines")
    ref = Ref("public_id", public_id)
    row: MachineIdentity | ClientCertificateBinding
    try:
        row = oidc_selectors.get_machine_identity(ref, visible_to=actor)
        account = row.service_account
        delete_machine_identity(actor=actor, identity=row)
    except NotFound:
        try:
            row = client_selectors.get_client_binding(ref, visible_to=actor)
        except NotFound as error:
            raise Http404 from error
        account = row.service_account
        unbind_client_certificate(actor=actor, binding=row)
    messages.success(request, _("%(account)s does not sign in with it any more.") % {"account": account.name})
    return redirect("machines")


def _remove(request: HttpRequest, actor: Actor, row: OidcIssuer) -> HttpResponse:
    try:
        delete_oidc_issuer(actor=actor, issuer=row)
    except DomainError as error:
        messages.error(request, message_of(error))
    else:
        messages.success(request, _("%(name)s is removed.") % {"name": row.name})
    return redirect("machines")


def _bound(request: HttpRequest, account: ServiceAccount) -> HttpResponse:
    messages.success(request, _("%(account)s signs in with it.") % {"account": account.name})
    return redirect("machines")


def _ask(request: HttpRequest, title: object, form: forms.Form, issuer: object = None) -> HttpResponse:
    return show(request, "machine", {"title": title, "form": form, "issuer": issuer}, form)

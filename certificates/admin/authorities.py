"""Authorities: made, watched, retired and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.models import Organization
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.forms import DaysField, LinesField, SecretField
from audit.admin.pages import Facts, Section, ServiceAdmin, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES, APPROVAL, ApprovalFields, AuthorityField, issuing_authorities
from cas.admin.roles import approval_text
from cas.core.keys import KeyAlgorithm
from cas.core.names import constraint_name, parse_name
from cas.describe import key_words
from cas.models import CaCertificate, CertificateAuthority
from cas.orders import AuthorityOrder
from cas.services.authorities import disable_ca, enable_ca, retire_ca
from certificates.admin.decoded import decoded_context, decoded_from, latest_crl
from certificates.admin.reasons import authority_reason_field
from certificates.models import Certificate
from certificates.orders import RevokeAuthorityOrder
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.revocation import revoke_authority
from kernel.errors import Invalid
from kernel.ref import Ref

Status = CertificateAuthority.Status


class _AuthorityForm(ApprovalFields):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people call it here."))
    subject = forms.CharField(
        label=_("Subject"),
        max_length=2000,
        help_text=_("As in CN=Acme Root CA,O=Acme GmbH,C=CH. It cannot be changed later."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )
    key_algorithm = forms.ChoiceField(label=_("Key"), choices=ALGORITHM_CHOICES)
    validity = DaysField(label=_("Valid for (days)"))
    path_length = forms.IntegerField(
        label=_("Path length"),
        min_value=0,
        max_value=20,
        required=False,
        help_text=_("How many authorities may stand below it, one under the other. Empty: no limit."),
    )
    permitted = LinesField(
        label=_("Permitted names"), help_text=_("Name constraints, one to a line: .example.com"), rows=2
    )
    excluded = LinesField(label=_("Excluded names"), help_text=_("One to a line."), rows=2)
    passphrase = SecretField(
        label=_("Passphrase for its key"),
        help_text=_("Then nothing is signed without a person, neither CRLs. Empty: the server signs by itself."),
    )
    crl_lifetime = DaysField(label=_("A CRL is valid for (days)"), longest=400, required=False)
    base_url = forms.URLField(
        label=_("Base URL"),
        required=False,
        assume_scheme="http",
        help_text=_("Stands in what it signs, for CRL, OCSP and its own certificate. Empty: this server's."),
    )
    allow_leaf_certificates = forms.BooleanField(
        label=_("Issues end-entity certificates"), required=False, initial=True
    )


_DETAILS = (
    Section(
        _("Limits and addresses"),
        "path_length",
        "permitted",
        "excluded",
        "base_url",
        "crl_lifetime",
        "allow_leaf_certificates",
        folded=True,
    ),
    Section(_("Approval"), *APPROVAL, folded=True),
)


class RootForm(_AuthorityForm):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))

    sections: ClassVar = (
        Section("", "organization", "name", "subject", "key_algorithm", "validity"),
        Section(_("Passphrase"), "passphrase", folded=True),
        *_DETAILS,
    )


class IntermediateForm(_AuthorityForm):
    parent = AuthorityField(issuing_authorities(), label=_("Under"))
    parent_passphrase = SecretField(label=_("Passphrase of the authority above"))

    sections: ClassVar = (
        Section("", "parent", "name", "subject", "key_algorithm", "validity"),
        Section(_("Passphrases"), "parent_passphrase", "passphrase", folded=True),
        *_DETAILS,
    )


class _EstablishPage(ServicePage):
    error_fields = {"permitted_names": "permitted", "excluded_names": "excluded", "public_key": "key_algorithm"}

    def _establish(self, data: Mapping[str, Any], organization: Ref, parent: Ref | None) -> Words:
        order = AuthorityOrder(
            organization=organization,
            parent=parent,
            name=data["name"],
            subject=parse_name(data["subject"]),
            key_algorithm=KeyAlgorithm(data["key_algorithm"]),
            validity=data["validity"],
            path_length=data["path_length"],
            permitted_names=tuple(constraint_name(line, field="permitted") for line in data["permitted"]),
            excluded_names=tuple(constraint_name(line, field="excluded") for line in data["excluded"]),
            passphrase=data["passphrase"],
            parent_passphrase=data.get("parent_passphrase"),
            crl_lifetime=data["crl_lifetime"],
            base_url=data["base_url"] or None,
            allow_leaf_certificates=data["allow_leaf_certificates"],
            requires_approval=data["requires_approval"],
            approver_role=data["approver_role"],
            approvals_needed=data["approvals_needed"],
        )
        self.obj = establish_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s is in service: its certificate, its CRL and its OCSP responder are ready.") % {
            "name": self.obj.name
        }


class CreateRoot(_EstablishPage):
    slug = "create-root"
    title = _("Create a root")
    explanation = _("The beginning of a chain. Whoever shall believe it must be given its certificate.")
    submit = _("Create the root")
    icon = "authority"
    form_class = RootForm

    def initial(self) -> Mapping[str, Any]:
        return {
            "organization": Organization.objects.order_by("name").first(),
            "key_algorithm": KeyAlgorithm.ECDSA_P384.value,
            "validity": 3650,
        }

    def act(self, data: Mapping[str, Any]) -> Words:
        return self._establish(data, Ref("pk", data["organization"].pk), None)


class CreateIntermediate(_EstablishPage):
    slug = "create-intermediate"
    title = _("Create an intermediate")
    explanation = _("The authority that issues day by day, so that the root may rest.")
    submit = _("Create the intermediate")
    icon = "authority"
    form_class = IntermediateForm

    def initial(self) -> Mapping[str, Any]:
        return {
            "parent": issuing_authorities().filter(parent=None).first(),
            "key_algorithm": KeyAlgorithm.ECDSA_P256.value,
            "validity": 1825,
            "path_length": 0,
        }

    def act(self, data: Mapping[str, Any]) -> Words:
        return self._establish(data, Ref("pk", data["parent"].organization_id), Ref("pk", data["parent"].pk))


class _OneAuthorityPage(ServicePage):
    def facts(self) -> Facts:
        ca: CertificateAuthority = self.obj
        return [
            (_("Authority"), ca.name),
            (_("Subject"), ca.subject),
            (_("Organization"), ca.organization),
            (_("Under"), ca.parent or _("nothing: it is a root")),
            (_("Certificates in force"), _in_force(ca)),
            (_("Authorities below it"), ca.children.exclude(status=Status.REVOKED).count()),
        ]


class PublishForm(forms.Form):
    passphrase = SecretField(label=_("Passphrase"), help_text=_("Only where the key of this authority has one."))


class Publish(_OneAuthorityPage):
    slug = "publish"
    title = _("Publish the CRL now")
    explanation = _("Usually the worker does this by itself, within a minute of a revocation and before a list lapses.")
    submit = _("Sign and publish")
    icon = "refresh"
    form_class = PublishForm

    def is_offered(self) -> bool:
        return self.obj.key_id is not None

    def act(self, data: Mapping[str, Any]) -> Words:
        publish_everything(actor=actor_of(self.request), ca=self.obj, passphrase=data["passphrase"])
        return _("The CRL of %(name)s is published.") % {"name": self.obj.name}


class Disable(_OneAuthorityPage):
    slug = "disable"
    title = _("Disable")
    explanation = _("It issues nothing, nor does any authority below it, until it is enabled again.")
    submit = _("Disable")
    icon = "pause"

    def is_offered(self) -> bool:
        return self.obj.status == Status.ACTIVE

    def act(self, data: Mapping[str, Any]) -> Words:
        disable_ca(actor=actor_of(self.request), ca=self.obj)
        return _("%(name)s is disabled.") % {"name": self.obj.name}


class Enable(_OneAuthorityPage):
    slug = "enable"
    title = _("Enable")
    submit = _("Enable")
    icon = "check"

    def is_offered(self) -> bool:
        return self.obj.status == Status.DISABLED

    def act(self, data: Mapping[str, Any]) -> Words:
        enable_ca(actor=actor_of(self.request), ca=self.obj)
        return _("%(name)s is enabled.") % {"name": self.obj.name}


class Retire(_OneAuthorityPage):
    slug = "retire"
    title = _("Retire")
    explanation = _("It issues nothing more, for good. What it issued stays valid, and its CRL and OCSP go on.")
    submit = _("Retire")
    icon = "lock"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.status in (Status.ACTIVE, Status.DISABLED)

    def act(self, data: Mapping[str, Any]) -> Words:
        retire_ca(actor=actor_of(self.request), ca=self.obj)
        return _("%(name)s is retired.") % {"name": self.obj.name}


class RevokeForm(forms.Form):
    reason = authority_reason_field()
    comment = forms.CharField(label=_("Comment"), max_length=1000, required=False)
    typed_name = forms.CharField(
        label=_("Type the name of the authority"),
        help_text=_("Everything below it is revoked with it, and nothing of this can be undone."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class Revoke(_OneAuthorityPage):
    slug = "revoke"
    title = _("Revoke")
    explanation = _("The authority, every authority below it and every certificate of theirs are revoked together.")
    submit = _("Revoke all of it")
    icon = "ban"
    is_dangerous = True
    form_class = RevokeForm

    def is_offered(self) -> bool:
        return self.obj.status != Status.REVOKED

    def act(self, data: Mapping[str, Any]) -> Words:
        if data["typed_name"].strip() != self.obj.name:
            raise Invalid.of("typed_name", "differs", gettext_noop("This is not the name of this authority."))
        order = RevokeAuthorityOrder(ca=Ref("pk", self.obj.pk), reason=data["reason"], comment=data["comment"])
        revoke_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s is revoked, with everything below it.") % {"name": self.obj.name}


@admin.register(CertificateAuthority)
class CertificateAuthorityAdmin(ServiceAdmin):
    change_form_template = "admin/authority.html"
    list_display = ("called", "standing", "above", "key_kind", "ends", "organization")
    list_filter = ("status", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("parent", "organization")
    search_fields = ("name", "subject", "slug", "key_hash__startswith")
    search_help_text = _("Name, subject or beginning of the key hash")
    ordering = ("id",)
    sortable_by = ()
    fieldsets = (
        (_("Authority"), {"fields": ("subject", "organization", "above", "description", "key_kind", "locked")}),
        (_("Limits"), {"fields": ("path", "leaves", "approval", "crl_lasts", "crl_shards")}),
        (_("Addresses"), {"fields": ("base_url", "slug", "public_id", "hash")}),
    )
    list_pages = (CreateRoot, CreateIntermediate)
    object_pages = (Publish, Disable, Enable, Retire, Revoke)
    audit_type = "ca"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CertificateAuthority]:
        ends = CaCertificate.objects.filter(ca=OuterRef("pk"), preferred=True).values("not_after")[:1]
        return super().get_queryset(request).annotate(ends_at=Subquery(ends))

    def record_context(self, request: HttpRequest, obj: CertificateAuthority) -> dict[str, Any]:
        context = super().record_context(request, obj)
        context["standing"] = self.standing(obj)
        context["crl"] = latest_crl(obj)
        context["register_url"] = f"{reverse('admin:certificates_certificate_changelist')}?ca__id__exact={obj.pk}"
        context["in_force"] = _in_force(obj)
        return context | decoded_context(obj, None)

    @admin.display(description=_("Name"))
    def called(self, ca: CertificateAuthority) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', ca.name, ca.subject)

    @admin.display(description=_("Status"))
    def standing(self, ca: CertificateAuthority) -> SafeString:
        return html.badge(html.status_of(ca.status, getattr(ca, "ends_at", None)))

    @admin.display(description=_("Key"))
    def key_kind(self, ca: CertificateAuthority) -> str:
        return key_words(ca.key_algorithm)

    @admin.display(description=_("Under"))
    def above(self, ca: CertificateAuthority) -> SafeString | str:
        if ca.parent is None:
            return str(_("root"))
        address = reverse("admin:cas_certificateauthority_change", args=[ca.parent.pk])
        return format_html('<a href="{}">{}</a>', address, ca.parent.name)

    @admin.display(description=_("Expires"))
    def ends(self, ca: CertificateAuthority) -> SafeString | str:
        return html.day(getattr(ca, "ends_at", None))

    @admin.display(description=_("Protected by a passphrase"))
    def locked(self, ca: CertificateAuthority) -> SafeString:
        return html.yes_no(ca.passphrase_protected)

    @admin.display(description=_("Path length"))
    def path(self, ca: CertificateAuthority) -> str:
        return str(_("no limit")) if ca.path_length is None else str(ca.path_length)

    @admin.display(description=_("Issues end-entity certificates"))
    def leaves(self, ca: CertificateAuthority) -> SafeString:
        return html.yes_no(ca.allow_leaf_certificates)

    @admin.display(description=_("Approval"))
    def approval(self, ca: CertificateAuthority) -> str:
        return approval_text(ca)

    @admin.display(description=_("A CRL is valid for"))
    def crl_lasts(self, ca: CertificateAuthority) -> str:
        return str(_("%(count)s hours")) % {"count": int(ca.crl_lifetime.total_seconds() // 3600)}

    @admin.display(description=_("Key hash"))
    def hash(self, ca: CertificateAuthority) -> SafeString:
        return format_html('<span class="mono">{}</span>', ca.key_hash)


@admin.register(CaCertificate)
class CaCertificateAdmin(ReadOnlyAdmin):
    change_form_template = "admin/ca_certificate.html"
    list_display = ("ca", "kind", "issuer", "number", "ends", "is_preferred")
    list_filter = ("kind", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("ca", "issuer")
    search_fields = ("ca__name", "serial__startswith", "fingerprint__startswith")
    search_help_text = _("Authority, or beginning of serial number or fingerprint")
    sortable_by = ()
    fields = ("ca", "organization", "kind", "issuer", "is_preferred", "created_at")

    def record_context(self, request: HttpRequest, obj: CaCertificate) -> dict[str, Any]:
        return super().record_context(request, obj) | {"title": obj.ca.name} | decoded_from(obj.certificate)

    @admin.display(description=_("Serial number"))
    def number(self, row: CaCertificate) -> SafeString:
        return html.serial(row.serial)

    @admin.display(description=_("Expires"))
    def ends(self, row: CaCertificate) -> SafeString | str:
        return html.day(row.not_after)

    @admin.display(description=_("Preferred"))
    def is_preferred(self, row: CaCertificate) -> SafeString:
        return html.yes_no(row.preferred)


def _in_force(ca: CertificateAuthority) -> int:
    held_or_issued = Certificate.objects.filter(ca=ca, not_after__gte=timezone.now())
    return held_or_issued.exclude(state=Certificate.State.REVOKED).count()

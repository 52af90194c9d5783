"""The pages that make, retire and revoke authorities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.models import Organization
from accounts.selectors import under_granted_cas
from accounts.sessions import actor_of
from audit.admin.forms import DaysField, SecretField
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES, APPROVAL, ApprovalFields, AuthorityField, issuing_authorities
from cas.chains import subtree_ids
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.models import CertificateAuthority
from cas.orders import AuthorityOrder
from cas.services.authorities import disable_ca, enable_ca, retire_ca
from certificates.admin.authority_forms import (
    BACKEND,
    LIMITS,
    BackendFields,
    LimitFields,
    OneAuthorityPage,
    PassphraseForm,
    Status,
)
from certificates.admin.reasons import authority_reason_field
from certificates.models import Certificate
from certificates.orders import RevokeAuthorityOrder
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.revocation import revoke_authority
from kernel.errors import Invalid
from kernel.ref import Ref


class _AuthorityForm(ApprovalFields, LimitFields, BackendFields):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people call it here."))
    subject = forms.CharField(
        label=_("Subject"),
        max_length=2000,
        help_text=_("As in CN=Example Root CA,O=Example Ltd,C=GB. It cannot be changed later."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )
    key_algorithm = forms.ChoiceField(label=_("Key"), choices=ALGORITHM_CHOICES)
    validity = DaysField(label=_("Valid for (days)"))
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
        *LIMITS,
        "base_url",
        "crl_lifetime",
        "allow_leaf_certificates",
        folded=True,
    ),
    Section(_("Where its key is kept"), *BACKEND, folded=True),
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
    error_fields = {
        "permitted_names": "permitted",
        "excluded_names": "excluded",
        "public_key": "key_algorithm",
        "token_key": "token_label",
    }

    def _establish(self, data: Mapping[str, Any], organization: Ref, parent: Ref | None) -> Words:
        order = AuthorityOrder(
            organization=organization,
            parent=parent,
            name=data["name"],
            subject=parse_name(data["subject"]),
            key_algorithm=KeyAlgorithm(data["key_algorithm"]),
            validity=data["validity"],
            passphrase=data["passphrase"],
            parent_passphrase=data.get("parent_passphrase"),
            crl_lifetime=data["crl_lifetime"],
            base_url=data["base_url"] or None,
            allow_leaf_certificates=data["allow_leaf_certificates"],
            requires_approval=data["requires_approval"],
            approver_role=data["approver_role"],
            approvals_needed=data["approvals_needed"],
            **LimitFields.words(data),
            **BackendFields.words(data),
        )
        self.obj = establish_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s is in service: its certificate, its CRL and its OCSP responder are ready.") % {
            "name": self.obj.name
        }


class CreateRoot(_EstablishPage):
    slug = "create-root"
    title = _("Create a root")
    explanation = _("The beginning of a chain. Whoever is to trust it must be given its certificate.")
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

    def form(self) -> forms.Form:
        form, actor = super().form(), actor_of(self.request)
        parents = issuing_authorities()
        reachable = parents if actor.is_superuser else under_granted_cas(parents, actor, column="pk")
        if not reachable.filter(passphrase_protected=True).exists():
            del form.fields["parent_passphrase"]
        return form

    def act(self, data: Mapping[str, Any]) -> Words:
        return self._establish(data, Ref("pk", data["parent"].organization_id), Ref("pk", data["parent"].pk))


class _WeightyPage(OneAuthorityPage):
    """With how much stands below it, at every depth."""

    def facts(self) -> Facts:
        reached = subtree_ids(self.obj.pk)
        below = CertificateAuthority.objects.filter(pk__in=reached).exclude(pk=self.obj.pk)
        return [
            *super().facts(),
            (_("Authorities below it"), below.exclude(status__in=(Status.REVOKED, Status.CANCELLED)).count()),
            (_("Certificates in force, here and below"), in_force(*reached)),
        ]


class Publish(_WeightyPage):
    slug = "publish"
    title = _("Publish the CRL now")
    explanation = _("Usually the worker does this by itself, within a minute of a revocation and before a list lapses.")
    submit = _("Sign and publish")
    icon = "refresh"
    form_class = PassphraseForm
    unlocked_by = "passphrase"

    def is_offered(self) -> bool:
        return self.obj.has_key and self.obj.was_certified

    def act(self, data: Mapping[str, Any]) -> Words:
        publish_everything(actor=actor_of(self.request), ca=self.obj, passphrase=data.get("passphrase"))
        return _("The CRL of %(name)s is published.") % {"name": self.obj.name}


class Disable(_WeightyPage):
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


class Enable(_WeightyPage):
    slug = "enable"
    title = _("Enable")
    submit = _("Enable")
    icon = "check"

    def is_offered(self) -> bool:
        return self.obj.status == Status.DISABLED

    def act(self, data: Mapping[str, Any]) -> Words:
        enable_ca(actor=actor_of(self.request), ca=self.obj)
        return _("%(name)s is enabled.") % {"name": self.obj.name}


class Retire(_WeightyPage):
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


class Revoke(_WeightyPage):
    slug = "revoke"
    title = _("Revoke")
    explanation = _("The authority, every authority below it and every certificate of theirs are revoked together.")
    submit = _("Revoke all of it")
    icon = "ban"
    is_dangerous = True
    form_class = RevokeForm

    def is_offered(self) -> bool:
        return self.obj.was_certified and self.obj.status != Status.REVOKED

    def act(self, data: Mapping[str, Any]) -> Words:
        if data["typed_name"].strip() != self.obj.name:
            raise Invalid.of("typed_name", "differs", gettext_noop("This is not the name of this authority."))
        order = RevokeAuthorityOrder(ca=Ref("pk", self.obj.pk), reason=data["reason"], comment=data["comment"])
        revoke_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s is revoked, with everything below it.") % {"name": self.obj.name}


def in_force(*ca_ids: int) -> int:
    """How many certificates of these CAs are good or on hold."""
    held_or_issued = Certificate.objects.filter(ca__in=ca_ids, not_after__gte=timezone.now())
    return held_or_issued.exclude(state=Certificate.State.REVOKED).count()

"""Pages for authorities that change: their terms, their certificates, and who goes on where they end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.forms import DaysField, SecretField
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES, APPROVAL, ApprovalFields, issuing_authorities
from cas.core.keys import KeyAlgorithm
from cas.models import CaCertificate, CertificateAuthority
from cas.orders import CrossOrder, SuccessorOrder
from cas.selectors import lost_intents
from cas.services.authorities import update_ca
from cas.services.ca_certificates import cross_certify, prefer_certificate, renew_authority
from cas.services.pending import add_authority_certificate
from cas.services.successors import move_templates
from certificates.admin.authority_forms import (
    LIMITS,
    CertificatesForm,
    LimitFields,
    NeighbourField,
    NewLifetimeForm,
    OneAuthorityPage,
    Status,
    in_service,
)
from certificates.admin.reasons import authority_reason_field
from certificates.services.authorities import establish_successor
from certificates.services.ca_certificates import revoke_ca_certificate
from certificates.services.intents import abandon_intents
from kernel.ref import Ref

_DAY = timedelta(days=1)


class TermsForm(ApprovalFields):
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    base_url = forms.URLField(
        label=_("Base URL"),
        assume_scheme="http",
        help_text=_("For what it signs from now on; what it has signed keeps the addresses that stand in it."),
    )
    crl_lifetime = DaysField(
        label=_("A CRL is valid for (days)"), longest=400, required=False, help_text=_("Empty: as before.")
    )
    allow_leaf_certificates = forms.BooleanField(label=_("Issues end-entity certificates"), required=False)

    sections: ClassVar = (
        Section("", "description", "base_url", "crl_lifetime", "allow_leaf_certificates"),
        Section(_("Approval"), *APPROVAL),
    )


class ChangeTerms(OneAuthorityPage):
    slug = "change-terms"
    title = _("Change its terms")
    submit = _("Save")
    icon = "refresh"
    form_class = TermsForm

    def is_offered(self) -> bool:
        return self.obj.has_key

    def initial(self) -> Mapping[str, Any]:
        ca: CertificateAuthority = self.obj
        return {
            "description": ca.description,
            "base_url": ca.base_url,
            "crl_lifetime": None if ca.crl_lifetime % _DAY else ca.crl_lifetime,
            "allow_leaf_certificates": ca.allow_leaf_certificates,
            "requires_approval": ca.requires_approval,
            "approver_role": ca.approver_role,
            "approvals_needed": ca.approvals_needed,
        }

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = update_ca(actor=actor_of(self.request), ca=self.obj, **data)
        return _("The terms of %(name)s are changed.") % {"name": self.obj.name}


class RenewForm(NewLifetimeForm):
    passphrase = SecretField(
        label=_("Passphrase of the issuer"), help_text=_("Only where it has one; a root's is its own.")
    )


class Renew(OneAuthorityPage):
    slug = "renew"
    title = _("Renew its certificate")
    explanation = _("The same name, key, limits and issuer. What was issued stands under both certificates.")
    submit = _("Renew")
    icon = "refresh"
    form_class = RenewForm
    unlocked_by = "passphrase"

    def is_offered(self) -> bool:
        return in_service(self.obj) and (self.obj.parent is None or self.obj.parent.has_key)

    def is_signer_locked(self) -> bool:
        return bool((self.obj.parent or self.obj).passphrase_protected)

    def act(self, data: Mapping[str, Any]) -> Words:
        row = renew_authority(
            actor=actor_of(self.request),
            ca=self.obj,
            validity=data["validity"],
            issuer_passphrase=data.get("passphrase"),
        )
        return _("The new certificate of %(name)s lasts until %(day)s.") % {
            "name": self.obj.name,
            "day": row.not_after.strftime("%Y-%m-%d"),
        }


class AddCertificate(OneAuthorityPage):
    slug = "add-certificate"
    title = _("Add a certificate")
    explanation = _("One that a CA elsewhere has signed for the same name and key. It becomes the preferred one.")
    submit = _("Add it")
    icon = "certificate"
    form_class = CertificatesForm

    def is_offered(self) -> bool:
        return in_service(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        add_authority_certificate(
            actor=actor_of(self.request), ca=self.obj, certificates=CertificatesForm.content(data)
        )
        return _("%(name)s has another certificate.") % {"name": self.obj.name}


class CrossForm(LimitFields):
    issuer = NeighbourField(label=_("Certified by"))
    validity = DaysField(label=_("Valid for (days)"), required=False, help_text=_("Empty: as long as both last."))
    passphrase = SecretField(label=_("Passphrase of the issuer"))

    sections: ClassVar = (
        Section("", "issuer", "validity"),
        Section(_("Limits"), *LIMITS, folded=True),
        Section(_("Passphrase"), "passphrase", folded=True),
    )


class Cross(OneAuthorityPage):
    slug = "cross"
    title = _("Cross-certify")
    explanation = _("Another authority certifies this one too: one more chain, for those who trust the other root.")
    submit = _("Cross-certify")
    icon = "authority"
    form_class = CrossForm
    unlocked_by = "passphrase"
    error_fields = {"permitted_names": "permitted", "excluded_names": "excluded"}

    def is_offered(self) -> bool:
        return self.obj.status == Status.ACTIVE

    def form(self) -> forms.Form:
        form = super().form()
        form.fields["issuer"].offer(self._others())  # type: ignore[attr-defined]
        return form

    def is_signer_locked(self) -> bool:
        return self._others().filter(passphrase_protected=True).exists()

    def _others(self) -> QuerySet[CertificateAuthority]:
        return issuing_authorities().filter(organization=self.obj.organization).exclude(pk=self.obj.pk)

    def act(self, data: Mapping[str, Any]) -> Words:
        order = CrossOrder(
            ca=Ref("pk", self.obj.pk),
            issuer=Ref("pk", data["issuer"].pk),
            validity=data["validity"],
            issuer_passphrase=data.get("passphrase"),
            **LimitFields.words(data),
        )
        cross_certify(actor=actor_of(self.request), order=order)
        return _("%(name)s is certified by %(issuer)s, too.") % {"name": self.obj.name, "issuer": data["issuer"].name}


class SuccessorForm(NewLifetimeForm):
    name = forms.CharField(label=_("Name"), max_length=120)
    key_algorithm = forms.ChoiceField(
        label=_("Key"), choices=[("", _("as before")), *ALGORITHM_CHOICES], required=False
    )
    passphrase = SecretField(
        label=_("Passphrase for its key"), help_text=_("Needed where the one before it has a passphrase.")
    )
    parent_passphrase = SecretField(label=_("Passphrase of the authority above"))

    sections: ClassVar = (
        Section("", "name", "key_algorithm", "validity"),
        Section(_("Passphrases"), "passphrase", "parent_passphrase", folded=True),
    )


class Succeed(OneAuthorityPage):
    slug = "succeed"
    title = _("Create a successor")
    explanation = _("The same parent, limits, terms and subject, and a key of its own. The two overlap.")
    submit = _("Create the successor")
    icon = "authority"
    form_class = SuccessorForm
    unlocked_by = "parent_passphrase"

    def is_offered(self) -> bool:
        return in_service(self.obj)

    def is_signer_locked(self) -> bool:
        return self.obj.parent is not None and bool(self.obj.parent.passphrase_protected)

    def act(self, data: Mapping[str, Any]) -> Words:
        order = SuccessorOrder(
            name=data["name"],
            key_algorithm=KeyAlgorithm(data["key_algorithm"]) if data["key_algorithm"] else None,
            validity=data["validity"],
            passphrase=data["passphrase"],
            parent_passphrase=data.get("parent_passphrase"),
        )
        self.obj = establish_successor(actor=actor_of(self.request), ca=self.obj, order=order)
        return _("%(name)s is there. Move the templates when it is to issue.") % {"name": self.obj.name}


class MoveForm(forms.Form):
    successor = NeighbourField(label=_("To"))


class MoveTemplates(OneAuthorityPage):
    slug = "move-templates"
    title = _("Move its templates")
    explanation = _("All its roles and templates issue under the successor from now on, under their names.")
    submit = _("Move them")
    icon = "refresh"
    form_class = MoveForm

    def is_offered(self) -> bool:
        return bool(self._successors())

    def form(self) -> forms.Form:
        form = super().form()
        rows = CertificateAuthority.objects.select_related("organization").filter(pk__in=self._successors())
        form.fields["successor"].offer(rows)  # type: ignore[attr-defined]
        return form

    def act(self, data: Mapping[str, Any]) -> Words:
        moved = move_templates(actor=actor_of(self.request), source=self.obj, target=data["successor"])
        return _("%(count)s templates issue under %(name)s now.") % {
            "count": len(moved),
            "name": data["successor"].name,
        }

    def _successors(self) -> list[int]:
        """Those that follow it, and those that follow them, as far as they are in service."""
        found: list[CertificateAuthority] = []
        level = [self.obj.pk]
        while level:
            rows = list(CertificateAuthority.objects.filter(predecessor_id__in=level))
            found += rows
            level = [row.pk for row in rows]
        return [row.pk for row in found if row.status == Status.ACTIVE]


class Abandon(OneAuthorityPage):
    slug = "abandon"
    title = _("Revoke what was never stored")
    explanation = _("Serial numbers that were announced to a token for signature, and whose certificates nobody has.")
    submit = _("Revoke them")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return lost_intents(at=timezone.now()).filter(ca=self.obj).exists()

    def act(self, data: Mapping[str, Any]) -> Words:
        serials = abandon_intents(actor=actor_of(self.request), ca=self.obj)
        return _("%(count)s serial numbers are revoked.") % {"count": len(serials)}


class _OneCertificatePage(ServicePage):
    def facts(self) -> Facts:
        row: CaCertificate = self.obj
        return [
            (_("Authority"), row.ca),
            (_("Issuer"), row.issuer or "–"),
            (_("Serial number"), row.serial.upper()),
            (_("Expires"), row.not_after.strftime("%Y-%m-%d")),
        ]


class Prefer(_OneCertificatePage):
    slug = "prefer"
    title = _("Prefer it")
    explanation = _("The authority stands below its issuer from now on, and hands out the chain that begins with it.")
    submit = _("Prefer this certificate")
    icon = "check"

    def is_offered(self) -> bool:
        return not self.obj.preferred and self.obj.revoked_at is None

    def act(self, data: Mapping[str, Any]) -> Words:
        prefer_certificate(actor=actor_of(self.request), ca=self.obj.ca, fingerprint=self.obj.fingerprint)
        return _("%(name)s hands out another chain now.") % {"name": self.obj.ca.name}


class RevokeOneForm(forms.Form):
    reason = authority_reason_field()
    comment = forms.CharField(label=_("Comment"), max_length=1000, required=False)


class RevokeOne(_OneCertificatePage):
    slug = "revoke"
    title = _("Revoke")
    explanation = _("This certificate alone: the authority goes on under another one.")
    submit = _("Revoke this certificate")
    icon = "ban"
    is_dangerous = True
    form_class = RevokeOneForm

    def is_offered(self) -> bool:
        row: CaCertificate = self.obj
        others = CaCertificate.objects.filter(ca=row.ca, revoked_at__isnull=True).exclude(pk=row.pk)
        is_ours = row.issuer is not None and row.issuer.has_key and row.issuer_id != row.ca_id
        return is_ours and row.revoked_at is None and others.exists()

    def refusal(self) -> Words:
        return _("Only the authority that issued it can revoke it, and only where another certificate is left.")

    def act(self, data: Mapping[str, Any]) -> Words:
        revoke_ca_certificate(
            actor=actor_of(self.request),
            ca=self.obj.ca,
            fingerprint=self.obj.fingerprint,
            reason=data["reason"],
            comment=data["comment"],
        )
        return _("The certificate is revoked.")

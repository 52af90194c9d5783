"""Renewing one certificate: with a new key that is made here, with that of a CSR, or with the one it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.forms import CodeArea, DaysField, SecretField
from audit.admin.pages import Facts, ServicePage, Words
from cas.core.csr import CsrFacts, read_csr
from certificates.admin.revoke import facts_of
from certificates.models import Certificate
from certificates.orders import Managed, RenewOrder, SameKey
from certificates.services.renewal import renew_certificate
from certificates.services.submission import AwaitingApproval
from kernel.ref import Ref

_LARGEST_CSR = 64 * 1024
Custody, State = Certificate.KeyCustody, Certificate.State


class RenewForm(forms.Form):
    validity = DaysField(
        label=_("Valid for (days)"),
        required=False,
        help_text=_("Empty: as the template says. Never more than the role allows."),
    )
    again = forms.BooleanField(
        label=_("Issue another successor"), help_text=_("It has been renewed already; both would be good.")
    )
    passphrase = SecretField(label=_("Passphrase of the authority"), required=True)


class RenewByCsrForm(RenewForm):
    csr = forms.CharField(
        label=_("Certificate signing request"),
        required=False,
        max_length=_LARGEST_CSR,
        widget=CodeArea(),
        help_text=_("PEM. Only its key is read; names and subject stay as they are."),
    )
    csr_file = forms.FileField(label=_("Or its file"), required=False, help_text=_("PEM or DER."))

    field_order = ("csr", "csr_file")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("csr") and not data.get("csr_file"):
            self.add_error("csr", _("Paste a request, or choose its file."))
        return data


class _Renewal(ServicePage):
    """What every way to renew has in common."""

    obj: Any
    icon = "refresh"
    form_class = RenewForm
    error_fields = {"key": "csr", "public_key": "csr"}
    # What to say where there is no key of this kind.
    without_key: ClassVar[Words] = ""

    def form(self) -> forms.Form:
        """Without what makes no difference here."""
        form = super().form()
        if self.obj.ca is None or not self.obj.ca.passphrase_protected:
            del form.fields["passphrase"]
        if not self.obj.replaced_by.exclude(state=State.REVOKED).exists():
            del form.fields["again"]
        return form

    def is_offered(self) -> bool:
        template = self.obj.template
        if template is None or template.retired_at is not None or self.obj.state != State.ISSUED:
            return False
        return self.has_key()

    def has_key(self) -> bool:
        """Whether there is, or can be, a key of this kind."""
        return True

    def refusal(self) -> Words:
        template = self.obj.template
        if template is None:
            return _("It was issued elsewhere; only its own authority can renew it.")
        if self.obj.state == State.REVOKED:
            return _("It is revoked. What takes its place is a new certificate.")
        if self.obj.state == State.HELD:
            return _("It is on hold. Lift the hold first.")
        if template.retired_at is not None:
            return _("The template %(template)s is retired.") % {"template": template}
        return self.without_key or super().refusal()

    def facts(self) -> Facts:
        names = ", ".join(self.obj.sans)
        return [*facts_of(self.obj), (_("Names"), names or "–"), (_("Template"), self.obj.template or "–")]

    def _renew(self, data: Mapping[str, Any], key: Managed | CsrFacts | SameKey, done: Words) -> Words:
        """Renew it, or ask: what has become of it, in a sentence."""
        order = RenewOrder(
            certificate=Ref("pk", self.obj.pk),
            key=key,
            validity=data["validity"],
            passphrase=data.get("passphrase"),
            again=data.get("again", False),
        )
        outcome = renew_certificate(actor=actor_of(self.request, self.obj.organization), order=order)
        if isinstance(outcome, AwaitingApproval):
            self.obj = outcome.request
            return _("%(name)s waits for an approval by somebody else. Nothing is issued yet.") % {"name": self.obj}
        self.obj = outcome.certificate
        return done % {"name": self.obj}


class Renew(_Renewal):
    slug = "renew"
    title = _("Renew")
    explanation = _(
        "A successor with the same names, under the rules of now, and a new key that is made here and waits, sealed, "
        "until you collect it: once. The old one goes on until it ends."
    )
    submit = _("Renew the certificate")
    without_key = _("Its key was not made here: renew it from a CSR.")

    def has_key(self) -> bool:
        return self.obj.key_custody != Custody.SUBSCRIBER

    def act(self, data: Mapping[str, Any]) -> Words:
        done = _("%(name)s is renewed. Its private key waits to be collected.")
        return self._renew(data, Managed(collect_later=True), done)


class RenewFromCsr(_Renewal):
    slug = "renew-csr"
    title = _("Renew from a CSR")
    explanation = _(
        "A successor with the same names, under the rules of now, for the key of the request. The old one goes on "
        "until it ends."
    )
    submit = _("Renew the certificate")
    icon = "file"
    form_class = RenewByCsrForm

    def act(self, data: Mapping[str, Any]) -> Words:
        uploaded = data["csr_file"]
        facts = read_csr(uploaded.read(_LARGEST_CSR + 1) if uploaded else data["csr"])
        return self._renew(data, facts, _("%(name)s is renewed."))


class RenewSameKey(_Renewal):
    slug = "renew-same-key"
    title = _("Renew with the same key")
    explanation = _(
        "A successor with the same names and the same key, under the rules of now. The old one goes on until it ends."
    )
    submit = _("Renew the certificate")
    without_key = _("The template wants a new key at each renewal.")

    def has_key(self) -> bool:
        return self.obj.template is not None and self.obj.template.renew_same_key

    def act(self, data: Mapping[str, Any]) -> Words:
        return self._renew(data, SameKey(), _("%(name)s is renewed."))

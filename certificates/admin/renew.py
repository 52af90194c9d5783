"""Renewing one certificate: with a new key that is made here, with that of a CSR, or with the one it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from cas.core.csr import CsrFacts
from cas.describe import key_words
from certificates.admin.issue import CsrForm, IssueForm, waiting_words
from certificates.admin.revoke import facts_of
from certificates.models import Certificate
from certificates.orders import Managed, RenewOrder, SameKey
from certificates.services.renewal import foresee_renewal, renew_certificate
from certificates.services.submission import AwaitingApproval
from kernel.actor import Actor
from kernel.ref import Ref

Custody, State = Certificate.KeyCustody, Certificate.State


# A successor has them from its predecessor.
_INHERITED: Final = frozenset({"template", "names", "tags", "description"})


class RenewForm(IssueForm):
    again = forms.BooleanField(
        label=_("Issue another successor"), help_text=_("It has been renewed already; both would be good.")
    )


class RenewByCsrForm(CsrForm, RenewForm):
    sections = ()
    field_order = ("csr", "csr_file", "validity", "again", "passphrase")


class _Renewal(ServicePage):
    """What every way to renew has in common."""

    obj: Any
    submit = _("Renew the certificate")
    check = _("Check")
    icon = "refresh"
    form_class = RenewForm
    error_fields = {"key": "csr", "public_key": "csr"}
    done: ClassVar[Words] = _("%(name)s is renewed.")
    # What to say where there is no key of this kind.
    without_key: ClassVar[Words] = ""

    def has_key(self) -> bool:
        """Whether there is, or can be, a key of this kind."""
        return True

    def key(self, data: Mapping[str, Any]) -> Managed | CsrFacts | SameKey:
        """That of the successor."""
        raise NotImplementedError

    def form(self) -> forms.Form:
        """Without what makes no difference here."""
        form, idle = super().form(), set(_INHERITED)
        if self.obj.ca is None or not self.obj.ca.passphrase_protected:
            idle.add("passphrase")
        if not self.obj.replaced_by.exclude(state=State.REVOKED).exists():
            idle.add("again")
        for name in idle & form.fields.keys():
            del form.fields[name]
        return form

    def is_offered(self) -> bool:
        template = self.obj.template
        if template is None or template.retired_at is not None or self.obj.state != State.ISSUED:
            return False
        return self.has_key()

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

    def preview(self, data: Mapping[str, Any]) -> Facts:
        order = self._order(data)
        is_at_once = foresee_renewal(order, visible_to=self._actor)
        validity = data["validity"] or self.obj.template.validity
        algorithm = order.key.algorithm if isinstance(order.key, CsrFacts) else self.obj.key_algorithm
        return [
            (_("Names"), ", ".join(self.obj.sans) or self.obj.subject),
            (_("Key"), key_words(algorithm)),
            (_("Validity"), _("%(days)s days") % {"days": validity.days}),
            (_("When"), _("at once") if is_at_once else _("after an approval by somebody else")),
        ]

    def act(self, data: Mapping[str, Any]) -> Words:
        outcome = renew_certificate(actor=self._actor, order=self._order(data))
        if isinstance(outcome, AwaitingApproval):
            self.obj = outcome.request
            return waiting_words(outcome)
        self.obj = outcome.certificate
        return self.done % {"name": self.obj}

    @property
    def _actor(self) -> Actor:
        return actor_of(self.request, self.obj.organization)

    def _order(self, data: Mapping[str, Any]) -> RenewOrder:
        return RenewOrder(
            certificate=Ref("pk", self.obj.pk),
            key=self.key(data),
            validity=data["validity"],
            passphrase=data.get("passphrase"),
            again=data.get("again", False),
        )


class Renew(_Renewal):
    slug = "renew"
    title = _("Renew")
    explanation = _(
        "A successor with the same names, under the rules of now, and a new key that is made here and waits, sealed, "
        "until you collect it: once. The old one goes on until it ends."
    )
    done = _("%(name)s is renewed. Its private key waits to be collected.")
    without_key = _("Its key was not made here: renew it from a CSR.")

    def has_key(self) -> bool:
        return bool(self.obj.key_custody != Custody.SUBSCRIBER)

    def key(self, data: Mapping[str, Any]) -> Managed:
        return Managed(collect_later=True)


class RenewFromCsr(_Renewal):
    slug = "renew-csr"
    title = _("Renew from a CSR")
    explanation = _(
        "A successor with the same names, under the rules of now, for the key of the request: nothing else of it is "
        "read. The old one goes on until it ends."
    )
    icon = "file"
    form_class = RenewByCsrForm

    def key(self, data: Mapping[str, Any]) -> CsrFacts:
        facts: CsrFacts = data["csr"]
        return facts


class RenewSameKey(_Renewal):
    slug = "renew-same-key"
    title = _("Renew with the same key")
    explanation = _(
        "A successor with the same names and the same key, under the rules of now. The old one goes on until it ends."
    )
    without_key = _("The template wants a new key at each renewal.")

    def has_key(self) -> bool:
        return bool(self.obj.template.renew_same_key)

    def key(self, data: Mapping[str, Any]) -> SameKey:
        return SameKey()

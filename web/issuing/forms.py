"""What somebody fills in who wants a certificate, narrowed to what his template will not refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from django import forms
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit.admin.forms import DaysField, add_domain_error
from audit.admin.pages import Section
from cas.admin.words import allowed_keys, duration_text
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm
from cas.describe import key_words
from cas.models import Template
from certificates.admin.issue import CsrForm, KeyForm, TemplateField, csr_order, managed_order, names_of, subject_of
from certificates.orders import IssueOrder
from kernel.errors import Invalid
from web.asked import place_after

# What the key pairs of browsers can be (W3C Web Cryptography, sections 20 and 23).
MADE_IN_BROWSERS: Final = frozenset(
    {
        KeyAlgorithm.ECDSA_P256,
        KeyAlgorithm.ECDSA_P384,
        KeyAlgorithm.RSA_2048,
        KeyAlgorithm.RSA_3072,
        KeyAlgorithm.RSA_4096,
    }
)
# What an order needs of the fields that a template may leave no room for.
_WITHOUT: Final[Mapping[str, Any]] = {"common_name": "", "attributes": "", "key_algorithm": "", "passphrase": None}


class Way(models.TextChoices):
    """Where the private key is made."""

    MANAGED = "managed", _("Here, on the server, and collected once")
    BROWSER = "browser", _("In this browser, which alone will have it")
    CSR = "csr", _("Elsewhere: I bring a signing request (CSR)")


class TemplateChoice(TemplateField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.code} · {obj.ca.name}"


class CertificateForm(KeyForm, CsrForm):
    """All three ways in one form; what belongs to another way is not looked at."""

    template = TemplateChoice()
    way = forms.ChoiceField(
        label=_("Where the private key is made"),
        choices=Way.choices,
        initial=Way.MANAGED,
        widget=forms.RadioSelect(attrs={"class": "lines"}),
    )
    made_csr = forms.CharField(required=False, max_length=LONGEST_CSR, widget=forms.HiddenInput)

    # Its template says where each stands.
    sections: tuple[Section, ...] = ()
    # What it is narrowed to, once `fit` has been called.
    chosen: Template | None = None

    def fit(self, code: str = "") -> None:
        """Leave only what the chosen template lets in; `code` names it where nothing was sent."""
        templates = self.fields["template"]
        templates.help_text = ""
        rows = choosable(self)
        number = place_after(str(self["template"].value() or ""))
        self.chosen = (rows.filter(code=code) if number is None else rows.filter(pk=number)).first()
        if self.chosen is not None:
            templates.initial = self.chosen.pk
            self._fit_fields(self.chosen)

    def _fit_fields(self, template: Template) -> None:
        role = template.role
        self._fit_keys(template)
        self._fit_validity(template)
        if role.common_name == "forbidden":
            del self.fields["common_name"]
        if role.subject_attributes and set(role.subject_attributes) <= {"common_name"}:
            del self.fields["attributes"]
        if not template.ca.passphrase_protected:
            del self.fields["passphrase"]

    def _fit_keys(self, template: Template) -> None:
        own = KeyAlgorithm(template.key_algorithm)
        allowed = allowed_keys(template.role.key_algorithms) if template.any_key_algorithm else [own]
        others = [(each.value, key_words(each)) for each in allowed if each is not own]
        if others:
            keys = cast(forms.ChoiceField, self.fields["key_algorithm"])
            keys.choices = [("", _("%(key)s, as the template says") % {"key": key_words(own)}), *others]
        else:
            del self.fields["key_algorithm"]
        if MADE_IN_BROWSERS.isdisjoint(allowed):
            ways = cast(forms.ChoiceField, self.fields["way"])
            ways.choices = [each for each in Way.choices if each[0] != Way.BROWSER]

    def _fit_validity(self, template: Template) -> None:
        longest, usual = template.role.max_ttl, template.validity
        if longest.days < 1:
            del self.fields["validity"]
            return
        words = {"usual": duration_text(int(usual.total_seconds())), "longest": longest.days}
        self.fields["validity"] = DaysField(
            label=_("Valid for (days)"),
            required=False,
            longest=longest.days,
            help_text=_("Empty: %(usual)s. At most %(longest)s.") % words,
        )

    def brings_csr(self, data: Mapping[str, Any]) -> bool:
        return data.get("way") == Way.CSR and super().brings_csr(data)

    def clean(self) -> dict[str, Any]:
        data = {**_WITHOUT, "validity": None, **super().clean()}
        if data.get("way") == Way.BROWSER:
            self._read_made_csr(data)
        if data.get("way") != Way.CSR and not any(data.get(name) for name in ("common_name", "names", "attributes")):
            self.add_error("names", _("Say at least one name."))
        return data

    def _read_made_csr(self, data: dict[str, Any]) -> None:
        if not data.get("made_csr"):
            self.add_error("way", _("The key is not made yet."))
            return
        try:
            data["csr"] = read_csr(data["made_csr"])
        except Invalid as error:
            add_domain_error(self, error, {"csr": "way"})


def choosable(form: forms.Form) -> QuerySet[Template]:
    """The templates that a form offers, each with its CA and its role."""
    rows = cast(forms.ModelChoiceField, form.fields["template"]).queryset
    return Template.objects.none() if rows is None else rows.select_related("ca", "role", "organization")


def order_of(data: Mapping[str, Any]) -> IssueOrder:
    """What a valid form asks for. Raises Invalid with every name that is none, as `sans[n]`."""
    match data["way"]:
        case Way.CSR:
            return csr_order(data)
        case Way.BROWSER:
            # Names may have changed since the key was made: these count, and its request proves who has the key.
            subject, sans = subject_of(data["common_name"], data["attributes"]), names_of(data["names"])
            return replace(csr_order(data), subject=subject, sans=sans)
    return managed_order(data)

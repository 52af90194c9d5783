"""Templates: made, changed and retired through their services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.forms import DaysField, LinesField, MinutesField
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES, APPROVAL, ApprovalFields
from cas.admin.words import usage_text
from cas.core.profile import LINT_MODES
from cas.core.usages import AUTHORITY_USAGES, EXTENDED_USAGES, KEY_USAGES
from cas.models import Role
from cas.orders import TemplateOrder
from cas.presets import preset
from cas.services.templates import create_template, order_of, retire_template, update_template
from kernel.ref import Ref

_LEAF_USAGES = [name for name in KEY_USAGES if name not in AUTHORITY_USAGES]
_PURPOSES = [name for name in EXTENDED_USAGES if name not in ("any", "ocsp_signing")]


class RoleField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.ca.name} ({obj.organization})"


class TemplateChangeForm(ApprovalFields):
    code = forms.CharField(
        label=_("Code"), max_length=80, help_text=_("What an order names, such as web-tls. It should never change.")
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    validity = DaysField(label=_("Validity (days)"), initial=90)
    key_algorithm = forms.ChoiceField(
        label=_("Key algorithm of managed keys"), choices=ALGORITHM_CHOICES, initial="ECDSA_P256"
    )
    any_key_algorithm = forms.BooleanField(label=_("A CSR may bring another kind of key"), required=False)
    key_usage = forms.MultipleChoiceField(
        label=_("Key usage"),
        choices=lambda: [(name, usage_text(name)) for name in _LEAF_USAGES],
        initial=["digital_signature"],
        widget=forms.CheckboxSelectMultiple,
    )
    purposes = forms.MultipleChoiceField(
        label=_("Extended key usage"),
        choices=lambda: [(name, usage_text(name)) for name in _PURPOSES],
        initial=["server_auth"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    backdate = MinutesField(
        label=_("Begin this many minutes earlier"),
        min_value=0,
        max_value=60,
        initial=0,
        help_text=_("For relying parties whose clocks are slow."),
    )
    other_purposes = LinesField(
        label=_("Other purposes"), help_text=_("OIDs in dotted notation, one to a line."), rows=2
    )
    certificate_policies = LinesField(
        label=_("Certificate policies"), help_text=_("OIDs in dotted notation, one to a line."), rows=2
    )
    lint = forms.ChoiceField(
        label=_("Check by pkilint before signing"),
        choices=[(mode, {"block": _("block"), "off": _("off")}[mode]) for mode in LINT_MODES],
    )
    add_common_name_to_sans = forms.BooleanField(
        label=_("Repeat the common name in the alternative names"), required=False, initial=True
    )
    include_cdp = forms.BooleanField(label=_("Name the CRL in the certificate"), required=False, initial=True)
    include_aia = forms.BooleanField(
        label=_("Name OCSP and the issuer's certificate in it"), required=False, initial=True
    )
    renew_same_key = forms.BooleanField(label=_("A renewal may keep the key"), required=False)
    approval_covers_renewal = forms.BooleanField(
        label=_("An approval covers renewals"),
        required=False,
        help_text=_("Of the same names, validity and kind of key, while the template stays as it is."),
    )

    sections: ClassVar[tuple[Section, ...]] = (
        Section("", "code", "name", "description", "validity", "key_algorithm", "any_key_algorithm"),
        Section(_("What it is for"), "key_usage", "purposes"),
        Section(
            _("Details"),
            "backdate",
            "other_purposes",
            "certificate_policies",
            "lint",
            "add_common_name_to_sans",
            "include_cdp",
            "include_aia",
            "renew_same_key",
            folded=True,
        ),
        Section(_("Approval"), *APPROVAL, "approval_covers_renewal", folded=True),
    )


class TemplateForm(TemplateChangeForm):
    role = RoleField(
        Role.objects.filter(retired_at__isnull=True, ca__status="active")
        .select_related("ca", "organization")
        .order_by("organization__name", "name"),
        label=_("Role"),
    )

    sections: ClassVar[tuple[Section, ...]] = (Section("", "role"), *TemplateChangeForm.sections)


class _TemplatePage(ServicePage):
    error_fields = {"extended_key_usage": "purposes", "template.extended_key_usage": "purposes"}


class CreateTemplate(_TemplatePage):
    slug = "create"
    title = _("Create a template")
    explanation = _("The recipe on offer: which authority, under which role, makes what.")
    submit = _("Create the template")
    form_class = TemplateForm

    def initial(self) -> Mapping[str, Any]:
        chosen = preset(self.request.GET.get("preset", ""))
        only = {"role": Role.objects.filter(retired_at=None).first()} if Role.objects.count() == 1 else {}
        return only | _form_fields(chosen.template if chosen else {})

    def act(self, data: Mapping[str, Any]) -> Words:
        order = TemplateOrder(ca=Ref("pk", data["role"].ca_id), **_order_fields(data))
        self.obj = create_template(actor=actor_of(self.request), order=order)
        return _("The template %(code)s is created; certificates can be issued by it.") % {"code": self.obj.code}


class ChangeTemplate(_TemplatePage):
    slug = "change-recipe"
    title = _("Change the template")
    explanation = _("Makes a new version. What was issued keeps the version it was made under.")
    submit = _("Save as a new version")
    icon = "refresh"
    form_class = TemplateChangeForm

    def is_offered(self) -> bool:
        return self.obj.retired_at is None

    def initial(self) -> Mapping[str, Any]:
        return _form_fields(asdict(order_of(self.obj)))

    def order(self, data: Mapping[str, Any]) -> TemplateOrder:
        return replace(order_of(self.obj), **_order_fields(data))

    def act(self, data: Mapping[str, Any]) -> Words:
        row = update_template(actor=actor_of(self.request), template=self.obj, order=self.order(data))
        return _("The template is version %(version)s now.") % {"version": row.version}


class CloneTemplate(CreateTemplate):
    slug = "clone"
    title = _("Make another like it")
    explanation = _("Everything is taken over but the code; change what should be different.")
    icon = "copy"

    def initial(self) -> Mapping[str, Any]:
        return _form_fields(asdict(order_of(self.obj))) | {"role": self.obj.role_id, "code": ""}


class RetireTemplate(ServicePage):
    slug = "retire"
    title = _("Retire the template")
    explanation = _("Nothing is issued by it any more, and its code is free again.")
    submit = _("Retire the template")
    icon = "lock"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.retired_at is None

    def facts(self) -> Facts:
        return [(_("Code"), self.obj.code), (_("Name"), self.obj.name), (_("Authority"), self.obj.ca)]

    def act(self, data: Mapping[str, Any]) -> Words:
        retire_template(actor=actor_of(self.request), template=self.obj)
        return _("The template is retired.")


def _form_fields(order: Mapping[str, Any]) -> dict[str, Any]:
    """What an order says, as the form asks for it."""
    fields = dict(order)
    if (purposes := fields.pop("extended_key_usage", None)) is not None:
        fields["purposes"] = [name for name in purposes if name in _PURPOSES]
        fields["other_purposes"] = [name for name in purposes if name not in _PURPOSES]
    return fields


def _order_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    fields["extended_key_usage"] = fields.pop("purposes") + fields.pop("other_purposes")
    if "role" in fields:
        fields["role"] = Ref("pk", fields["role"].pk)
    return fields

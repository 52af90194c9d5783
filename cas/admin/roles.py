"""Roles: made, changed and retired through their services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.forms import DaysField, LinesField
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES, APPROVAL, ApprovalFields, AuthorityField, issuing_authorities
from cas.core.attributes import KINDS
from cas.orders import RoleOrder
from cas.presets import preset
from cas.services.roles import create_role, order_of, retire_role, update_role
from kernel.ref import Ref


class RoleChangeForm(ApprovalFields):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Letters, digits, dots and hyphens."))
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    allowed_domains = LinesField(
        label=_("Allowed domains"),
        help_text=_("One to a line, such as example.com. A * stands for any part of one label."),
    )
    allow_bare_domains = forms.BooleanField(label=_("The domains themselves"), required=False, initial=True)
    allow_subdomains = forms.BooleanField(label=_("Names below them"), required=False, initial=True)
    allow_wildcards = forms.BooleanField(label=_("Wildcards"), required=False)
    allow_any_name = forms.BooleanField(
        label=_("Any DNS name"), required=False, help_text=_("Then the list above is not asked.")
    )
    allow_dns_sans = forms.BooleanField(
        label=_("DNS names as alternative names"),
        required=False,
        initial=True,
        help_text=_("Without it a DNS name can only be the common name."),
    )
    allow_ip_sans = forms.BooleanField(label=_("IP addresses"), required=False)
    allowed_ip_ranges = LinesField(label=_("IP ranges"), help_text=_("One to a line. Empty: any."), rows=2)
    allow_email_sans = forms.BooleanField(label=_("E-mail addresses"), required=False)
    allowed_email_domains = LinesField(label=_("E-mail domains"), help_text=_("One to a line. Empty: any."), rows=2)
    allow_uri_sans = forms.BooleanField(label=_("URIs"), required=False)
    allowed_uri_prefixes = LinesField(label=_("URI prefixes"), help_text=_("One to a line. Empty: any."), rows=2)
    max_ttl = DaysField(label=_("Longest validity (days)"), initial=397)
    key_algorithms = forms.MultipleChoiceField(
        label=_("Key algorithms"),
        help_text=_("None ticked: all of them."),
        choices=ALGORITHM_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    common_name = forms.ChoiceField(
        label=_("Common name"),
        choices=[("optional", _("optional")), ("required", _("required")), ("forbidden", _("forbidden"))],
    )
    subject_attributes = forms.MultipleChoiceField(
        label=_("Subject attributes"),
        help_text=_("None ticked: all of them."),
        choices=[(kind.name, kind.name) for kind in KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    store_private_keys = forms.BooleanField(
        label=_("Keep managed private keys, sealed"),
        required=False,
        help_text=_("Otherwise a key that is made here is handed out once and forgotten."),
    )

    sections: ClassVar[tuple[Section, ...]] = (
        Section("", "name", "description"),
        Section(
            _("DNS names"),
            "allowed_domains",
            "allow_bare_domains",
            "allow_subdomains",
            "allow_wildcards",
            "allow_any_name",
            "allow_dns_sans",
        ),
        Section(
            _("Other names"),
            "allow_ip_sans",
            "allowed_ip_ranges",
            "allow_email_sans",
            "allowed_email_domains",
            "allow_uri_sans",
            "allowed_uri_prefixes",
            folded=True,
        ),
        Section(_("Validity and keys"), "max_ttl", "key_algorithms", "store_private_keys"),
        Section(_("Subject"), "common_name", "subject_attributes", folded=True),
        Section(_("Approval"), *APPROVAL, folded=True),
    )


class RoleForm(RoleChangeForm):
    ca = AuthorityField(issuing_authorities(), label=_("Authority"))

    sections: ClassVar[tuple[Section, ...]] = (Section("", "ca"), *RoleChangeForm.sections)


class CreateRole(ServicePage):
    slug = "create"
    title = _("Create a role")
    explanation = _("The guard rails of issuance under one authority: whatever is asked for, nothing goes beyond them.")
    submit = _("Create the role")
    form_class = RoleForm

    def initial(self) -> Mapping[str, Any]:
        chosen = preset(self.request.GET.get("preset", ""))
        return {"ca": issuing_authorities().exclude(parent=None).first()} | dict(chosen.role if chosen else {})

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = create_role(actor=actor_of(self.request), order=RoleOrder(**_order_fields(data)))
        return _("The role %(name)s is created. A template makes it usable.") % {"name": self.obj.name}


class ChangeRole(ServicePage):
    slug = "change-rules"
    title = _("Change the role")
    explanation = _("Makes a new version. What was issued keeps the version it was made under.")
    submit = _("Save as a new version")
    icon = "refresh"
    form_class = RoleChangeForm

    def is_offered(self) -> bool:
        return self.obj.retired_at is None

    def initial(self) -> Mapping[str, Any]:
        return asdict(order_of(self.obj))

    def order(self, data: Mapping[str, Any]) -> RoleOrder:
        return replace(order_of(self.obj), **_order_fields(data))

    def act(self, data: Mapping[str, Any]) -> Words:
        row = update_role(actor=actor_of(self.request), role=self.obj, order=self.order(data))
        return _("The role is version %(version)s now.") % {"version": row.version}


class CloneRole(CreateRole):
    slug = "clone"
    title = _("Make another like it")
    explanation = _("Everything is taken over but the name; change what should be different.")
    icon = "copy"

    def initial(self) -> Mapping[str, Any]:
        return asdict(order_of(self.obj)) | {"ca": self.obj.ca_id, "name": ""}


class RetireRole(ServicePage):
    slug = "retire"
    title = _("Retire the role")
    explanation = _("Nothing is issued under it any more, and its name is free again.")
    submit = _("Retire the role")
    icon = "lock"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.retired_at is None

    def facts(self) -> Facts:
        return [(_("Role"), self.obj.name), (_("Authority"), self.obj.ca)]

    def act(self, data: Mapping[str, Any]) -> Words:
        retire_role(actor=actor_of(self.request), role=self.obj)
        return _("The role is retired.")


def _order_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    if "ca" in fields:
        fields["ca"] = Ref("pk", fields["ca"].pk)
    return fields

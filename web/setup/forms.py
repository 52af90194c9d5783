"""What the first run asks, step by step. Everything has an answer already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.admin.forms import LinesField
from cas.admin.fields import ALGORITHM_CHOICES
from cas.core.attributes import BY_NAME, value_error
from cas.core.general_names import NameKind, constraint_name
from cas.core.profile import errors_of_role
from kernel.errors import FieldError, Invalid
from web.setup.wishes import LONGEST_PART

_FINAL = _("It cannot be changed later.")


class CommonNameField(forms.CharField):
    """What can stand as a common name in a certificate."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_PART, **options)

    def validate(self, value: str) -> None:
        super().validate(value)
        if error := value_error(BY_NAME["common_name"], value, "common_name"):
            raise forms.ValidationError(error.message.render(gettext))


class HostField(CommonNameField):
    """The name of a server, for which the role is made unless other domains are given."""

    def validate(self, value: str) -> None:
        super().validate(value)
        try:
            constraint_name(value, NameKind.DNS)
        except Invalid as invalid:
            raise forms.ValidationError(_messages(invalid.errors)) from None


class DomainsField(LinesField):
    """The domain patterns of a role."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if errors := errors_of_role({"allowed_domains": list(value)}):
            raise forms.ValidationError(_messages(errors))


class CertificateForm(forms.Form):
    common_name = HostField(
        label=_("Name of the first certificate"),
        help_text=_("What clients call the server that is to have it: localhost, or www.example.com."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )


class StartForm(CertificateForm):
    organization = forms.CharField(
        label=_("Your organization"),
        max_length=120,
        help_text=_("It stands in the certificates of its CAs."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ("organization", "common_name")

    def __init__(self, *args: Any, has_organization: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_organization:
            del self.fields["organization"]


class RootForm(forms.Form):
    root_name = CommonNameField(label=_("Name"), help_text=_FINAL)
    root_key = forms.ChoiceField(label=_("Key"), choices=ALGORITHM_CHOICES, help_text=_FINAL)
    root_years = forms.IntegerField(label=_("Valid for (years)"), min_value=1, max_value=30, help_text=_FINAL)


class IssuingForm(forms.Form):
    issuing_name = CommonNameField(label=_("Name"), help_text=_FINAL)
    issuing_key = forms.ChoiceField(label=_("Key"), choices=ALGORITHM_CHOICES, help_text=_FINAL)
    issuing_years = forms.IntegerField(
        label=_("Valid for (years)"), min_value=1, max_value=20, help_text=_("It ends with its root at the latest.")
    )


class RulesForm(forms.Form):
    domains = DomainsField(
        label=_("Names that are let through"), required=True, help_text=_("Domains or host names, one to a line.")
    )
    allow_subdomains = forms.BooleanField(label=_("And every name below them"), required=False)
    days = forms.IntegerField(label=_("A certificate is valid for (days)"), min_value=1, max_value=825)
    role = forms.CharField(
        label=_("Name of the role"), max_length=80, help_text=_("Letters, digits, dots and hyphens.")
    )
    template = forms.CharField(
        label=_("Code of the template"), max_length=80, help_text=_("By which people and programs ask for it.")
    )


def answers_of(form: forms.Form) -> dict[str, Any]:
    """What was answered, as a session can keep it."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in form.cleaned_data.items()}


def _messages(errors: Iterable[FieldError]) -> list[str]:
    return [error.message.render(gettext) for error in errors]

"""What is asked about a channel, by its kind."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from audit.admin.forms import LinesField
from audit.admin.pages import Section
from notices.subjects import Subject

EVENTS = [each for each in Subject.choices if each[0] != Subject.TEST]


class ChannelForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What people call this place."))


class MailForm(ChannelForm):
    recipients = LinesField(
        label=_("Recipients"),
        required=True,
        help_text=_("One address to a line. Only an owner names addresses that are no member’s."),
    )


class AddressForm(ChannelForm):
    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        widget=forms.TextInput({"class": "mono", "spellcheck": "false", "autocomplete": "off", "inputmode": "url"}),
        help_text=_("Begins with https://. It is kept sealed: afterwards only its host is shown."),
    )
    subjects = forms.MultipleChoiceField(
        label=_("Events"),
        choices=EVENTS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Certificates issued, renewed and revoked are told as they happen, by this alone. The others are found by "
            "rules: what is ticked here comes from every rule about it, also from those that do not name this channel."
        ),
    )


class AddressChangeForm(AddressForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["url"].required = False
        self.fields["url"].help_text = _("Empty: it stays as it is.")


class _InOrganization(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))


class NewMailForm(MailForm, _InOrganization):
    sections: ClassVar = (Section("", "organization", "name", "recipients"),)


class NewAddressForm(AddressForm, _InOrganization):
    sections: ClassVar = (Section("", "organization", "name", "url", "subjects"),)


class RotationForm(forms.Form):
    overlap = forms.IntegerField(
        label=_("Hours for which the old secret signs as well"),
        min_value=0,
        max_value=24 * 30,
        initial=24,
        help_text=_("Messages bear both signatures for so long. 0 where the old one has become known."),
    )

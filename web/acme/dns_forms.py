"""What a DNS provider has to be told, as a form: its fields are those of its kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from acme_client.dns.catalogue import Field, Kind
from acme_client.services.dns_providers import LONGEST_PROPAGATION
from audit.admin.forms import LinesField
from audit.admin.pages import Section

# By this the domain calls what is wrong with a field of the configuration.
_PLACE: Final = "config."
_MONO: Final = {"class": "mono", "spellcheck": "false", "autocapitalize": "none"}
_LONGEST: Final = 20_000


class ProviderForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    zones = LinesField(
        label=_("Zones"),
        help_text=_("Domains that are changed by this provider, one to a line. Empty: all that no other one has."),
    )
    propagation_seconds = forms.IntegerField(
        label=_("Patience (seconds)"),
        min_value=0,
        max_value=LONGEST_PROPAGATION,
        initial=120,
        help_text=_("How long the authoritative servers are given to show a change."),
    )

    sections: tuple[Section, ...] = ()

    def fit(self, kind: Kind, *, kept: Collection[str] = ()) -> None:
        """Add the fields of this kind; the secrets that are `kept` may be left empty, and stay as they are."""
        for field in kind.fields:
            self.fields[_PLACE + field.name] = _form_field(field, is_kept=field.name in kept)
        needed = [_PLACE + field.name for field in kind.fields if field.is_required]
        others = [_PLACE + field.name for field in kind.fields if not field.is_required]
        # Of many kinds nobody has written down what is required: there nothing is hidden.
        shown, folded = (needed, others) if needed else (others, [])
        self.sections = (
            Section("", "name", *shown),
            Section(_("Details"), *folded, "zones", "propagation_seconds", folded=True),
        )


def config_of(data: Mapping[str, Any]) -> dict[str, str]:
    """What a valid form says of the configuration, empty fields too."""
    return {name.removeprefix(_PLACE): value for name, value in data.items() if name.startswith(_PLACE)}


def initial_of(config: Mapping[str, str]) -> dict[str, str]:
    return {_PLACE + name: value for name, value in config.items()}


def _form_field(field: Field, *, is_kept: bool) -> forms.Field:
    common: dict[str, Any] = {
        "label": field.label,
        "required": field.is_required and not is_kept,
        "help_text": _("It is set. Empty: it stays as it is.") if is_kept else field.help,
    }
    if field.choices:
        return forms.ChoiceField(choices=[("", "–"), *((each, each) for each in field.choices)], **common)
    if field.is_secret:
        widget: forms.Widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    else:
        widget = forms.TextInput(attrs=_MONO)
    return forms.CharField(max_length=_LONGEST, widget=widget, **common)

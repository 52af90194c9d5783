"""What is done with a rule: made, changed, switched off and on, deleted; and what it would tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.sessions import actor_of
from audit.admin.pages import Facts, Section, ServicePage, Words
from kernel.ref import Ref
from notices.admin.presets import preset
from notices.admin.preview import would_tell
from notices.admin.switching import SwitchOff, SwitchOn
from notices.admin.words import told_by
from notices.models import Channel, Rule
from notices.orders import RuleChange, RuleOrder
from notices.services.rules import create_rule, delete_rule, update_rule
from notices.subjects import CONDITIONS, ENDING, OF_CERTIFICATES, Subject


class ThresholdsField(forms.CharField):
    """Numbers of days, with commas in between; a tuple of them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> Any:
        words = super().clean(value).replace(",", " ").split()
        if not all(word.isascii() and word.isdecimal() and len(word) <= 4 for word in words):
            raise forms.ValidationError(_("Whole numbers of days, with commas in between."))
        return tuple(int(word) for word in words)


class RuleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    thresholds = ThresholdsField(
        label=_("Days before the end"),
        required=False,
        max_length=100,
        help_text=_("Such as 30, 14, 7, 1: each is told once. Only for what has an end."),
    )
    filter = forms.CharField(
        label=_("Only certificates that"),
        required=False,
        max_length=1000,
        strip=True,
        widget=forms.TextInput({"class": "mono", "spellcheck": "false"}),
        help_text=_("In the language of the list of certificates, such as tag:production. Empty: all of them."),
    )
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.order_by("name"),
        label=_("Channels"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It is told on the page of notifications in any case."),
    )
    tells_owner = forms.BooleanField(label=_("Also tell the owner of the certificate, by mail"), required=False)

    sections: ClassVar[tuple[Section, ...]] = (Section("", "name", "thresholds", "filter", "channels", "tells_owner"),)


class NewRuleForm(RuleForm):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    subject = forms.ChoiceField(label=_("About"), choices=[each for each in Subject.choices if each[0] in CONDITIONS])

    sections: ClassVar[tuple[Section, ...]] = (
        Section("", "organization", "name", "subject", "thresholds", "filter", "channels", "tells_owner"),
    )


class CreateRule(ServicePage):
    slug = "create"
    title = _("Make a rule")
    explanation = _("What the organization is told, when, and where.")
    submit = _("Make the rule")
    check = _("Show what it would tell")
    preview_title = _("What it would tell")
    form_class = NewRuleForm

    def initial(self) -> Mapping[str, Any]:
        chosen = preset(self.request.GET.get("preset", ""))
        return {} if chosen is None else chosen.fields()

    def preview(self, data: Mapping[str, Any]) -> Facts:
        actor = actor_of(self.request, data["organization"])
        return would_tell(data["subject"], data["thresholds"], data["filter"], visible_to=actor)

    def act(self, data: Mapping[str, Any]) -> Words:
        order = RuleOrder(organization=Ref("pk", data["organization"].pk), subject=data["subject"], **_common(data))
        self.obj = create_rule(actor=actor_of(self.request, data["organization"]), order=order)
        return _("%(name)s is made: it tells what happens from now on.") % {"name": self.obj.name}


class _OfRule(ServicePage):
    """About one rule."""

    def facts(self) -> Facts:
        return [(_("Rule"), self.obj.name), (_("What it does"), told_by(self.obj, list(self.obj.channels.all())))]

    def change(self, change: RuleChange) -> Rule:
        actor = actor_of(self.request, self.obj.organization)
        return update_rule(actor=actor, rule=Ref("pk", self.obj.pk), change=change)

    def switch(self, *, is_active: bool) -> Rule:
        return self.change(RuleChange(is_active=is_active))


class ChangeRule(_OfRule):
    slug = "edit"
    title = _("Change the rule")
    submit = _("Save")
    icon = "gear"
    check = _("Show what it would tell")
    preview_title = _("What it would tell")
    form_class = RuleForm

    def initial(self) -> Mapping[str, Any]:
        row = self.obj
        return {name: getattr(row, name) for name in ("name", "thresholds", "filter", "tells_owner")} | {
            "channels": row.channels.all()
        }

    def form(self) -> forms.Form:
        """Without what its subject does not have."""
        form = super().form()
        has_none = ([] if self.obj.subject in ENDING else ["thresholds"]) + (
            [] if self.obj.subject in OF_CERTIFICATES else ["filter", "tells_owner"]
        )
        for name in has_none:
            form.fields[name].widget = forms.HiddenInput()
        return form

    def preview(self, data: Mapping[str, Any]) -> Facts:
        actor = actor_of(self.request, self.obj.organization)
        return would_tell(self.obj.subject, data["thresholds"], data["filter"], visible_to=actor)

    def act(self, data: Mapping[str, Any]) -> Words:
        row = self.change(RuleChange(**_common(data)))
        return _("%(name)s is saved.") % {"name": row.name}


class SwitchRuleOff(_OfRule, SwitchOff):
    explanation = _("Nothing is told by it until it is switched on again.")


class SwitchRuleOn(_OfRule, SwitchOn):
    pass


class DeleteRule(_OfRule):
    slug = "remove"
    title = _("Delete the rule")
    explanation = _("What it told is over, and stands among what is.")
    submit = _("Delete the rule")
    icon = "ban"
    is_dangerous = True

    def act(self, data: Mapping[str, Any]) -> Words:
        row, self.obj = self.obj, None
        delete_rule(actor=actor_of(self.request, row.organization), rule=Ref("pk", row.pk))
        return _("%(name)s is deleted.") % {"name": row.name}


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    """What orders and changes of rules have alike."""
    plain = {name: data[name] for name in ("name", "thresholds", "filter", "tells_owner")}
    return {**plain, "channels": tuple(Ref("pk", each.pk) for each in data["channels"])}

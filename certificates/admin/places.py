"""Where a certificate is used: saying so, looking there now, and looking there no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from certificates.admin.revoke import facts_of
from certificates.models import Certificate, Placement
from certificates.placement_selectors import places_at_hand
from certificates.services.placements import add_placement, check_placement, remove_placement
from kernel.actor import Actor
from kernel.ref import Ref


class PlaceForm(forms.Form):
    host = forms.CharField(label=_("Host"), max_length=253, help_text=_("A name or an address, without a scheme."))
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65_535, initial=443)


class ChosenForm(forms.Form):
    place = forms.ChoiceField(label=_("Place"))


class _PlacePage(ServicePage):
    obj: Certificate

    @property
    def _actor(self) -> Actor:
        return actor_of(self.request, self.obj.organization)

    def facts(self) -> Facts:
        return facts_of(self.obj)


class AddPlace(_PlacePage):
    slug = "add-place"
    title = _("Say where it is used")
    explanation = _(
        "A server that speaks TLS. It is looked at every few hours, for this certificate and whatever renews it. Where "
        "another one is seen for a day, that is told."
    )
    submit = _("Look there")
    icon = "search"
    form_class = PlaceForm

    def act(self, data: Mapping[str, Any]) -> Words:
        row = add_placement(actor=self._actor, certificate=Ref("pk", self.obj.pk), host=data["host"], port=data["port"])
        return _("%(place)s is looked at within a minute.") % {"place": row}


class _OnePlacePage(_PlacePage):
    form_class = ChosenForm

    def is_offered(self) -> bool:
        return bool(self._places())

    def refusal(self) -> Words:
        return _("Nobody has said where it is used.")

    def form(self) -> forms.Form:
        form = super().form()
        form.fields["place"].choices = [(str(row.public_id), str(row)) for row in self._places()]  # type: ignore[attr-defined]
        return form

    def _places(self) -> list[Placement]:
        return places_at_hand(self.obj, visible_to=self._actor)


class CheckPlace(_OnePlacePage):
    slug = "check-place"
    title = _("Look where it is used")
    explanation = _("Now, by shaking hands with the server. It takes some seconds where nobody answers.")
    submit = _("Look now")
    icon = "search"

    def act(self, data: Mapping[str, Any]) -> Words:
        row: Placement = check_placement(actor=self._actor, placement=Ref("public_id", data["place"]))
        return _("%(place)s: %(outcome)s.") % {"place": row, "outcome": row.get_outcome_display()}


class RemovePlace(_OnePlacePage):
    slug = "remove-place"
    title = _("It is not used there any more")
    explanation = _("The place is forgotten. Nothing changes at the server.")
    submit = _("Forget the place")
    icon = "ban"

    def act(self, data: Mapping[str, Any]) -> Words:
        remove_placement(actor=self._actor, placement=Ref("public_id", data["place"]))
        return _("The place is forgotten.")

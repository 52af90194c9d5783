"""Filters that people keep: saved from the list, renamed, shared, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from certificates.models import SavedFilter
from certificates.saved_selectors import get_saved_filter, saved_filters
from certificates.services.saved import delete_filter, may_change, save_filter, update_filter
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.certificates.asking import Asked
from web.desk import Desk
from web.listing import Chip


class FilterForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    is_shared = forms.BooleanField(label=_("Show it to everybody in the organization"), required=False)


class SaveForm(FilterForm):
    query = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)


class Save(ServicePage):
    slug = "save"
    title = _("Save this filter")
    explanation = _("Search, narrowing, order and columns, as the list shows them now.")
    submit = _("Save")
    icon = "plus"
    form_class = SaveForm

    def initial(self) -> Mapping[str, Any]:
        return {"query": self._asked().kept()}

    def facts(self) -> Facts:
        return [(_("Filter"), self._asked().told())]

    def destination(self) -> str:
        return reverse("certificates") + self._asked().kept()

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        asked = self._asked()
        asked.wanted(timezone.now())
        row = save_filter(
            actor=actor_of(self.request), name=data["name"], query=asked.kept(), is_shared=data["is_shared"]
        )
        messages.success(self.request, _("%(name)s is saved.") % {"name": row.name})
        return redirect(self.destination())

    def _asked(self) -> Asked:
        sent = self.request.POST.get("query")
        return Asked.read(self.request.GET) if sent is None else Asked.of(sent)


class _OfOwner(ServicePage):
    """For whoever may change the filter."""

    def is_offered(self) -> bool:
        return may_change(self.obj, actor_of(self.request))

    def refusal(self) -> Words:
        return _("Only its owner changes it.")

    def destination(self) -> str:
        return self.desk.list_address()


class Change(_OfOwner):
    slug = "change"
    title = _("Rename or share")
    submit = _("Save")
    icon = "check"
    form_class = FilterForm

    def initial(self) -> Mapping[str, Any]:
        return {"name": self.obj.name, "is_shared": self.obj.is_shared}

    def act(self, data: Mapping[str, Any]) -> Words:
        row = update_filter(
            actor=actor_of(self.request),
            saved=Ref("pk", self.obj.pk),
            name=data["name"],
            is_shared=data["is_shared"],
        )
        return _("%(name)s is saved.") % {"name": row.name}


class Delete(_OfOwner):
    slug = "delete"
    title = _("Delete the filter")
    explanation = _("The certificates stay; only the filter goes.")
    submit = _("Delete")
    icon = "ban"
    is_dangerous = True

    def facts(self) -> Facts:
        return [(_("Filter"), _asked(self.obj).told()), (_("Owner"), self.obj.owner)]

    def act(self, data: Mapping[str, Any]) -> Words:
        delete_filter(actor=actor_of(self.request), saved=Ref("pk", self.obj.pk))
        return _("%(name)s is deleted.") % {"name": self.obj.name}


class SavedFilterDesk(Desk):
    name = "saved-filter"
    list_name = "saved-filters"
    place = "certificates/filters/"
    plural = _("Saved filters")
    reading = Permission.CERTIFICATES_READ
    list_doors = {Save: Permission.CERTIFICATES_READ}
    doors = {Change: Permission.CERTIFICATES_READ, Delete: Permission.CERTIFICATES_READ}

    def urls(self) -> list[URLPattern]:
        """A filter has no page of its own: it is shown by what it finds."""
        return [each for each in super().urls() if each.name != self.name]

    def address_of(self, obj: Model) -> str:
        return self.list_address()

    def find(self, actor: Actor, ref: Ref) -> Model:
        return get_saved_filter(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        rows = [(row, _asked(row), self.offered(request, actor, row)) for row in saved_filters(visible_to=actor)]
        return render(request, "web/certificates/filters.html", {"title": self.plural, "rows": rows, "actor": actor})


def chips_of_saved(asked: Asked, actor: Actor) -> list[Chip]:
    """The filters that the actor sees, the one that the list shows marked."""
    rows = saved_filters(visible_to=actor).values_list("name", "query")
    found = [(name, Asked.of(query).kept()) for name, query in rows]
    return [Chip(name, address, None, address == asked.kept()) for name, address in found]


def _asked(row: SavedFilter) -> Asked:
    return Asked.of(row.query)


DESK: Final = SavedFilterDesk()

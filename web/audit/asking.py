"""What an address asks of the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from ipaddress import ip_address
from itertools import groupby
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.events import EventName
from audit.selectors import EventFilter, visible_events
from certificates.filters import read_serial
from kernel.actor import Actor, ActorKind

_LARGEST_NUMBER: Final = 10**18


_EVENTS: Final[Mapping[str, Sequence[str]]] = {
    subject: tuple(map(str, names)) for subject, names in groupby(sorted(EventName), lambda name: name.split(".")[0])
}
"""All events, those about one kind of object together."""


class EventSelect(forms.Select):
    """A select of many options that are the same for everybody: each part of it is rendered once."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        attributes = flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})}))
        groups = [(_group(subject, value if value in names else ""),) for subject, names in _EVENTS.items()]
        options = format_html_join("", "{}", groups)
        return format_html('<select{}><option value="">{}</option>{}</select>', attributes, _("any"), options)


@cache
def _group(subject: str, chosen: str) -> SafeString:
    options = format_html_join(
        "", "<option{}>{}</option>", ((flatatt({"selected": name == chosen}), name) for name in _EVENTS[subject])
    )
    return format_html('<optgroup label="{}">{}</optgroup>', subject.replace("_", " "), options)


class EventSearch(forms.Form):
    """Which events are shown. What is no answer to a question is said beside it."""

    event = forms.ChoiceField(
        label=_("Event"), choices=[(name, name) for name in EventName], required=False, widget=EventSelect
    )
    actor = forms.CharField(
        label=_("Actor"), required=False, max_length=60, widget=forms.TextInput({"placeholder": "user:12"})
    )
    object = forms.CharField(
        label=_("Object"), required=False, max_length=90, widget=forms.TextInput({"placeholder": "certificate:7"})
    )
    serial = forms.CharField(label=_("Serial number"), required=False, max_length=120)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    ip = forms.CharField(label=_("Address"), required=False, max_length=45)
    trace_id = forms.CharField(label=_("Request"), required=False, max_length=64)

    def clean_actor(self) -> tuple[ActorKind, int] | None:
        text = self.cleaned_data["actor"]
        if not text:
            return None
        kind, number = _kind_and_number(text)
        if kind not in list(ActorKind) or number is None:
            raise ValidationError(_("Write the actor as events show it: user:12."))
        return ActorKind(kind), number

    def clean_object(self) -> tuple[str, int | None]:
        text = self.cleaned_data["object"]
        kind, number = _kind_and_number(text)
        if ":" in text and number is None:
            raise ValidationError(_("Write the object as events show it: certificate:7."))
        return kind, number

    def clean_ip(self) -> str:
        text: str = self.cleaned_data["ip"]
        try:
            return str(ip_address(text)) if text else ""
        except ValueError as error:
            raise ValidationError(_("This is not an IP address.")) from error

    def clean_serial(self) -> tuple[str, ...]:
        """Every reading of it: digits alone may be decimal or hexadecimal."""
        text = self.cleaned_data["serial"]
        if not text:
            return ()
        number = read_serial(text)
        if number is None:
            raise ValidationError(_("This is not a serial number, in any notation."))
        return number.readings

    def wanted(self, actor: Actor) -> EventFilter:
        """Of a form that is valid; of several readings of a serial number the one that the log has."""
        values = self.cleaned_data
        kind, number = values["object"]
        return EventFilter(
            name=EventName(values["event"]) if values["event"] else None,
            since=values["since"],
            until=values["until"] + timedelta(days=1) if values["until"] and values["until"] < date.max else None,
            actor=values["actor"],
            resource_type=kind or None,
            resource_id=number,
            serial=_known(values["serial"], actor),
            ip=values["ip"] or None,
            trace_id=values["trace_id"] or None,
        )


def address_without(query: QueryDict, *names: str, **more: str) -> str:
    """The same question but for some of its parts, and with others."""
    kept = [(name, str(value)) for name, value in query.items() if name not in (*names, *more) and value]
    return "?" + urlencode([*kept, *more.items()])


def _kind_and_number(text: str) -> tuple[str, int | None]:
    kind, _colon, number = text.strip().partition(":")
    is_number = number.isascii() and number.isdecimal() and int(number) < _LARGEST_NUMBER
    return kind, int(number) if is_number else None


def _known(readings: tuple[str, ...], actor: Actor) -> str | None:
    events = visible_events(actor)
    known = (reading for reading in readings if events.filter(serial=reading).exists())
    return next(known, readings[0]) if readings else None

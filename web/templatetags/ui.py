"""The pieces of a page: `{% icon %}`, `{% badge %}`, times, the navigation, one form field."""

from __future__ import annotations

import json
from typing import Any, Final

from django import forms, template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BoundField
from django.template.context import RequestContext
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _

from accounts.said import rendered
from audit.admin import html
from cas.describe import key_words
from kernel.text import Text
from web import navigation
from web.permissions import grouped
from web.spreadsheets import address_of_csv

register = template.Library()

# The first sign that stands in a User-Agent counts: most browsers say that they are others, too.
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)

_DASHES: Final = "---------"

register.simple_tag(html.icon, name="icon")
register.simple_tag(html.badge, name="badge")
register.simple_tag(html.pill, name="pill")
register.filter("moment", html.moment)
register.filter("day", html.day)
register.filter("relative", html.relative)
register.filter("key_words", key_words)
register.filter("grouped", grouped)


@register.filter
def serial(value: str, short: bool = True) -> str:
    return html.serial(value, short=short)


@register.filter
def translated(text: str) -> str:
    """A label that was marked for translation where no Django is."""
    return gettext(text) if text else ""


@register.filter
def say(text: Text) -> str:
    """A message of the kernel in the reader's language."""
    return text.render(gettext)


@register.filter
def said(sentence: str) -> str:
    """A sentence that a row keeps, in the reader's language where it is one of ours."""
    return rendered(sentence, gettext)


@register.filter
def browser(user_agent: str) -> str:
    """What a person would call it: `Firefox · Linux`; the text itself where neither is known."""
    names = [next((name for sign, name in signs if sign in user_agent), "") for signs in (_BROWSERS, _SYSTEMS)]
    return " · ".join(name for name in names if name) or user_agent or "–"


@register.filter
def as_json(value: object) -> str:
    """For a data attribute, which the template escapes like any other."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def coded(text: str) -> SafeString:
    """Text in which `this` is code."""
    parts = str(text).split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if i % 2 else part,) for i, part in enumerate(parts))
    )


@register.filter
def language_name(code: str) -> str:
    return str(get_language_info(code)["name_local"]).capitalize()


@register.inclusion_tag("ui/_nav.html", takes_context=True)
def navigation_side(context: RequestContext) -> dict[str, Any]:
    request = context.get("request")
    return {"sections": list(navigation.sections_for(request)) if request else []}


@register.inclusion_tag("ui/_bell.html", takes_context=True)
def bell(context: RequestContext) -> dict[str, Any]:
    """How much there is to read, for whoever is told anything here."""
    request = context.get("request")
    reader = navigation.reader_of(request) if request else None
    return {"is_shown": reader.hears, "unread": reader.unread} if reader else {"is_shown": False}


@register.inclusion_tag("ui/_csv.html", takes_context=True)
def csv_link(context: RequestContext, part: str = "") -> dict[str, str]:
    """To the file of all that the list finds; `part` says which list, where the page has several."""
    return {"address": address_of_csv(context["request"].GET, part)}


@register.inclusion_tag("ui/_field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A label, its input, what to know about it, and what is wrong with it, tied together for screen readers."""
    hint_id, error_id = f"{bound.auto_id}-hint", f"{bound.auto_id}-errors"
    ids = [hint_id] * bool(bound.help_text) + [error_id] * bool(bound.errors)
    attributes: dict[str, Any] = {"aria-invalid": "true"} if bound.errors else {}
    if ids:
        attributes["aria-describedby"] = " ".join(ids)
    _say_what_nothing_means(bound.field)
    return {
        "field": bound,
        "kind": _kind(bound.field.widget),
        "input": bound.as_widget(attrs=attributes),
        "described": " ".join(ids),
        "hint": coded(str(bound.help_text)) if "`" in str(bound.help_text) else bound.help_text,
        "hint_id": hint_id,
        "error_id": error_id,
        "is_optional": not bound.field.required and bound.name not in getattr(bound.form, "one_of", ()),
        "optional": _("optional"),
    }


def _say_what_nothing_means(asked: forms.Field) -> None:
    """In a list of rows, where the form has no words of its own for it."""
    if isinstance(asked, forms.ModelChoiceField) and asked.empty_label == _DASHES:
        asked.empty_label = _("Choose") if asked.required else "–"


def _kind(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    return "group" if isinstance(widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)) else "input"


@register.inclusion_tag("ui/_command.html")
def command(element_id: str, text: str) -> dict[str, str]:
    """Something to type elsewhere, with a button that copies it."""
    return {"id": element_id, "text": text}

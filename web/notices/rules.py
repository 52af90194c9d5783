"""The rules of an organization: listed, read with what each has told lately, and everything that is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import Text
from notices import selectors
from notices.admin.presets import PRESETS
from notices.admin.rule_pages import ChangeRule, CreateRule, DeleteRule, SwitchRuleOff, SwitchRuleOn
from notices.admin.words import standing_of, told_by
from notices.models import Notice, Rule
from notices.sentences import sentence_of
from web.desk import Desk
from web.listing import page_of
from web.notices.places import address_of_subject
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_LATELY: Final = timedelta(days=30)
_SHOWN: Final = 10
_SHEET: Final = Sheet(
    "notification-rules",
    {
        "id": "public_id",
        "name": "name",
        "what_it_does": lambda row: told_by(row, list(row.channels.all())),
        "status": standing_of,
    },
)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice that a rule made, with the page of what it is about."""

    row: Notice
    sentence: Text
    address: str


class RuleDesk(Desk):
    name = "notice-rule"
    list_name = "notice-rules"
    place = "notifications/rules/"
    plural = _("Notification rules")
    reading = Permission.NOTICES_READ
    list_doors = {CreateRule: Permission.NOTICES_WRITE}
    doors = dict.fromkeys((ChangeRule, SwitchRuleOff, SwitchRuleOn, DeleteRule), Permission.NOTICES_WRITE)

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.get_rule(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        rows = selectors.visible_rules(visible_to=actor).order_by("-pk")
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET, newest_first=True)
        doors = self.list_offered(request, actor)
        context = {
            "title": self.plural,
            "doors": doors,
            "create": doors[0][0] if doors else "",
            "presets": PRESETS,
            "page": page,
            "rows": [(row, told_by(row, list(row.channels.all())), standing_of(row)) for row in page.rows],
        }
        return render(request, "web/notices/rules.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Rule) -> HttpResponse:
        channels = list(obj.channels.all())
        context = {
            "title": obj.name,
            "rule": obj,
            "standing": standing_of(obj),
            "sentence": told_by(obj, channels),
            "channels": channels,
            "doors": self.offered(request, actor, obj),
            "told": [_told(row) for row in _lately(obj, actor)],
            "trail": trail_of(actor, "notice_rule", obj),
        }
        return render(request, "web/notices/rule.html", context)


def _lately(rule: Rule, actor: Actor) -> list[Notice]:
    rows = selectors.visible_notices(visible_to=actor).filter(rule=rule, created_at__gte=timezone.now() - _LATELY)
    return list(rows[:_SHOWN])


def _told(row: Notice) -> Told:
    return Told(row, sentence_of(row), address_of_subject(row))


DESK: Final = RuleDesk()

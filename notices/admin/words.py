"""The rows of this room in words, as the admin and its pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.utils.safestring import SafeString
from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _

from audit.admin.html import Status, pill
from notices.models import Channel, Delivery, Notice, Rule

_LEVELS: Final[Mapping[str, tuple[str, str]]] = {
    Notice.Level.INFO: ("info", "info"),
    Notice.Level.WARNING: ("warn", "clock"),
    Notice.Level.CRITICAL: ("bad", "alert"),
}


def level_pill(notice: Notice) -> SafeString:
    """How urgent it is, by word and colour."""
    return pill(notice.get_level_display(), *_LEVELS[notice.level])


def standing_of(row: Delivery | Channel | Rule) -> Status:
    if isinstance(row, Delivery):
        return Status.PENDING if row.status == Delivery.Status.WAITING else Status(row.status)
    return Status.ACTIVE if row.is_active else Status.DISABLED


def told_by(rule: Rule, channels: Sequence[Channel]) -> str:
    """What a rule does, in sentences: about what, when, of which certificates, and where."""
    about = str(capfirst(rule.get_subject_display()))
    if rule.thresholds:
        days = get_text_list([str(day) for day in rule.thresholds], _("and"))
        about = _("%(about)s: told %(days)s days before.") % {"about": about, "days": days}
    else:
        about = _("%(about)s: told when it happens.") % {"about": about}
    parts = [about, _("Only of: %(filter)s.") % {"filter": rule.filter} if rule.filter else ""]
    places = [channel.name for channel in channels] + ([_("the owner, by mail")] if rule.tells_owner else [])
    if places:
        parts.append(_("Also goes to %(places)s.") % {"places": get_text_list(places, _("and"))})
    return " ".join(filter(None, parts))

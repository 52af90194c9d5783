"""The rows of this room, of every organization."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import ServiceAdmin
from kernel.text import Text
from notices.admin.channel_pages import (
    ChangeChannel,
    DeleteChannel,
    RotateSecret,
    SwitchChannelOff,
    SwitchChannelOn,
    TestChannel,
)
from notices.admin.notice_pages import MuteObject, SendAgain, Unmute
from notices.admin.rule_pages import DeleteRule, SwitchRuleOff, SwitchRuleOn
from notices.admin.words import level_pill, standing_of, told_by
from notices.models import Channel, Delivery, FirstRules, Mute, Notice, NoticeReading, Rule, RuleChannel
from notices.sentences import sentence_of

_BY_ORGANIZATION = ("organization", admin.RelatedOnlyFieldListFilter)


@admin.register(Channel)
class ChannelAdmin(ServiceAdmin):
    list_display = ("name", "kind", "organization", "where", "standing", "last_error")
    list_filter = ("kind", "is_active", _BY_ORGANIZATION)
    list_select_related = ("organization",)
    search_fields = ("name", "host")
    search_help_text = _("Name or host")
    sortable_by = ()
    fields = ("name", "kind", "organization", "where", "subjects", "standing", "tested", "last_error", "public_id")
    object_pages = (TestChannel, ChangeChannel, RotateSecret, SwitchChannelOff, SwitchChannelOn, DeleteChannel)
    audit_type = "channel"

    @admin.display(description=_("To"))
    def where(self, row: Channel) -> str:
        return ", ".join(row.recipients) if row.kind == Channel.Kind.MAIL else row.host

    @admin.display(description=_("Status"))
    def standing(self, row: Channel) -> SafeString:
        return html.badge(standing_of(row))

    @admin.display(description=_("Tested"))
    def tested(self, row: Channel) -> SafeString | str:
        return html.moment(row.tested_at)


@admin.register(Rule)
class RuleAdmin(ServiceAdmin):
    list_display = ("name", "subject", "organization", "standing", "last_error")
    list_filter = ("subject", "is_active", _BY_ORGANIZATION)
    list_select_related = ("organization",)
    search_fields = ("name",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("name", "subject", "organization", "what", "standing", "due", "attempts", "last_error", "public_id")
    object_pages = (SwitchRuleOff, SwitchRuleOn, DeleteRule)
    audit_type = "notice_rule"

    @admin.display(description=_("What it does"))
    def what(self, row: Rule) -> str:
        return told_by(row, list(row.channels.all()))

    @admin.display(description=_("Status"))
    def standing(self, row: Rule) -> SafeString:
        return html.badge(standing_of(row))

    @admin.display(description=_("Looked after next"))
    def due(self, row: Rule) -> SafeString | str:
        return html.moment(row.due_at)


@admin.register(Notice)
class NoticeAdmin(ServiceAdmin):
    list_display = ("label", "subject", "level_shown", "organization", "told", "over")
    list_filter = ("subject", "level", _BY_ORGANIZATION)
    list_select_related = ("organization",)
    search_fields = ("label",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("sentence", "subject", "level_shown", "organization", "rule", "threshold", "told", "over", "public_id")
    object_pages = (MuteObject,)

    @admin.display(description=_("What it says"))
    def sentence(self, row: Notice) -> str:
        text: Text = sentence_of(row)
        return text.render(lambda each: str(_(each)))

    @admin.display(description=_("Urgency"))
    def level_shown(self, row: Notice) -> SafeString:
        return level_pill(row)

    @admin.display(description=_("Told"))
    def told(self, row: Notice) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Over"))
    def over(self, row: Notice) -> SafeString | str:
        return html.moment(row.closed_at)


@admin.register(Delivery)
class DeliveryAdmin(ServiceAdmin):
    list_display = ("subject", "where", "organization", "standing", "made")
    list_filter = ("status", "subject", _BY_ORGANIZATION)
    list_select_related = ("organization", "channel")
    sortable_by = ()
    fields = (
        "subject",
        "where",
        "organization",
        "standing",
        "attempts",
        "last_status",
        "last_error",
        "due",
        "made",
        "message",
        "public_id",
    )
    object_pages = (SendAgain,)
    audit_type = "delivery"

    @admin.display(description=_("To"))
    def where(self, row: Delivery) -> str:
        return " · ".join(filter(None, (row.channel.name if row.channel else "", row.recipient)))

    @admin.display(description=_("Status"))
    def standing(self, row: Delivery) -> SafeString:
        return html.badge(standing_of(row))

    @admin.display(description=_("Made"))
    def made(self, row: Delivery) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Next attempt"))
    def due(self, row: Delivery) -> SafeString | str:
        return html.moment(row.due_at)

    @admin.display(description=_("Message"))
    def message(self, row: Delivery) -> SafeString:
        return format_html('<pre class="json">{}</pre>', json.dumps(row.document, indent=2, ensure_ascii=False))


@admin.register(Mute)
class MuteAdmin(ServiceAdmin):
    list_display = ("label", "kind", "organization", "muted_by", "since")
    list_filter = (_BY_ORGANIZATION,)
    list_select_related = ("organization",)
    search_fields = ("label",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("label", "kind", "object_id", "organization", "muted_by", "since", "public_id")
    object_pages = (Unmute,)
    audit_type = "mute"

    @admin.display(description=_("Since"))
    def since(self, row: Mute) -> SafeString | str:
        return html.moment(row.created_at)


@admin.register(NoticeReading)
class NoticeReadingAdmin(ReadOnlyAdmin):
    list_display = ("user", "organization", "up_to")
    list_filter = (_BY_ORGANIZATION,)
    list_select_related = ("organization", "user")
    sortable_by = ()


@admin.register(RuleChannel)
class RuleChannelAdmin(ReadOnlyAdmin):
    list_display = ("rule", "channel", "organization")
    list_filter = (_BY_ORGANIZATION,)
    list_select_related = ("organization", "rule", "channel")
    sortable_by = ()


@admin.register(FirstRules)
class FirstRulesAdmin(ReadOnlyAdmin):
    list_display = ("organization", "created_at")
    list_select_related = ("organization",)
    ordering = ("-pk",)
    sortable_by = ()

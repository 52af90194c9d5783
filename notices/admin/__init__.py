"""Channels, rules, notices and deliveries in the admin: lists to look at, and pages that call services."""

from notices.admin.records import (
    ChannelAdmin,
    DeliveryAdmin,
    FirstRulesAdmin,
    MuteAdmin,
    NoticeAdmin,
    NoticeReadingAdmin,
    RuleAdmin,
    RuleChannelAdmin,
)

__all__ = [
    "ChannelAdmin",
    "DeliveryAdmin",
    "FirstRulesAdmin",
    "MuteAdmin",
    "NoticeAdmin",
    "NoticeReadingAdmin",
    "RuleAdmin",
    "RuleChannelAdmin",
]

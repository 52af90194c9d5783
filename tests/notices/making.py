"""Channels and rules for tests, and a clock that is set by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from kernel.ref import Ref
from kernel.secret import Secret
from notices.models import Channel, Rule
from notices.orders import ChannelOrder, RuleOrder
from notices.services.channels import ChannelWithSecret, create_channel
from notices.services.rules import create_rule
from notices.subjects import Subject
from tests.office import Office

HOOK = "https://hooks.example.com/services/T000/B000/canary"


class Clock:
    """What time it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: self.at)

    def go(self, **step: float) -> datetime:
        self.at += timedelta(**step)
        return self.at


def webhook(office: Office, url: str = HOOK, *subjects: str, **changes: object) -> ChannelWithSecret:
    order = ChannelOrder(
        organization=Ref("pk", office.organization.pk),
        name="hook",
        kind=Channel.Kind.WEBHOOK,
        url=Secret(url),
        subjects=subjects,
    )
    return create_channel(actor=office.owner, order=replace(order, **changes))


def mail_to(office: Office, *recipients: str, **changes: object) -> Channel:
    order = ChannelOrder(
        organization=Ref("pk", office.organization.pk), name="mail", kind=Channel.Kind.MAIL, recipients=recipients
    )
    return create_channel(actor=office.owner, order=replace(order, **changes)).channel


def rule(office: Office, *channels: Channel, subject: str = Subject.CERTIFICATE_EXPIRING, **changes: object) -> Rule:
    order = RuleOrder(
        organization=Ref("pk", office.organization.pk),
        name=f"rule {subject}",
        subject=subject,
        thresholds=(30, 14, 7, 1) if subject in (Subject.CERTIFICATE_EXPIRING, Subject.CA_EXPIRING) else (),
        channels=tuple(Ref("public_id", channel.public_id) for channel in channels),
    )
    return create_rule(actor=office.owner, order=replace(order, **changes))

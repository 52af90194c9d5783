"""The calls and the events of services about channels, rules, notices and deliveries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kernel.ref import Ref
from kernel.secret import Secret
from notices.models import Delivery, Notice, Rule
from notices.orders import ChannelChange, ChannelOrder, RuleChange, RuleOrder
from notices.services import channels, deliveries, reading, rules


def _organization(s: Any) -> Ref:
    return Ref("pk", s.office.organization.pk)


def _channel(s: Any) -> Ref:
    order = ChannelOrder(
        organization=_organization(s), name="hook", kind="webhook", url=Secret("https://hooks.example.com/x")
    )
    return Ref("pk", channels.create_channel(actor=s.owner, order=order).channel.pk)


def _mail(s: Any) -> Ref:
    order = ChannelOrder(
        organization=_organization(s), name="mail", kind="mail", recipients=(s.office.person.user.email,)
    )
    return Ref("pk", channels.create_channel(actor=s.owner, order=order).channel.pk)


def _rule(s: Any) -> Rule:
    order = RuleOrder(organization=_organization(s), name="CRLs", subject="crl.late")
    return rules.create_rule(actor=s.owner, order=order)


def _notice(s: Any) -> Notice:
    return Notice.objects.create(
        organization=s.office.organization,
        rule=None,
        subject="certificate.expiring",
        level="info",
        kind="certificate",
        object_id=s.certificate.public_id,
        label="www.acme.test",
        occasion="x",
    )


def _mute(s: Any) -> Ref:
    return Ref("pk", reading.mute(actor=s.owner, notice=Ref("pk", _notice(s).pk)).pk)


def _repeat(s: Any) -> None:
    row = Delivery.objects.create(organization=s.office.organization, status="dead", subject="test", document={})
    deliveries.repeat_delivery(actor=s.owner, delivery=Ref("pk", row.pk))


def _read(s: Any) -> None:
    _notice(s)
    reading.mark_read(actor=s.owner)


MADE, RULED, MUTED = "channel.created", "notice_rule.created", "notice_object.muted"
NOTICE_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "notices.create_channel": (_channel, [MADE]),
    "notices.update_channel": (
        lambda s: channels.update_channel(actor=s.owner, channel=_channel(s), change=ChannelChange(name="other")),
        [MADE, "channel.updated"],
    ),
    "notices.delete_channel": (
        lambda s: channels.delete_channel(actor=s.owner, channel=_channel(s)),
        [MADE, "channel.deleted"],
    ),
    "notices.rotate_secret": (
        lambda s: channels.rotate_secret(actor=s.owner, channel=_channel(s)),
        [MADE, "channel.secret_rotated"],
    ),
    "notices.test_channel": (
        lambda s: channels.test_channel(actor=s.owner, channel=_mail(s)),
        [MADE, "channel.tested"],
    ),
    "notices.create_rule": (_rule, [RULED]),
    "notices.update_rule": (
        lambda s: rules.update_rule(actor=s.owner, rule=Ref("pk", _rule(s).pk), change=RuleChange(name="x")),
        [RULED, "notice_rule.updated"],
    ),
    "notices.delete_rule": (
        lambda s: rules.delete_rule(actor=s.owner, rule=Ref("pk", _rule(s).pk)),
        [RULED, "notice_rule.deleted"],
    ),
    "notices.mark_read": (_read, []),
    "notices.mute": (_mute, [MUTED]),
    "notices.unmute": (lambda s: reading.unmute(actor=s.owner, mute=_mute(s)), [MUTED, "notice_object.unmuted"]),
    "notices.repeat_delivery": (_repeat, ["delivery.repeated"]),
}

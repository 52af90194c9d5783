"""Channels and rules of notification: what is said of them, and how they are shown."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from api.common.fields import Choice, Flag, Id, Made, SecretText, Text, Texts, Whole
from api.common.inputs import Input
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts
from api.native.delivery_shapes import DeliveryOut
from api.native.input_parts import OrganizationOf, tuples
from api.native.outputs import MAYBE_SECRET, STRING
from kernel.ref import Ref
from notices.models import Channel
from notices.orders import ChannelChange, ChannelOrder, RuleChange, RuleOrder
from notices.services.channels import MOST_RECIPIENTS
from notices.services.rules import LONGEST_THRESHOLD, MOST_CHANNELS, MOST_THRESHOLDS
from notices.subjects import Subject

_LONGEST_URL: Final = 2000
_LONGEST_ADDRESS: Final = 254
_LONGEST_FILTER: Final = 1000
_LONGEST_SUBJECT: Final = 40


def _ids(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=Id(), max_length=MOST_CHANNELS, **options)


def _days(**options: Any) -> serializers.ListField:
    days = Whole(min_value=1, max_value=LONGEST_THRESHOLD)
    return serializers.ListField(child=days, max_length=MOST_THRESHOLDS, **options)


class ChannelChangeIn(Input):
    """What changes of a channel."""

    all_optional = True
    example = {"recipients": ["pki@example.com"], "is_active": True}

    name = Text(max_length=80)
    recipients = Texts(longest=_LONGEST_ADDRESS, most=MOST_RECIPIENTS)
    url = SecretText(max_length=_LONGEST_URL)
    subjects = Texts(longest=_LONGEST_SUBJECT, most=len(Subject))
    is_active = Flag()

    @classmethod
    def read(cls, data: Any) -> ChannelChange:
        return ChannelChange(**tuples(cls.values(data, version="v2")))


class ChannelIn(Input):
    """A place that messages shall go to."""

    example = {
        "name": "Deployment",
        "kind": "webhook",
        "url": "https://deploy.example.com/certificates",
        "subjects": ["certificate.renewed"],
    }

    organization_id = Id(required=False)
    name = Text(max_length=80)
    kind = Choice(Channel.Kind.values)
    recipients = Texts(required=False, longest=_LONGEST_ADDRESS, most=MOST_RECIPIENTS, help_text="Of mail.")
    url = SecretText(
        required=False, max_length=_LONGEST_URL, help_text="https, of all but mail. Only its host is shown again."
    )
    subjects = Texts(
        required=False, longest=_LONGEST_SUBJECT, most=len(Subject), help_text="What it is told without any rule."
    )
    is_active = Flag(default=True)

    @classmethod
    def read(cls, data: Any, organization_of: OrganizationOf) -> ChannelOrder:
        """Raises Denied (the organization), Invalid."""
        values = cls.values(data, version="v2")
        return ChannelOrder(organization=Ref("pk", organization_of(values).pk), **tuples(values))


class ChannelOut(Output):
    """A place that messages go to."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    kind = one_of(Channel.Kind.values)
    recipients = texts()
    host = text(help_text="Where it goes; the rest of the address is kept sealed.")
    subjects = texts(help_text="What it is told without any rule.")
    is_active = flag()
    old_secret_ends_at = moment(allow_null=True, help_text="Until when messages are signed with the old secret, too.")
    tested_at = moment(allow_null=True)
    last_error = text(help_text="Of the last delivery; empty where it succeeded.")
    created_at = moment()


class ChannelSecretOut(Output):
    """What is shown once of a webhook."""

    secret = Made(
        lambda new: None if new.secret is None else new.secret.reveal().decode(),
        MAYBE_SECRET
        | {"description": "What messages are signed with (HMAC-SHA-256), shown this once; null of all but webhooks."},
    )


class NewChannelOut(ChannelOut, ChannelSecretOut):
    """A channel, and the secret that its messages are signed with."""


class ChannelTestOut(Output):
    """What has become of a test, for each recipient."""

    data = DeliveryOut(many=True, read_only=True)  # type: ignore[assignment]


class NotificationRuleChangeIn(Input):
    """What changes of a rule."""

    all_optional = True
    example = {"thresholds": [30, 14, 7, 1]}

    name = Text(max_length=80)
    thresholds = _days()
    filter = Text(allow_blank=True, max_length=_LONGEST_FILTER)
    tells_owner = Flag()
    channel_ids = _ids()
    is_active = Flag()

    @classmethod
    def read(cls, data: Any) -> RuleChange:
        return RuleChange(**_rule(cls.values(data, version="v2")))


class NotificationRuleIn(Input):
    """What shall be told, when, and over which channels."""

    example = {
        "name": "Shop",
        "subject": "certificate.expiring",
        "thresholds": [30, 14, 7, 1],
        "filter": "tag:shop",
        "tells_owner": True,
    }

    organization_id = Id(required=False)
    name = Text(max_length=80)
    subject = Choice(Subject.values)
    thresholds = _days(required=False, help_text="Days before the end; of subjects that have an end.")
    filter = Text(
        required=False,
        allow_blank=True,
        max_length=_LONGEST_FILTER,
        help_text="In the language of the lists of certificates; every certificate where it is empty.",
    )
    tells_owner = Flag(default=False, help_text="Whether the owner of a certificate is written to.")
    channel_ids = _ids(required=False, help_text="On the page it is told always.")
    is_active = Flag(default=True)

    @classmethod
    def read(cls, data: Any, organization_of: OrganizationOf) -> RuleOrder:
        """Raises Denied (the organization), Invalid."""
        values = cls.values(data, version="v2")
        return RuleOrder(organization=Ref("pk", organization_of(values).pk), **_rule(values))


class NotificationRuleOut(Output):
    """What is told, when, and over which channels."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    subject = one_of(Subject.values)
    thresholds = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    filter = text()
    tells_owner = flag()
    channel_ids = Made(
        lambda row: [str(channel.public_id) for channel in row.channels.all()],
        {"type": "array", "items": STRING | {"format": "uuid"}},
    )
    is_active = flag()
    created_at = moment()


def _rule(values: dict[str, Any]) -> dict[str, Any]:
    if "channel_ids" in values:
        values["channels"] = values.pop("channel_ids")
    return tuples(values)

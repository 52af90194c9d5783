"""Deliveries: what became of each message."""

from __future__ import annotations

from typing import Final

from api.common.fields import Choice, Id, Made
from api.common.outputs import Output, identity, moment, one_of, text, whole
from api.common.paging import PageQuery
from notices.models import Delivery
from notices.subjects import Subject

_DOCUMENT: Final = {"type": "object", "additionalProperties": True, "description": "What a program is told."}


class DeliveryQuery(PageQuery):
    """Which deliveries are listed."""

    status = Choice(Delivery.Status.values, required=False)
    channel_id = Id(required=False, help_text="Those over this channel.")


class DeliveryOut(Output):
    """One message to one channel, or to one owner, and what became of it."""

    id = identity()
    organization_id = identity(source="organization")
    channel_id = identity(source="channel", allow_null=True, help_text="Null of a mail to an owner.")
    recipient = text(help_text="Of a mail to an owner.")
    notice_id = identity(source="notice", allow_null=True)
    subject = one_of(Subject.values)
    document = Made(lambda row: row.document, _DOCUMENT)
    status = one_of(Delivery.Status.values)
    attempts = whole(help_text="Failed ones.")
    due_at = moment(allow_null=True, help_text="When it is tried again.")
    last_status = whole(allow_null=True, help_text="The HTTP status of the last answer.")
    last_error = text()
    created_at = moment()
    delivered_at = moment(allow_null=True)

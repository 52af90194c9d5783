"""The channels of an organization: listed, read with what went over each, and everything that is done with them."""

from __future__ import annotations

from typing import Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from notices import selectors
from notices.admin.channel_pages import (
    AddMail,
    AddSlack,
    AddTeams,
    AddWebhook,
    ChangeChannel,
    DeleteChannel,
    RotateSecret,
    SwitchChannelOff,
    SwitchChannelOn,
    TestChannel,
)
from notices.admin.words import standing_of, told_by
from notices.models import Channel
from notices.subjects import Subject
from notices.webhook_signing import EVENT_ID, SIGNATURE, TIMESTAMP
from web.desk import Desk
from web.listing import page_of
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_SHOWN: Final = 10
_SHEET: Final = Sheet(
    "channels",
    {
        "id": "public_id",
        "name": "name",
        "kind": "kind",
        "to": lambda row: row.recipients or row.host,
        "status": standing_of,
        "last_error": "last_error",
    },
)
# What stands on the buttons of a record; the rest is behind one.
_FOREMOST: Final = 2
# Five lines of Python for whoever writes a receiver: `headers` and `body` as they came in, `secret` as it was shown.
_VERIFYING: Final = f"""\
signed = b".".join([headers["{EVENT_ID}"].encode(), headers["{TIMESTAMP}"].encode(), body])
expected = "v1=" + hmac.new(secret.encode(), signed, "sha256").hexdigest()
given = headers["{SIGNATURE}"].split(",")
is_ours = any(hmac.compare_digest(expected, each) for each in given)
is_new = abs(time.time() - int(headers["{TIMESTAMP}"])) < 300"""


class ChannelDesk(Desk):
    name = "channel"
    list_name = "channels"
    place = "notifications/channels/"
    plural = _("Channels")
    reading = Permission.NOTICES_READ
    list_doors = dict.fromkeys((AddMail, AddWebhook, AddSlack, AddTeams), Permission.NOTICES_WRITE)
    doors = dict.fromkeys(
        (TestChannel, ChangeChannel, RotateSecret, SwitchChannelOff, SwitchChannelOn, DeleteChannel),
        Permission.NOTICES_WRITE,
    )

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.get_channel(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        rows = selectors.visible_channels(visible_to=actor).order_by("-pk")
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = page_of(rows, request.GET, newest_first=True)
        context = {
            "title": self.plural,
            "doors": self.list_offered(request, actor),
            "page": page,
            "rows": [(row, standing_of(row)) for row in page.rows],
        }
        return render(request, "web/notices/channels.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Channel) -> HttpResponse:
        doors = self.offered(request, actor, obj)
        rules = selectors.visible_rules(visible_to=actor).filter(channels=obj)
        deliveries = selectors.visible_deliveries(visible_to=actor).filter(channel=obj).defer("document")
        context = {
            "title": obj.name,
            "channel": obj,
            "standing": standing_of(obj),
            "doors": doors[:_FOREMOST],
            "more": doors[_FOREMOST:],
            "events": [Subject(each) for each in obj.subjects if each in Subject.values],
            "rules": [(row, told_by(row, list(row.channels.all()))) for row in rules],
            "deliveries": [(row, standing_of(row)) for row in deliveries[:_SHOWN]],
            "verifying": _VERIFYING,
            "trail": trail_of(actor, "channel", obj),
        }
        return render(request, "web/notices/channel.html", context)


DESK: Final = ChannelDesk()

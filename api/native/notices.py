"""Notices: what an organization was told, what became of each message, and of what it wants to hear no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.fields import Choice, Id, Made
from api.common.inputs import Input, Query
from api.common.openapi import operation
from api.common.outputs import Output, identity, moment, one_of, text, whole
from api.common.paging import PageQuery
from api.common.problems import Family
from api.native.channels import Channels, NotificationRules
from api.native.delivery_shapes import DeliveryOut, DeliveryQuery
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING, listing
from kernel.permissions import Permission
from kernel.ref import Ref
from notices import selectors
from notices.models import Notice
from notices.services.deliveries import repeat_delivery
from notices.services.reading import mark_read, mute, unmute
from notices.subjects import Subject

_READ, _WRITE = Permission.NOTICES_READ, Permission.NOTICES_WRITE
# Where they stand.
MUTES: Final = "/api/v2/mutes"
_TRUE: Final = "true"
_UUID: Final = STRING | {"format": "uuid"}
_OBJECT: Final = {"type": "object", "additionalProperties": True}


class NoticeQuery(PageQuery):
    """Which notices are listed."""

    is_open = Choice((_TRUE, "false"), required=False, help_text="`true`: those that are not over.")


class NoticeOut(Output):
    """Something that an organization was told. It is closed when it is over."""

    id = identity()
    organization_id = identity(source="organization")
    rule_id = identity(source="rule", allow_null=True)
    subject = one_of(Subject.values)
    level = one_of(Notice.Level.values)
    kind = text(help_text="What it is about: `certificate`, `ca`, `request`, `acme_order`, `audit_log` …")
    object_id = Made(
        lambda row: str(row.object_id) if row.object_id else None, {"type": ["string", "null"], "format": "uuid"}
    )
    label = text(help_text="What that was called then.")  # type: ignore[assignment]
    threshold = whole(allow_null=True, help_text="Of an end that comes near: so many days before.")
    facts = Made(lambda row: row.facts, _OBJECT)
    created_at = moment()
    closed_at = moment(allow_null=True)


class NoticeCountsOut(Output):
    """Of what is not over."""

    unread = whole(help_text="No more than 100 are counted.")


class ReadIn(Input):
    """How far they were read."""

    up_to = Id(required=False, help_text="The newest one that was seen; all that there are if absent.")


class MuteOut(Output):
    """Something of which the organization does not want to hear."""

    id = identity()
    organization_id = identity(source="organization")
    kind = text()
    object_id = Made(lambda row: str(row.object_id), _UUID)
    label = text(help_text="What it was called then.")  # type: ignore[assignment]
    muted_by = text()
    created_at = moment()


class Notices(NativeViewSet):
    """What an organization was told, as it stands on its page."""

    title = "Notices"
    permissions = {
        "list": _READ,
        "counts": _READ,
        "read": _READ,
        "retrieve": _READ,
        "mute": _WRITE,
    }

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        return NoticeQuery if action == "list" else super().query_of(action, version)

    @operation("List notices", answers={200: listing(NoticeOut)})
    def list(self, request: Request) -> Response:
        asked = self.parameters.get("is_open")
        is_open = None if asked is None else asked == _TRUE
        return self.page(NoticeOut, selectors.visible_notices(visible_to=self.actor, is_open=is_open))

    @operation("Count unread notices", answers={200: NoticeCountsOut})
    def counts(self, request: Request) -> Response:
        """Those that you have not read; of a key: that its owner has not read."""
        counted = {"unread": selectors.unread_count(visible_to=self.actor)}
        return Response(self.show(NoticeCountsOut, counted))

    @operation("Mark notices as read", body=ReadIn, answers={204: None}, refusals=(Family.NOT_FOUND,))
    def read(self, request: Request) -> Response:
        """For you alone: all that there are, or those up to one of them."""
        mark_read(actor=self.actor, up_to=ReadIn.values(request.data, version=self.version).get("up_to"))
        return Response(status=204)

    @operation("Show a notice", answers={200: NoticeOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation("Mute what a notice is about", answers={201: MuteOut}, refusals=(Family.CONFLICT,))
    def mute(self, request: Request, ref: Ref) -> Response:
        """The organization hears of it no more, until the mute is removed."""
        return self.created(self.show(MuteOut, mute(actor=self.actor, notice=ref)), among=MUTES)

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(NoticeOut, selectors.get_notice(ref, visible_to=self.actor))
        return shown


class Mutes(NativeViewSet):
    """Of what an organization does not want to hear."""

    title = "Mutes"
    permissions = {"list": _READ, "retrieve": _READ, "destroy": _WRITE}

    @operation("List mutes", answers={200: listing(MuteOut)})
    def list(self, request: Request) -> Response:
        return self.page(MuteOut, selectors.visible_mutes(visible_to=self.actor))

    @operation("Show a mute", answers={200: MuteOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(MuteOut, selectors.get_mute(ref, visible_to=self.actor)))

    @operation("Remove a mute", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        """What there is to tell from now on is told again."""
        unmute(actor=self.actor, mute=ref)
        return Response(status=204)


class Deliveries(NativeViewSet):
    """What was sent, is to be sent, or could not be."""

    title = "Deliveries"
    permissions = {"list": _READ, "retrieve": _READ, "repeat": _WRITE}

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        return DeliveryQuery if action == "list" else super().query_of(action, version)

    @operation("List deliveries", answers={200: listing(DeliveryOut)}, refusals=(Family.NOT_FOUND,))
    def list(self, request: Request) -> Response:
        rows = selectors.visible_deliveries(visible_to=self.actor)
        if "status" in self.parameters:
            rows = rows.filter(status=self.parameters["status"])
        if "channel_id" in self.parameters:
            rows = rows.filter(channel=selectors.get_channel(self.parameters["channel_id"], visible_to=self.actor))
        return self.page(DeliveryOut, rows)

    @operation("Show a delivery", answers={200: DeliveryOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation("Deliver a message again", answers={200: DeliveryOut}, refusals=(Family.CONFLICT,))
    def repeat(self, request: Request, ref: Ref) -> Response:
        """The same message under the same id, so that a receiver who has it can know it again."""
        repeat_delivery(actor=self.actor, delivery=ref)
        return Response(self._shown(ref))

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(DeliveryOut, selectors.get_delivery(ref, visible_to=self.actor))
        return shown


NOTICE_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("channels", Channels, {"get": "list", "post": "create"}),
    ("channels/<public_id:ref>", Channels, {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ("channels/<public_id:ref>/test", Channels, {"post": "test"}),
    ("channels/<public_id:ref>/rotate-secret", Channels, {"post": "rotate_secret"}),
    ("notification-rules", NotificationRules, {"get": "list", "post": "create"}),
    (
        "notification-rules/<public_id:ref>",
        NotificationRules,
        {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
    ),
    ("notices", Notices, {"get": "list"}),
    ("notices/counts", Notices, {"get": "counts"}),
    ("notices/read", Notices, {"post": "read"}),
    ("notices/<public_id:ref>", Notices, {"get": "retrieve"}),
    ("notices/<public_id:ref>/mute", Notices, {"post": "mute"}),
    ("mutes", Mutes, {"get": "list"}),
    ("mutes/<public_id:ref>", Mutes, {"get": "retrieve", "delete": "destroy"}),
    ("deliveries", Deliveries, {"get": "list"}),
    ("deliveries/<public_id:ref>", Deliveries, {"get": "retrieve"}),
    ("deliveries/<public_id:ref>/repeat", Deliveries, {"post": "repeat"}),
)

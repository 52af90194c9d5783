"""Channels, and the rules by which something is told over them."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.channel_shapes import (
    ChannelChangeIn,
    ChannelIn,
    ChannelOut,
    ChannelSecretOut,
    ChannelTestOut,
    NewChannelOut,
    NotificationRuleChangeIn,
    NotificationRuleIn,
    NotificationRuleOut,
)
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref
from notices import selectors
from notices.services.channels import (
    ChannelWithSecret,
    create_channel,
    delete_channel,
    rotate_secret,
    test_channel,
    update_channel,
)
from notices.services.rules import create_rule, delete_rule, update_rule

_READ, _WRITE = Permission.NOTICES_READ, Permission.NOTICES_WRITE


class Channels(NativeViewSet):
    """Where messages go: mail, webhooks, Slack, Teams."""

    title = "Channels"
    permissions = {
        "list": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "destroy": _WRITE,
        "test": _WRITE,
        "rotate_secret": _WRITE,
    }
    limits = {"test": ISSUE}
    # A message is sent on the network, and to send it twice does no harm.
    repeatable = frozenset({"test"})

    @operation("List channels", answers={200: listing(ChannelOut)})
    def list(self, request: Request) -> Response:
        return self.page(ChannelOut, selectors.visible_channels(visible_to=self.actor))

    @operation("Add a channel", body=ChannelIn, answers={201: NewChannelOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """The secret of a webhook is in this answer and nowhere else."""
        new = create_channel(actor=self.actor, order=ChannelIn.read(request.data, self.organization_of))
        return self.created(self._shown_once(new))

    @operation("Show a channel", answers={200: ChannelOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation("Change a channel", body=ChannelChangeIn, answers={200: ChannelOut}, refusals=(Family.CONFLICT,))
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays."""
        update_channel(actor=self.actor, channel=ref, change=ChannelChangeIn.read(request.data))
        return Response(self._shown(ref))

    @operation("Remove a channel", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        """With what was still to be delivered, and what is known of earlier deliveries."""
        delete_channel(actor=self.actor, channel=ref)
        return Response(status=204)

    @operation("Test a channel", answers={200: ChannelTestOut}, refusals=(Family.CONFLICT, Family.TOO_MANY))
    def test(self, request: Request, ref: Ref) -> Response:
        """A message is sent now, once, and what has become of it is the answer."""
        return Response(self.show(ChannelTestOut, {"data": test_channel(actor=self.actor, channel=ref)}))

    @operation("Give a webhook another secret", answers={200: NewChannelOut}, refusals=(Family.CONFLICT,))
    def rotate_secret(self, request: Request, ref: Ref) -> Response:
        """Messages are signed with both until `old_secret_ends_at`. The new one is in this answer and nowhere else."""
        return Response(self._shown_once(rotate_secret(actor=self.actor, channel=ref)))

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(ChannelOut, selectors.get_channel(ref, visible_to=self.actor))
        return shown

    def _shown_once(self, new: ChannelWithSecret) -> dict[str, Any]:
        once: dict[str, Any] = self.show(ChannelSecretOut, new)
        return self._shown(Ref("pk", new.channel.pk)) | once


class NotificationRules(NativeViewSet):
    """What is told, when, and over which channels."""

    title = "Notification rules"
    permissions = {
        "list": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "destroy": _WRITE,
    }

    @operation("List notification rules", answers={200: listing(NotificationRuleOut)})
    def list(self, request: Request) -> Response:
        return self.page(NotificationRuleOut, selectors.visible_rules(visible_to=self.actor))

    @operation(
        "Add a notification rule",
        body=NotificationRuleIn,
        answers={201: NotificationRuleOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT),
    )
    def create(self, request: Request) -> Response:
        """What is so already is told at its first look; what is over is not."""
        row = create_rule(actor=self.actor, order=NotificationRuleIn.read(request.data, self.organization_of))
        return self.created(self._shown(Ref("pk", row.pk)))

    @operation("Show a notification rule", answers={200: NotificationRuleOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation(
        "Change a notification rule",
        body=NotificationRuleChangeIn,
        answers={200: NotificationRuleOut},
        refusals=(Family.CONFLICT,),
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays; `channel_ids` take the place of all that it had."""
        update_rule(actor=self.actor, rule=ref, change=NotificationRuleChangeIn.read(request.data))
        return Response(self._shown(ref))

    @operation("Remove a notification rule", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        """What it has told is over."""
        delete_rule(actor=self.actor, rule=ref)
        return Response(status=204)

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(NotificationRuleOut, selectors.get_rule(ref, visible_to=self.actor))
        return shown

    def field_name(self, field: str) -> str:
        head, bracket, rest = field.partition("[")
        return f"channel_ids{bracket}{rest}" if head == "channels" else super().field_name(field)

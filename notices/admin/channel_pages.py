"""What is done with a channel: made, changed, tested, switched off and on, deleted; and its secret, shown once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from kernel.actor import Actor
from kernel.ref import Ref
from kernel.secret import Secret
from notices.admin.channel_forms import AddressChangeForm, MailForm, NewAddressForm, NewMailForm, RotationForm
from notices.admin.switching import SwitchOff, SwitchOn
from notices.models import Channel, Delivery
from notices.orders import ChannelChange, ChannelOrder
from notices.services.channels import (
    ChannelWithSecret,
    create_channel,
    delete_channel,
    rotate_secret,
    test_channel,
    update_channel,
)

_MOST_NAMED = 20


class _Create(ServicePage):
    """A new channel of one kind."""

    kind: ClassVar[Channel.Kind]
    form_class: ClassVar[type[forms.Form]] = NewAddressForm
    submit = _("Add the channel")
    icon = "plus"

    def act(self, data: Mapping[str, Any]) -> HttpResponse | Words:
        order = ChannelOrder(organization=Ref("pk", data["organization"].pk), kind=self.kind, **_common(data))
        made = create_channel(actor=actor_of(self.request, data["organization"]), order=order)
        self.obj = made.channel
        if made.secret is not None:
            return _shown_once(self, made)
        return _("%(name)s is added. Send a test, and name it in a rule.") % {"name": self.obj.name}


class AddWebhook(_Create):
    slug, kind = "webhook", Channel.Kind.WEBHOOK
    title = _("Add a webhook")
    explanation = _("A program of yours is told by signed JSON.")


class AddMail(_Create):
    slug, kind = "mail", Channel.Kind.MAIL
    title = _("Add mail")
    explanation = _("Messages go to these mailboxes, in the language of each person.")
    form_class = NewMailForm


class AddSlack(_Create):
    slug, kind = "slack", Channel.Kind.SLACK
    title = _("Add Slack")
    explanation = _("The address of an incoming webhook of Slack, or of what understands the same.")


class AddTeams(_Create):
    slug, kind = "teams", Channel.Kind.TEAMS
    title = _("Add Microsoft Teams")
    explanation = _("The address of a workflow that posts what a webhook sends.")


class _OfChannel(ServicePage):
    """About one channel."""

    def facts(self) -> Facts:
        where = ", ".join(self.obj.recipients) if self.obj.kind == Channel.Kind.MAIL else self.obj.host
        return [(_("Channel"), self.obj.name), (capfirst(self.obj.get_kind_display()), where)]

    def actor(self) -> Actor:
        return actor_of(self.request, self.obj.organization)

    def ref(self) -> Ref:
        return Ref("pk", self.obj.pk)

    def change(self, change: ChannelChange) -> Channel:
        return update_channel(actor=self.actor(), channel=self.ref(), change=change)

    def switch(self, *, is_active: bool) -> Channel:
        return self.change(ChannelChange(is_active=is_active))


class ChangeChannel(_OfChannel):
    slug = "edit"
    title = _("Change the channel")
    submit = _("Save")
    icon = "gear"

    def initial(self) -> Mapping[str, Any]:
        row = self.obj
        return {"name": row.name, "recipients": row.recipients, "subjects": row.subjects}

    def form(self) -> forms.Form:
        kind = MailForm if self.obj.kind == Channel.Kind.MAIL else AddressChangeForm
        return kind(self.request.POST if self.request.method == "POST" else None, initial=dict(self.initial()))

    def act(self, data: Mapping[str, Any]) -> Words:
        return _("%(name)s is saved.") % {"name": self.change(ChannelChange(**_common(data))).name}


class TestChannel(_OfChannel):
    # pytest looks for classes of this name.
    __test__ = False

    slug = "test"
    title = _("Send a test")
    explanation = _("One message, now. What came of it is shown.")
    submit = _("Send the test")
    icon = "send"

    def is_offered(self) -> bool:
        return bool(self.obj.is_active)

    def refusal(self) -> Words:
        return _("This channel is switched off.")

    def act(self, data: Mapping[str, Any]) -> HttpResponse | Words:
        deliveries = test_channel(actor=self.actor(), channel=self.ref())
        failed = [each for each in deliveries if each.status != Delivery.Status.DELIVERED]
        for each in failed:
            text = _("The test did not arrive%(where)s: %(why)s")
            where = f" ({each.recipient})" if each.recipient else ""
            messages.error(self.request, text % {"where": where, "why": each.last_error})
        return redirect(self.destination()) if failed else _("The test has arrived.")


class RotateSecret(_OfChannel):
    slug = "rotate"
    title = _("Change the secret")
    explanation = _("Messages are signed with a new secret from now on. It is shown once, on the next page.")
    submit = _("Make a new secret")
    icon = "key"
    form_class = RotationForm

    def is_offered(self) -> bool:
        return bool(self.obj.kind == Channel.Kind.WEBHOOK)

    def refusal(self) -> Words:
        return _("Only what is sent to webhooks is signed.")

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        overlap = timedelta(hours=data["overlap"])
        return _shown_once(self, rotate_secret(actor=self.actor(), channel=self.ref(), overlap=overlap))


class SwitchChannelOff(_OfChannel, SwitchOff):
    explanation = _("Nothing goes there until it is switched on again.")


class SwitchChannelOn(_OfChannel, SwitchOn):
    pass


class DeleteChannel(_OfChannel):
    slug = "remove"
    title = _("Delete the channel")
    explanation = _("What waits to be sent there is not sent any more, and its deliveries are forgotten.")
    submit = _("Delete the channel")
    icon = "ban"
    is_dangerous = True

    def facts(self) -> Facts:
        rules = self.obj.rules.order_by("name").values_list("name", flat=True)[:_MOST_NAMED]
        return [*super().facts(), (_("Rules that speak there"), ", ".join(rules) or _("none"))]

    def act(self, data: Mapping[str, Any]) -> Words:
        name: str | Promise = self.obj.name
        delete_channel(actor=self.actor(), channel=self.ref())
        self.obj = None
        return _("%(name)s is deleted.") % {"name": name}


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    """What orders and changes of channels have alike; an address that was left empty is none."""
    told: dict[str, Any] = {"name": data["name"]}
    if "recipients" in data:
        return {**told, "recipients": data["recipients"]}
    return {**told, "url": Secret(data["url"]) if data["url"] else None, "subjects": tuple(data["subjects"])}


def _shown_once(page: ServicePage, made: ChannelWithSecret) -> HttpResponse:
    """The page of a new secret; nothing keeps it."""
    assert made.secret is not None  # noqa: S101
    context = {
        "title": made.channel.name,
        "secret": made.secret.reveal().decode(),
        "back": page.desk.address_of(made.channel),
        "list_url": page.desk.list_address(),
    }
    response = render(page.request, "web/notices/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response

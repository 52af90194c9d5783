"""What is done with a notice and a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from kernel.ref import Ref
from notices.models import Delivery
from notices.services.deliveries import repeat_delivery
from notices.services.reading import mute, unmute


class MuteObject(ServicePage):
    slug = "mute"
    title = _("Mute")
    explanation = _(
        "Nobody hears of it any more: not here, not by mail, not by a program. It ends nevertheless when it ends."
    )
    submit = _("Tell nothing of it any more")
    icon = "mute"

    def is_offered(self) -> bool:
        return self.obj.object_id is not None

    def about(self) -> object:
        return self.obj.label

    def refusal(self) -> Words:
        return _("What this is about cannot be muted.")

    def facts(self) -> Facts:
        return [(_("About"), self.obj.label), (_("Told"), self.obj.get_subject_display())]

    def act(self, data: Mapping[str, Any]) -> Words:
        row = mute(actor=actor_of(self.request, self.obj.organization), notice=Ref("pk", self.obj.pk))
        return _("Nothing is told of %(name)s any more.") % {"name": row.label}


class Unmute(ServicePage):
    slug = "unmute"
    title = _("Tell of it again")
    explanation = _("What there is to tell of it from now on is told again.")
    submit = _("Tell of it again")
    icon = "bell"

    def facts(self) -> Facts:
        return [(_("About"), self.obj.label), (_("Muted by"), self.obj.muted_by)]

    def act(self, data: Mapping[str, Any]) -> Words:
        row, self.obj = self.obj, None
        unmute(actor=actor_of(self.request, row.organization), mute=Ref("pk", row.pk))
        return _("%(name)s is told of again.") % {"name": row.label}


class SendAgain(ServicePage):
    slug = "repeat"
    title = _("Send again")
    explanation = _("The same message, with the same id: who has it already can drop it.")
    submit = _("Send again")
    icon = "send"

    def is_offered(self) -> bool:
        return bool(self.obj.status != Delivery.Status.WAITING)

    def about(self) -> object:
        return self.obj.document.get("label") or self.obj.get_subject_display()

    def refusal(self) -> Words:
        return _("It waits to be sent already.")

    def facts(self) -> Facts:
        where = self.obj.channel.name if self.obj.channel else self.obj.recipient
        return [(_("Message"), self.obj.get_subject_display()), (_("To"), where)]

    def act(self, data: Mapping[str, Any]) -> Words:
        repeat_delivery(actor=actor_of(self.request, self.obj.organization), delivery=Ref("pk", self.obj.pk))
        return _("It will be sent again in a moment.")

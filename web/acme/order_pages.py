"""What can be done about an order that is on its way, or has failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from acme_client.models import AcmeChallenge, AcmeOrder
from acme_client.services.orders import cancel_order, complete_challenge, refresh_order, retry_order
from audit.admin.pages import Facts, ServicePage, Words
from kernel.ref import Ref
from web.acme.publishing import answer_to
from web.acme.words import challenge_pill, order_pill

Status = AcmeOrder.Status


class _OrderPage(ServicePage):
    obj: AcmeOrder

    def facts(self) -> Facts:
        return [
            (_("Names"), ", ".join(self.obj.names)),
            (_("Account"), self.obj.account),
            (_("Status"), order_pill(self.obj)),
        ]


class Refresh(_OrderPage):
    slug = "refresh"
    title = _("Go on now")
    explanation = _("The next step is taken at once, and the server is asked how far it is.")
    submit = _("Go on now")
    icon = "refresh"

    def is_offered(self) -> bool:
        return self.obj.is_open and self.obj.status != Status.WAITING

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = refresh_order(actor=actor_of(self.request), order=Ref("pk", self.obj.pk))
        return _("The order goes on.")


class Cancel(_OrderPage):
    slug = "cancel"
    title = _("Cancel the order")
    explanation = _("Nothing more is asked of the server, and what was published for it is taken away.")
    submit = _("Cancel the order")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.status in (Status.WAITING, Status.PENDING, Status.AUTHORIZING)

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = cancel_order(actor=actor_of(self.request), order=Ref("pk", self.obj.pk))
        return _("The order is cancelled.")


class Retry(_OrderPage):
    slug = "retry"
    title = _("Order again")
    explanation = _("A new order for the same names, with the same account.")
    submit = _("Order again")
    icon = "refresh"

    def is_offered(self) -> bool:
        return self.obj.status in (Status.INVALID, Status.CANCELLED)

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = retry_order(actor=actor_of(self.request), order=Ref("pk", self.obj.pk))
        return _("%(names)s: ordered again.") % {"names": self.obj}


class Complete(ServicePage):
    slug = "complete"
    title = _("I have published it")
    explanation = _("The server is told to look. It looks once: what it does not find now, it refuses for good.")
    submit = _("Tell the server to look")
    icon = "check"
    obj: AcmeChallenge

    def is_offered(self) -> bool:
        order = self.obj.authorization.order
        open_ones = (AcmeChallenge.Status.PENDING, AcmeChallenge.Status.PRESENTED)
        return order.status == Status.AUTHORIZING and self.obj.status in open_ones

    def facts(self) -> Facts:
        answer = answer_to(self.obj)
        return [
            (_("Name"), self.obj.authorization),
            (_("Status"), challenge_pill(self.obj)),
            (answer.where_label, answer.where),
            (answer.what_label, answer.what),
        ]

    def act(self, data: Mapping[str, Any]) -> Words:
        complete_challenge(actor=actor_of(self.request), challenge=Ref("pk", self.obj.pk))
        return _("The server has been told to look at %(name)s.") % {"name": self.obj.authorization}

"""The steps of an order, those behind it and those before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAuthorization, AcmeOrder
from audit.admin.pages import Words
from web.acme.words import server_of

Status = AcmeOrder.Status


@dataclass(frozen=True, slots=True)
class Step:
    """`mark` is done, next, failed or empty: then it has yet to come."""

    words: Words
    mark: str
    note: Words = ""
    at: datetime | None = None


# Every step is behind an order that has come so far.
_REACHED = (Status.WAITING, Status.PENDING, Status.AUTHORIZING, Status.FINALIZING, Status.VALID)


def steps_of(order: AcmeOrder) -> list[Step]:
    """From the wish to the certificate; an order that has ended otherwise ends where it stopped."""
    steps = list(_planned(order))
    if order.status not in (Status.INVALID, Status.CANCELLED):
        return steps
    behind = [step for step in steps if step.mark == "done"]
    mark = "failed" if order.status == Status.INVALID else ""
    return [*behind, Step(order.get_status_display(), mark, at=order.closed_at)]


def _planned(order: AcmeOrder) -> Iterator[Step]:
    yield Step(_("Asked for"), "done", order.requester_label, order.created_at)
    if order.request is not None:
        yield Step(_("Approved"), _mark(order, Status.WAITING, bool(order.placing_since)))
    yield Step(
        _("Placed with %(server)s") % {"server": server_of(order.account)},
        _mark(order, Status.PENDING, bool(order.order_url)),
        at=order.placing_since if order.order_url else None,
    )
    yield Step(_("Names proven"), _mark(order, Status.AUTHORIZING, bool(order.certificate_url)), _proven(order))
    yield Step(_("Issued"), _mark(order, Status.FINALIZING, False), at=order.closed_at)


def _mark(order: AcmeOrder, during: Status, is_behind: bool) -> str:
    """`during` is the state in which the step is taken; of an order that has ended the rows say whether it was."""
    if order.status not in _REACHED:
        return "done" if is_behind else ""
    if order.status == during:
        return "next"
    return "done" if _REACHED.index(Status(order.status)) > _REACHED.index(during) else ""


def _proven(order: AcmeOrder) -> Words:
    found = list(order.authorizations.all())
    if not found:
        return ""
    proven = sum(each.status == AcmeAuthorization.Status.VALID for each in found)
    return _("%(proven)d of %(all)d") % {"proven": proven, "all": len(found)}

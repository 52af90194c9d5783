"""What an order would become: judged by everything that stands before the CA's key, and nothing is signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone

from cas.core.leaf import LeafPlan
from cas.models import Template
from cas.services.restrictions import restriction_of
from certificates.orders import IssueOrder
from certificates.services.approval import Demand, demands_of
from certificates.services.labels import order_errors
from certificates.services.minting import Wanted, rehearse_many
from certificates.services.submission import key_to_judge_by, permitted_template
from kernel.actor import Actor
from kernel.errors import DomainError, FieldError, Invalid
from kernel.ref import Ref

_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be signed for an order, or every reason why nothing would be; and who would have to agree to it."""

    template: Template
    demands: tuple[Demand, ...]
    plan: LeafPlan | None = None
    findings: tuple[FieldError, ...] = ()


def preview_issuance(*, actor: Actor, order: IssueOrder) -> Preview:
    """Judge an order as `issue_certificate` does. Of a key that would be made here, one of its kind stands in.

    What passphrase and identifier come to is not looked at. Raises NotFound (template, CA), Denied (permission).
    """
    (preview,) = preview_many(actor=actor, template=order.template, ca=order.ca, orders=[order])
    return preview


def preview_many(*, actor: Actor, template: str, ca: Ref | None, orders: Sequence[IssueOrder]) -> list[Preview]:
    """The same for several orders by one template, in their order."""
    row = permitted_template(actor, ca, template)
    demands = demands_of(row)
    outcomes: Sequence[LeafPlan | DomainError]
    try:
        outcomes = _judged(actor, row, orders)
    except DomainError as refusal:
        outcomes = [refusal] * len(orders)
    return [
        Preview(row, demands, plan=each)
        if isinstance(each, LeafPlan)
        else Preview(row, demands, findings=findings_of(each))
        for each in outcomes
    ]


def findings_of(refusal: DomainError) -> tuple[FieldError, ...]:
    """What it says of each field; of what is about no field, one finding without."""
    errors = refusal.errors if isinstance(refusal, Invalid) else ()
    return errors or (FieldError("", refusal.error_code, refusal.message),)


def _judged(actor: Actor, template: Template, orders: Sequence[IssueOrder]) -> list[LeafPlan | Invalid]:
    restriction = restriction_of(actor)
    prepared = [_wanted(order, template) for order in orders]
    wanted = [each for each in prepared if isinstance(each, Wanted)]
    found: list[LeafPlan | Invalid] = []
    # Nobody who issues waits for more than this: what is judged is judged under locks.
    for start in range(0, len(wanted), _CHUNK):
        with transaction.atomic():
            chunk = wanted[start : start + _CHUNK]
            found += rehearse_many(template, chunk, now=timezone.now(), restriction=restriction)
    plans = iter(found)
    return [next(plans) if isinstance(each, Wanted) else each for each in prepared]


def _wanted(order: IssueOrder, template: Template) -> Wanted | Invalid:
    if errors := order_errors(order):
        return Invalid(errors=errors)
    try:
        return Wanted(order, key_to_judge_by(order, template))
    except Invalid as refusal:
        return refusal

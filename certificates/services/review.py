"""Open requests, judged again: whether they would be issued as they stand, by the rules and under the CA of now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership
from cas.core.leaf import LeafPlan
from cas.models import Template
from certificates.models import Request
from certificates.orders import SameKey
from certificates.services.approval import Approval
from certificates.services.fulfilment import order_of, require_permitted
from certificates.services.minting import Wanted, open_desk, rehearse_at
from certificates.services.preview import findings_of
from certificates.services.renewal import known_key, require_renewable
from certificates.services.requests import require_unchanged
from certificates.services.review_memory import NOTHING, RECENTLY, Memory
from certificates.services.submission import key_to_judge_by, require_free_identifier
from kernel.errors import Conflict, DomainError, FieldError, Invalid
from kernel.text import _

Findings = tuple[FieldError, ...]


def findings_about(row: Request) -> Findings:
    """What stands against this request now, all of it; nothing where it would be issued, and where it is closed.

    Approvals that are missing are no finding: they are what it waits for. Nothing is reserved, written or signed.
    """
    return findings_about_all([row])[row.pk]


def findings_about_all(rows: Sequence[Request]) -> dict[int, Findings]:
    """The same about each of several, by its number: it asks no more often for many under one template than for one."""
    return _findings(rows, NOTHING)


def glance_at_all(rows: Sequence[Request]) -> dict[int, Findings]:
    """The same again, for those who look more often than anything changes: what was good a while ago, and rests on what
    has not changed since, is not drafted and linted anew. Everything else is asked as ever.
    """
    return _findings(rows, RECENTLY)


def _findings(rows: Sequence[Request], memory: Memory) -> dict[int, Findings]:
    found: dict[int, Findings] = {row.pk: () for row in rows}
    waiting = [row for row in rows if row.is_open]
    templates = Template.objects.select_related("ca", "role", "profile").in_bulk({row.template_id for row in waiting})
    memberships = _memberships(waiting)
    judged: list[tuple[Template, Request]] = []
    for row in waiting:
        with _kept(found, [row]):
            _require_in_time(row)
            require_permitted(row, memberships.get((row.organization_id, row.person_id)))
            if row.kind != Request.Kind.CSR and row.template_id is not None:
                template = templates[row.template_id]
                require_unchanged(row, template)
                require_free_identifier(row.identifier, template)
                if row.replaces:
                    require_renewable(row.replaces, again=row.again)
                judged.append((template, row))
    for template, group in groupby(sorted(judged, key=lambda each: each[0].pk), key=lambda each: each[0]):
        _rehearse(template, [row for _template, row in group], memory, found)
    return found


def _rehearse(template: Template, rows: Sequence[Request], memory: Memory, found: dict[int, Findings]) -> None:
    """A step: what fulfilling them would raise, as far as the rules of the template and its CA go."""
    wanted: dict[Request, Wanted] = {}
    good: dict[Request, LeafPlan] = {}
    with _kept(found, rows):
        with transaction.atomic():
            desk = open_desk(template, timezone.now())
            known = memory.known_good(desk, rows)
            for row in (row for row in rows if row.pk not in known):
                with _kept(found, [row]):
                    wanted[row] = _wanted(row, template)
            plans = rehearse_at(desk, list(wanted.values()))
        for (row, each), plan in zip(wanted.items(), plans, strict=True):
            if isinstance(plan, Invalid):
                found[row.pk] = findings_of(plan)
            elif not Approval(row.digest).covers(plan, template, made_here=each.made_here):
                void = Conflict(_("Voided: this is not what was approved."), code="approval-void")
                found[row.pk] = findings_of(void)
            else:
                good[row] = plan
        memory.keep_good(desk, good)


def _wanted(row: Request, template: Template) -> Wanted:
    order = order_of(row, template)
    renewed = row.replaces if isinstance(order.key, SameKey) else None
    return Wanted(order, known_key(renewed) if renewed else key_to_judge_by(order, template), row.replaces)


def _require_in_time(row: Request) -> None:
    if row.expires_at <= timezone.now():
        raise Conflict(_("The request has expired."), code="request-expired")


def _memberships(rows: Iterable[Request]) -> Mapping[tuple[int, int], Membership]:
    """Of those who asked, by organization and person."""
    people = {(row.organization_id, row.person_id) for row in rows}
    memberships = Membership.objects.select_related("custom_role").filter(
        organization_id__in={organization for organization, _person in people},
        user_id__in={person for _organization, person in people},
    )
    return {(each.organization_id, each.user_id): each for each in memberships}


@contextmanager
def _kept(found: dict[int, Findings], rows: Iterable[Request]) -> Iterator[None]:
    """What is refused inside stands against these."""
    try:
        yield
    except DomainError as refusal:
        found |= dict.fromkeys([row.pk for row in rows], findings_of(refusal))

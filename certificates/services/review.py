"""Open requests, judged again: whether they would be issued as they stand, by the rules and under the CA of now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership
from cas.models import Template
from certificates.models import Request
from certificates.orders import SameKey
from certificates.services.approval import Approval
from certificates.services.fulfilment import order_of, require_permitted
from certificates.services.minting import Wanted, rehearse_many
from certificates.services.preview import findings_of
from certificates.services.renewal import known_key, require_renewable
from certificates.services.requests import require_unchanged
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
    found: dict[int, Findings] = {row.pk: () for row in rows}
    waiting = [row for row in rows if row.is_open]
    templates = Template.objects.select_related("ca", "role", "profile").in_bulk({row.template_id for row in waiting})
    memberships = _memberships(waiting)
    judged: list[tuple[Request, Template, Wanted]] = []
    for row in waiting:
        with _kept(found, [row]):
            _require_in_time(row)
            require_permitted(row, memberships.get((row.organization_id, row.person_id)))
            if row.kind != Request.Kind.CSR and row.template_id is not None:
                template = templates[row.template_id]
                require_unchanged(row, template)
                judged.append((row, template, _wanted(row, template)))
    by_template = sorted(judged, key=lambda each: each[1].pk)
    for template, group in groupby(by_template, key=lambda each: each[1]):
        _rehearse(template, [(row, wanted) for row, _template, wanted in group], found)
    return found


def _rehearse(template: Template, judged: Sequence[tuple[Request, Wanted]], found: dict[int, Findings]) -> None:
    """A step: what fulfilling them would raise, as far as the rules of the template and its CA go."""
    with _kept(found, [row for row, _wanted in judged]):
        with transaction.atomic():
            plans = rehearse_many(template, [wanted for _row, wanted in judged], now=timezone.now())
        for (row, wanted), plan in zip(judged, plans, strict=True):
            if isinstance(plan, Invalid):
                found[row.pk] = findings_of(plan)
            elif not Approval(row.digest).covers(plan, template, made_here=wanted.made_here):
                void = Conflict(_("Voided: this is not what was approved."), code="approval-void")
                found[row.pk] = findings_of(void)


def _wanted(row: Request, template: Template) -> Wanted:
    order = order_of(row, template)
    require_free_identifier(order, template)
    if row.replaces:
        require_renewable(row.replaces, again=row.again)
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

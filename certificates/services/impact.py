"""What a change of a template or a role would refuse that the rules of now let through.

What was issued lately and what is to be renewed soon is judged again, as wishes, by the one policy of the core: once
under the rules as they would be, and once under those of now, so that nothing is blamed on a change that has another
reason. Nothing is written, and no key is used. What pkilint would say is not asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.x509 import SubjectAlternativeName
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import policy
from cas import selectors as cas_selectors
from cas.chains import chain_of
from cas.core.keys import supported
from cas.core.leaf import IssuerFacts, LeafWish, plan_leaf
from cas.core.profile import Profile
from cas.core.reading import extension_of
from cas.models import Role, Template
from cas.orders import RoleOrder, TemplateOrder
from cas.services.profiles import agreed
from cas.services.roles import draft_role
from cas.services.templates import draft_template
from certificates.models import Certificate
from certificates.orders import RenewOrder
from certificates.search import COUNTED, Total
from certificates.selectors import certificates
from certificates.services.renewal import key_order
from kernel.actor import Actor
from kernel.errors import FieldError, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref

WINDOW: Final = timedelta(days=90)
MOST_JUDGED: Final = 2000
MOST_NAMED: Final = 100
# Of both questions together, in seconds.
_PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A certificate that would not be issued again, and why."""

    certificate: Certificate
    reasons: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """How many there are, how many of them were judged, and how many of those would be refused: the first of them."""

    total: Total
    judged: int
    refused: int
    first: tuple[Refusal, ...]

    @property
    def is_all(self) -> bool:
        return self.judged >= self.total.value and not self.total.is_estimate


@dataclass(frozen=True, slots=True)
class Impact:
    """`issued`: of the last 90 days, newest first. `renewals`: due in the next 90 days, the first to end first."""

    at: datetime
    issued: Judged
    renewals: Judged

    @property
    def is_harmless(self) -> bool:
        return not self.issued.refused and not self.renewals.refused


@dataclass(frozen=True, slots=True)
class _Rules:
    """A template as it is or would be, what it says together with its role, and the CA it is issued from."""

    template: Template
    profile: Profile
    issuer: IssuerFacts

    def reasons_against(self, wish: LeafWish, at: datetime) -> tuple[FieldError, ...]:
        try:
            plan_leaf(profile=self.profile, issuer=self.issuer, wish=wish, serial=1, now=at)
        except Invalid as refusal:
            return refusal.errors
        return ()


@dataclass(frozen=True, slots=True)
class _Change:
    """The rules of now, and those that would take their place."""

    now: _Rules
    then: _Rules


_Reasons = Callable[[Certificate, _Rules, datetime], tuple[FieldError, ...]]


def impact_of_template(*, actor: Actor, template: Template, order: TemplateOrder) -> Impact:
    """Raises Denied, NotFound (the role), Invalid with everything that is wrong with the order, Unavailable (the CA has
    no certificate).
    """
    _require(actor, Permission.TEMPLATES_READ, template)
    draft = draft_template(actor, template, order)
    return _judge(actor, {template.pk: _change(template, draft)})


def impact_of_role(*, actor: Actor, role: Role, order: RoleOrder) -> Impact:
    """The same of all templates that stand on a role; Invalid also where one of them would promise more than it."""
    _require(actor, Permission.ROLES_READ, role)
    draft = draft_role(actor, role, order)
    changes = {}
    for template in cas_selectors.templates(visible_to=actor).filter(role=role):
        then = copy(template)
        then.role = draft
        changes[template.pk] = _change(template, then)
    return _judge(actor, changes)


def _require(actor: Actor, permission: Permission, row: Template | Role) -> None:
    for each in (permission, Permission.CERTIFICATES_READ):
        policy.require(actor, each, organization_id=row.organization_id, ca_id=row.ca_id)


def _change(template: Template, draft: Template) -> _Change:
    issuer = chain_of(template.ca).facts()
    return _Change(_Rules(template, agreed(template), issuer), _Rules(draft, agreed(draft), issuer))


def _judge(actor: Actor, changes: Mapping[int, _Change]) -> Impact:
    at = timezone.now()
    rows = certificates(visible_to=actor).filter(template_id__in=changes).select_related("body", "profile")
    issued = rows.filter(created_at__gte=at - WINDOW)
    renewals = _to_be_renewed(rows, at).order_by("not_after", "id")
    return Impact(at, _judged(issued, changes, _against_issuing, at), _judged(renewals, changes, _against_renewing, at))


def _to_be_renewed(rows: QuerySet[Certificate], at: datetime) -> QuerySet[Certificate]:
    """Good ones without a successor that end soon, or are to be renewed by then."""
    until = at + WINDOW
    successor = Certificate.objects.filter(replaces=OuterRef("pk")).exclude(state=Certificate.State.REVOKED)
    soon = Q(not_after__lte=until) | Q(renew_at__lte=until)
    return rows.filter(soon, ~Exists(successor), state=Certificate.State.ISSUED, not_after__gt=at)


def _judged(rows: QuerySet[Certificate], changes: Mapping[int, _Change], reasons: _Reasons, at: datetime) -> Judged:
    counted = rows.select_related(None).order_by()[: COUNTED + 1].count()
    total = Total(min(counted, COUNTED), is_estimate=counted > COUNTED)
    judged, refusals = 0, []
    deadline = time.monotonic() + _PATIENCE / 2
    for row in rows[:MOST_JUDGED].iterator(chunk_size=100):
        if time.monotonic() > deadline:
            break
        change = changes[row.template_id or 0]
        judged += 1
        if found := reasons(row, change.then, at):
            known = set(map(_said, reasons(row, change.now, at)))
            if new := {_said(each): each for each in found if _said(each) not in known}:
                refusals.append(Refusal(row, tuple(new.values())))
    return Judged(total, judged, len(refusals), tuple(refusals[:MOST_NAMED]))


def _said(reason: FieldError) -> tuple[str, str]:
    """One name may stand in the subject and among the alternative names: what is said of it counts once."""
    return reason.code, str(reason.message)


def _against_issuing(row: Certificate, rules: _Rules, at: datetime) -> tuple[FieldError, ...]:
    """What stands against the same wish. Who got the usual validity is taken to have asked for no other."""
    lifetime = row.not_after - row.not_before + timedelta(seconds=1)
    usual = row.profile.document["template"]["validity"] if row.profile else 0
    return _against(row, rules, at, validity=None if lifetime == timedelta(seconds=usual) else lifetime)


def _against_renewing(row: Certificate, rules: _Rules, at: datetime) -> tuple[FieldError, ...]:
    """What stands against a renewal that asks for nothing else than before."""
    try:
        key_order(row, RenewOrder(certificate=Ref("pk", row.pk)), rules.template)
        against_key: tuple[FieldError, ...] = ()
    except Invalid as refusal:
        against_key = refusal.errors
    return against_key + _against(row, rules, at, validity=None)


def _against(row: Certificate, rules: _Rules, at: datetime, *, validity: timedelta | None) -> tuple[FieldError, ...]:
    certificate = row.body.x509
    try:
        wish = LeafWish(
            subject=certificate.subject,
            sans=tuple(extension_of(certificate.extensions, SubjectAlternativeName) or ()),
            # A new key is of the same kind.
            public_key=supported(certificate.public_key()),
            validity=validity,
        )
    except Invalid as refusal:
        return refusal.errors
    return rules.reasons_against(wish, at)

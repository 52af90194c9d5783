"""Renewal that happens by itself, in the name of whoever answers for the certificate.

`Certificate.renew_at` says when, and stands there until there is a successor or nobody can want one any more. From that
time on the certificate has a `Renewal`, which says when it is tried (again) and what it waits for.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import queue
from accounts.said import Said, cut
from accounts.selectors import other_maker, within_reach
from audit import services as audit
from audit.events import EventName
from cas.models import Template
from certificates.models import Certificate, Renewal, Request
from certificates.orders import Managed, RenewOrder
from certificates.renewal_selectors import certificates_to_take_up
from certificates.request_selectors import OPEN
from certificates.services.issuance import reference
from certificates.services.renewal import lifetime_of_certificate, renew_certificate
from certificates.services.submission import AwaitingApproval
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, DomainError, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import Text, _

log = logging.getLogger(__name__)

Custody = Certificate.KeyCustody
State = Certificate.State
Standing = Renewal.Standing

# Longer than the slowest key takes to make.
_LEASE: Final = timedelta(minutes=2)
_AT_ONCE: Final = 50
_MOST_TAKEN_UP: Final = 500
# What was issued together is not renewed together: the beginnings are spread over a part of what is left, this at most.
_LONGEST_SPREAD: Final = timedelta(hours=1)
_PART_TO_SPREAD_OVER: Final = 20
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=6)
# Of what is left until the end, a failure takes no more than this away.
_PART_TO_PAUSE: Final = 10
# How long somebody else is left to act before it is looked at again.
_PATIENCE: Final = timedelta(hours=1)
# So long after its end nobody waits for a successor any more.
GRACE: Final = timedelta(days=30)
_LONGEST_ERROR: Final = 500
_SETTLED: Final = frozenset({"already-renewed", "certificate-revoked"})


@dataclass(frozen=True, slots=True)
class _Wait:
    """Why there is no successor yet."""

    standing: Standing
    reason: str = ""
    code: str = ""


def renew_due_certificates(*, actor: Actor) -> int:
    """Renew what is due, as far as the actor reaches; how many certificates that settled.

    Each has one successor, whatever the number of workers and wherever one of them stops. What cannot be renewed now is
    tried again, later each time, and stops no other. What needs an approval is asked for once; what needs a CSR waits
    for one. A month after its end a certificate is given up.
    """
    now = timezone.now()
    _take_up(actor, now)
    waiting = within_reach(Renewal.objects.all(), actor)
    return sum(_attend(row) for row in queue.claim_each(waiting, lasting=_LEASE, most=_AT_ONCE))


def _take_up(actor: Actor, now: datetime) -> None:
    rows = within_reach(certificates_to_take_up(at=now), actor)[:_MOST_TAKEN_UP]
    begun = [
        Renewal(certificate=row, organization_id=row.organization_id, due_at=now + _spread(row, now)) for row in rows
    ]
    Renewal.objects.bulk_create(begun, ignore_conflicts=True)


def _spread(row: Certificate, now: datetime) -> timedelta:
    left = max(row.not_after - now, timedelta())
    return min(left / _PART_TO_SPREAD_OVER, _LONGEST_SPREAD) * secrets.SystemRandom().random()


def _attend(row: Renewal) -> bool:
    """Whether nothing of it is left to do."""
    old = Certificate.objects.select_related("template__role", "organization").get(pk=row.certificate_id)
    try:
        wait = _renew(row, old)
    except Exception as error:
        if not isinstance(error, DomainError):
            log.exception("certificate %s was not renewed", old.pk)
        wait = _wait_after(error)
    try:
        if wait is None:
            _settle(row, old)
        elif old.not_after + GRACE < timezone.now():
            _give_up(row, old, wait)
        else:
            _postpone(row, old, wait)
    except queue.Lost:
        log.info("the renewal of certificate %s was taken over", old.pk)
        return False
    return wait is None


def _renew(row: Renewal, old: Certificate) -> _Wait | None:
    """None: it has a successor, or needs none. Raises what `renew_certificate` does."""
    if old.renew_at is None or old.state == State.REVOKED or old.organization.closed_at is not None:
        return None
    if old.replaced_by.exclude(state=State.REVOKED).exists():
        return None
    if old.not_after + GRACE < timezone.now():
        return _Wait(Standing.FAILED, Said(Text(_("It ended too long ago."))), "ended")
    if old.state == State.HELD:
        return _Wait(Standing.HELD)
    asked = old.renewal_requests.filter(Q(status__in=OPEN) | Q(created_at__gte=row.created_at)).order_by("-pk").first()
    if asked is not None:
        return _wait_for(asked)
    if old.key_custody == Custody.SUBSCRIBER and not (old.template and old.template.renew_same_key):
        return _Wait(Standing.NEEDED)
    maker_id = other_maker(old.requester_kind, old.requester_id)
    asker = replace(_on_behalf_of_owner(old), maker_id=maker_id)
    outcome = renew_certificate(actor=asker, order=order_by_itself(old, old.template))
    return _Wait(Standing.ASKED) if isinstance(outcome, AwaitingApproval) else None


def _wait_for(asked: Request) -> _Wait:
    """It was asked for, by us or by hand: it is not asked for again by itself, whatever came of it."""
    if asked.status in OPEN:
        return _Wait(Standing.ASKED)
    closed = Text(
        _("The request %(request)s is closed: %(status)s."), {"request": asked.public_id, "status": asked.status}
    )
    reason = asked.last_error or Said(closed)
    return _Wait(Standing.FAILED, reason, "request-closed")


def _wait_after(error: Exception) -> _Wait | None:
    if isinstance(error, Conflict) and error.error_code in _SETTLED:
        return None
    code = error.error_code if isinstance(error, DomainError) else "internal-error"
    return _Wait(Standing.FAILED, _reason(error), code)


def _reason(error: Exception) -> str:
    if isinstance(error, Invalid) and error.errors:
        return " ".join(f"{each.field}: {each.message}" for each in error.errors)
    return queue.sentence_of(error)


def _on_behalf_of_owner(old: Certificate) -> Actor:
    """The system, in this organization, for whoever answers for the certificate: so they do for its successor."""
    return replace(
        SYSTEM,
        organization_id=old.organization_id,
        permissions=frozenset({Permission.CERTIFICATES_RENEW}),
        person_id=old.owner_id,
    )


def order_by_itself(old: Certificate, template: Template | None) -> RenewOrder:
    """A step: as long as it was, as far as the rules of now let it; a new key of the same kind, where we make keys."""
    length = lifetime_of_certificate(old)
    return RenewOrder(
        certificate=Ref("pk", old.pk),
        key=None if old.key_custody == Custody.SUBSCRIBER else Managed(collect_later=True),
        validity=min(length, template.role.max_ttl) if template else length,
        identifier=_next_identifier(old.identifier),
    )


def _next_identifier(identifier: str | None) -> str | None:
    """A name of its own, of the same shape: who looks for certificates by such names finds the successor, too."""
    if identifier is None:
        return None
    stem = re.sub(r"-[0-9a-f]{8}\Z", "", identifier)
    return f"{stem[:100]}-{secrets.token_hex(4)}"


@transaction.atomic
def _settle(row: Renewal, old: Certificate) -> None:
    locked = queue.still_held(row)
    Certificate.objects.filter(pk=old.pk).update(renew_at=None)
    locked.delete()


@transaction.atomic
def _give_up(row: Renewal, old: Certificate, wait: _Wait) -> None:
    _settle(row, old)
    _record(old, EventName.RENEWAL_GIVEN_UP, code=wait.code, reason=cut(wait.reason, _LONGEST_ERROR))


@transaction.atomic
def _postpone(row: Renewal, old: Certificate, wait: _Wait) -> None:
    """It is told once, and once more when it is something else that stands in the way."""
    locked = queue.still_held(row)
    is_new = (locked.standing, locked.last_error) != (wait.standing, cut(wait.reason, _LONGEST_ERROR))
    queue.settle(
        locked,
        due_at=timezone.now() + _pause(old, wait, locked.attempts),
        standing=wait.standing,
        last_error=cut(wait.reason, _LONGEST_ERROR),
        attempts=locked.attempts + (wait.standing is Standing.FAILED),
    )
    if is_new and wait.standing is Standing.FAILED:
        _record(old, EventName.RENEWAL_FAILED, code=wait.code, reason=locked.last_error)
    elif is_new and wait.standing is Standing.NEEDED:
        _record(old, EventName.RENEWAL_NEEDED, not_after=old.not_after)


def _pause(old: Certificate, wait: _Wait, failures: int) -> timedelta:
    """The shorter the time that is left, the less is slept through."""
    if wait.standing is not Standing.FAILED:
        return _PATIENCE
    left = (old.not_after - timezone.now()) / _PART_TO_PAUSE
    longest = max(_FIRST_PAUSE, min(_LONGEST_PAUSE, left)) if left > timedelta() else _LONGEST_PAUSE
    return queue.Backoff(_FIRST_PAUSE, longest).after(failures)


def _record(old: Certificate, event: EventName, **facts: Any) -> None:
    audit.record(_on_behalf_of_owner(old), event, reference(old), organization_id=old.organization_id, **facts)

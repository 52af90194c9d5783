"""Workers carry out what is due at public CAs: one step of one row at a time, each between two short transactions.

    waiting -> pending -> authorizing -> finalizing -> valid        (what the people said, then `placing`, `proving`,
       any of these -> invalid | cancelled                           `finishing`; after it `cleaning` and `renewing`)

A step that fails is tried again, later each time; one that can never succeed ends the order with a reason. A worker
that dies in the middle of a step leaves a row whose lease ends: the next one asks the server where it stands.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import queue
from accounts.outbound import OutboundError
from accounts.queue import Backoff, Lost
from accounts.said import Said
from accounts.selectors import within_reach
from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.services.cleaning import clean_up
from acme_client.services.closing import close_invalid
from acme_client.services.finishing import finish
from acme_client.services.ordering import LIFETIME
from acme_client.services.placing import place
from acme_client.services.proving import prove
from acme_client.services.registering import advance_account
from acme_client.solvers import SolverError
from acme_client.wire import AcmeError
from certificates.models import Request
from certificates.services.public_requests import require_agreed
from certificates.services.requests import not_now
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, DomainError, Invalid, NotFound
from kernel.text import _

log = logging.getLogger(__name__)

Status = AcmeOrder.Status

# Longer than the slowest step: twenty answers of a server that takes its time.
_LEASE: Final = timedelta(minutes=10)
_BACKOFF: Final = Backoff(timedelta(seconds=5), timedelta(hours=1))
_MOST_FAILURES: Final = 15
_LONGEST_ERROR: Final = 1000
_AT_ONCE: Final = 50
# A sweep ends after so long, and the next one goes on.
_ENOUGH_SECONDS: Final = 20.0
_FINAL: Final = (Invalid, Conflict, Denied, NotFound)
_STEPS: Final[Mapping[str, Callable[[Actor, AcmeOrder], None]]] = {
    Status.PENDING: place,
    Status.AUTHORIZING: prove,
    Status.FINALIZING: finish,
}


def advance_due(*, actor: Actor) -> int:
    """Do what is due, as far as the actor reaches; how many steps were taken. Network: not in a transaction."""
    until = time.monotonic() + _ENOUGH_SECONDS
    steps = _wake_decided(actor)
    for account in queue.claim_each(within_reach(AcmeAccount.objects.all(), actor), lasting=_LEASE, most=_AT_ONCE):
        _advance_account(actor, account)
        steps += 1
        if time.monotonic() >= until:
            break
    orders = within_reach(AcmeOrder.objects.all(), actor)
    while time.monotonic() < until:
        before = steps
        for order in queue.claim_each(orders, lasting=_LEASE, most=_AT_ONCE):
            advance_order(actor, order)
            steps += 1
            if time.monotonic() >= until:
                break
        if steps == before:
            break
    return steps


def advance_order(actor: Actor, row: AcmeOrder) -> None:
    """A step of whoever has claimed the row: do what is due, and say when there is something to do again."""
    try:
        _require_wanted(row)
        _STEPS.get(row.status, clean_up)(actor, row)
    except Lost:
        log.info("ACME order %s was taken over", row.pk)
    except Exception as error:
        _failed(actor, row, error)


def _require_wanted(row: AcmeOrder) -> None:
    """Raises Conflict: its time is over, or those who had agreed to it, or asked for it, have changed their mind."""
    if row.is_open and row.expires_at <= timezone.now():
        last = row.last_error or row.status
        raise Conflict(_("It took too long: %(last)s"), code="acme-order-expired", last=last)
    request = row.request if row.status in (Status.PENDING, Status.AUTHORIZING) else None
    if request is not None and request.status != Request.Status.APPROVED:
        raise not_now(request)


def _failed(actor: Actor, row: AcmeOrder, error: Exception) -> None:
    if not isinstance(error, AcmeError | SolverError | OutboundError | DomainError):
        log.exception("a step of ACME order %s failed", row.pk)
    text = _sentence(error)
    is_last = row.attempts + 1 >= _MOST_FAILURES
    if row.is_open and (_is_final(error) or is_last):
        try:
            close_invalid(actor, row, text)
        except Lost:
            log.info("ACME order %s was taken over", row.pk)
        return
    pause = error.retry_after if isinstance(error, AcmeError) else None
    # Why an order has failed is not forgotten because something of it cannot be cleaned up.
    text = text if row.is_open else row.last_error or text
    queue.postpone(row, pause=pause or _BACKOFF.after(row.attempts), error=text, longest=_LONGEST_ERROR)


def _advance_account(actor: Actor, row: AcmeAccount) -> None:
    try:
        advance_account(actor, row)
    except Lost:
        log.info("ACME account %s was taken over", row.pk)
    except Exception as error:
        if not isinstance(error, AcmeError):
            log.exception("a step of ACME account %s failed", row.pk)
        pause = error.retry_after if isinstance(error, AcmeError) else None
        queue.postpone(row, pause=pause or _BACKOFF.after(row.attempts), error=_sentence(error))


def _wake_decided(actor: Actor) -> int:
    """Orders that people have decided on go on, or end."""
    decided = ~Q(request__status=Request.Status.PENDING)
    rows = within_reach(AcmeOrder.objects.filter(decided, status=Status.WAITING), actor).order_by("pk")
    woken = 0
    for pk in rows.values_list("pk", flat=True)[:_AT_ONCE]:
        row = queue.claim(AcmeOrder.objects.filter(status=Status.WAITING), pk, lasting=_LEASE, at_once=True)
        if row is not None:
            _wake(actor, row)
            woken += 1
    return woken


def _wake(actor: Actor, row: AcmeOrder) -> None:
    try:
        with transaction.atomic():
            row = queue.still_held(row)
            # The database lets no order wait without one.
            if row.request is not None and _is_agreed_to(row, row.request):
                now = timezone.now()
                expires_at = now + LIFETIME[row.challenge_type]
                queue.settle(row, due_at=now, status=Status.PENDING, expires_at=expires_at)
    except Lost:
        log.info("ACME order %s was taken over", row.pk)
    except Conflict as refusal:
        close_invalid(actor, row, str(refusal))


def _is_agreed_to(row: AcmeOrder, request: Request) -> bool:
    rules = row.account
    return require_agreed(request, approvals_needed=rules.approvals_needed, approver_role=rules.approver_role)


def _is_final(error: Exception) -> bool:
    return error.is_final if isinstance(error, AcmeError | SolverError) else isinstance(error, _FINAL)


def _sentence(error: Exception) -> str:
    """What people may read of it; these say why without a secret. Signs that nobody sees, and that not every database
    takes, may have come from elsewhere.
    """
    if isinstance(error, AcmeError) and isinstance(error.detail, Said):
        return error.detail
    if isinstance(error, SolverError | OutboundError):
        return Said(error.text)
    text = str(error) if isinstance(error, AcmeError) else queue.sentence_of(error)
    if isinstance(text, Said):
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)

"""Certificates of public CAs: ordered, hurried, taken back, tried again. What happens in between is `advancing`."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import policy, queue
from acme_client.models import AcmeChallenge, AcmeOrder
from acme_client.orders import PublicOrder
from acme_client.selectors import get_account, get_challenge, get_order
from acme_client.services.advancing import advance_order
from acme_client.services.ordering import judge, record, write
from acme_client.services.proving import tell_server
from acme_client.services.upstream import client_of, refused
from acme_client.wire import AcmeError
from audit.events import EventName
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm
from certificates.orders import Managed
from certificates.services.requests import cancel_request
from kernel.actor import Actor
from kernel.errors import Conflict
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Status = AcmeOrder.Status

_LEASE: Final = timedelta(minutes=3)
# Each of them holds a thread for as long as servers take, and most threads are for others.
_PLACES: Final = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 4))


def start_order(*, actor: Actor, order: PublicOrder) -> AcmeOrder:
    """Order a certificate. It waits for approvers where the account asks for them; then workers carry it out.

    Raises NotFound (account, predecessor), Denied (permission; an issuance policy; nobody answers for a request),
    Conflict (the account is not active; the predecessor is revoked, or has a successor), Invalid with everything that
    is wrong: names that are none, that the challenge cannot prove, or that the organization has not proven.
    """
    account = get_account(order.account, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=account.organization_id)
    if order.replaces is not None:
        # A renewal, which may inherit the approval of its predecessor.
        policy.require(actor, Permission.CERTIFICATES_RENEW, organization_id=account.organization_id)
    # Before the transaction: making a key takes up to seconds.
    wanted = judge(actor, account, order)
    with transaction.atomic():
        row = write(actor, actor, wanted)
    return get_order(Ref("pk", row.pk), visible_to=actor)


def refresh_order(*, actor: Actor, order: Ref) -> AcmeOrder:
    """Ask the server now, and do what can be done now; where a worker is at it, or too many ask at this moment, this
    leaves it to a worker.

    Network: never call it in a transaction. Raises NotFound, Denied. What the server says stands in the order.
    """
    row = _permitted(actor, order)
    if row.status != Status.WAITING and (row.is_open or row.due_at is not None):
        _advance_now(actor, row)
    return get_order(Ref("pk", row.pk), visible_to=actor)


def cancel_order(*, actor: Actor, order: Ref) -> AcmeOrder:
    """Take it back, with its request, before the CSR has gone to the CA; what was published is taken away later.

    Raises NotFound, Denied (permission; the request is somebody else's), Conflict (it is closed, or being issued).
    """
    row = _permitted(actor, order)
    with transaction.atomic():
        row = AcmeOrder.objects.select_for_update().order_by("pk").get(pk=row.pk)
        if row.status not in (Status.WAITING, Status.PENDING, Status.AUTHORIZING):
            raise _wrong_status(row)
        request = row.request
        if request is not None and request.is_open:
            cancel_request(actor=actor, request=Ref("pk", request.pk))
        now = timezone.now()
        queue.settle(row, due_at=now, status=Status.CANCELLED, closed_at=now, sealed_key=None)
        record(actor, EventName.ACME_ORDER_CANCELLED, row)
    return get_order(Ref("pk", row.pk), visible_to=actor)


def retry_order(*, actor: Actor, order: Ref) -> AcmeOrder:
    """The same order again, as a new one, after one that failed or was cancelled.

    Raises NotFound, Denied, Conflict (it has not failed), and what `start_order` does.
    """
    row = _permitted(actor, order)
    if row.status not in (Status.INVALID, Status.CANCELLED):
        raise _wrong_status(row)
    return start_order(actor=actor, order=order_like(row, replaces=row.replaces_id))


def complete_challenge(*, actor: Actor, challenge: Ref) -> AcmeChallenge:
    """Tell the server to look now, because somebody has published the answer by hand, or does not want to wait.

    Network: never call it in a transaction. Raises NotFound, Denied, Conflict (the order is not proving names, or in
    hand; the challenge is decided; the server refuses), Unavailable.
    """
    row = get_challenge(challenge, visible_to=actor)
    order = row.authorization.order
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id)
    if order.status != Status.AUTHORIZING:
        raise _wrong_status(order)
    if row.status not in (AcmeChallenge.Status.PENDING, AcmeChallenge.Status.PRESENTED):
        text = _("The challenge is %(status)s.")
        raise Conflict(text, code="acme-challenge-state", status=str(row.status))
    claimed = queue.claim(AcmeOrder.objects.all(), order.pk, lasting=_LEASE, at_once=True)
    if claimed is None:
        raise Conflict(_("Something else is being done with this order: try again soon."), code="acme-order-busy")
    try:
        tell_server(client_of(order.account), claimed, row)
    except AcmeError as error:
        raise refused(error) from error
    finally:
        queue.release(claimed)
    _hurry(actor, claimed, row)
    return get_challenge(Ref("pk", row.pk), visible_to=actor)


def order_like(row: AcmeOrder, *, replaces: int | None) -> PublicOrder:
    """The same names, proven in the same way, by the same account. A key that was made here is made anew."""
    made_here = row.key_made_here
    return PublicOrder(
        account=Ref("pk", row.account_id),
        names=tuple(row.names),
        challenge_type=row.challenge_type,
        key=Managed(KeyAlgorithm(row.key_algorithm)) if made_here else read_csr(bytes(row.csr)),
        auto_renew=row.auto_renew,
        tags=tuple(row.tags),
        description=row.description,
        replaces=Ref("pk", replaces) if replaces is not None else None,
    )


def _advance_now(actor: Actor, row: AcmeOrder) -> None:
    if not _PLACES.acquire(blocking=False):
        AcmeOrder.objects.filter(pk=row.pk).update(due_at=timezone.now())
        return
    try:
        claimed = queue.claim(AcmeOrder.objects.all(), row.pk, lasting=_LEASE, at_once=True)
        if claimed is not None:
            advance_order(actor, claimed)
    finally:
        _PLACES.release()


@transaction.atomic
def _hurry(actor: Actor, order: AcmeOrder, challenge: AcmeChallenge) -> None:
    AcmeOrder.objects.filter(pk=order.pk).update(due_at=timezone.now())
    record(actor, EventName.ACME_CHALLENGE_COMPLETED, order, name=str(challenge.authorization), type=challenge.type)


def _permitted(actor: Actor, order: Ref) -> AcmeOrder:
    row = get_order(order, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id)
    return row


def _wrong_status(row: AcmeOrder) -> Conflict:
    return Conflict(_("The order is %(status)s."), code="acme-order-state", status=str(row.status))

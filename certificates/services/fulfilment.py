"""What was approved, made: by a worker, or by a person where the CA waits for its passphrase.

The policy runs again. Whatever changed since people said yes ends the request with its reason; it is never turned into
something else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy, queue
from accounts.models import Membership
from accounts.said import cut
from accounts.selectors import within_reach
from accounts.services.people import member_permissions
from audit.events import EventName
from cas.chains import lock_chain
from cas.core.csr import CsrFacts, read_csr
from cas.core.general_names import general_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.models import CertificateAuthority, Template
from certificates.models import Certificate, Request
from certificates.orders import IssueOrder, Managed, SameKey
from certificates.request_selectors import due_requests, get_request, lapsed_requests
from certificates.services import approval
from certificates.services.issuance import identifier_used, record_issued
from certificates.services.minting import KeyMaterial, Wanted, mint, obtain_key
from certificates.services.renewal import kept_key, lock_predecessor
from certificates.services.requests import (
    approvers_of,
    close,
    not_now,
    permission_to_ask,
    record,
    unchanged_template,
)
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, DomainError, Invalid, Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

log = logging.getLogger(__name__)

Status = Request.Status

# Longer than the slowest key takes to make.
_LEASE: Final = timedelta(minutes=2)
_BACKOFF: Final = queue.Backoff(timedelta(seconds=10), timedelta(hours=1))
_AT_ONCE: Final = 50
_LONGEST_ERROR: Final = 500
_GONE_FOR_GOOD: Final = frozenset({CertificateAuthority.Status.REVOKED, CertificateAuthority.Status.RETIRED})
# These say nothing about what was asked for: it may be tried again.
_PASSING: Final = frozenset({"serial-used", "request-state", "request-expired"})


def fulfil_request(*, actor: Actor, request: Ref, passphrase: Secret | None = None) -> Request:
    """Issue what was approved. The request, fulfilled: the certificate stands in it, a managed key waits for its
    requester. Or failed, with the reason in `last_error`, where it cannot be issued any more.

    Any number may call this; there is one certificate. Raises NotFound, Denied (permission, passphrase), Conflict (it
    is not approved; it is a CSR, whose CA is still to be chosen, or about a public certificate), Unavailable (the CA is
    locked or out of service for now: the request stays approved), TooMany.
    """
    row = get_request(request, visible_to=actor)
    # What is issued was decided by others; who may decide, or ask, may also say: now.
    decides = policy.holds(actor, Permission.REQUESTS_DECIDE)
    permission = Permission.REQUESTS_DECIDE if decides else permission_to_ask(row)
    policy.require(actor, permission, organization_id=row.organization_id, ca_id=row.ca_id)
    if row.status == Status.FULFILLED:
        return row
    if row.status != Status.APPROVED:
        raise not_now(row)
    if row.kind == Request.Kind.ACME:
        text = _("A public certificate comes from its own CA: the order is on its way.")
        raise Conflict(text, code="ordered-elsewhere")
    if row.kind == Request.Kind.CSR:
        raise Conflict(_("A CSR is signed against a CA, which nobody has chosen yet."), code="ca-to-be-chosen")
    _fulfil(actor, row, passphrase)
    return get_request(Ref("pk", row.pk), visible_to=actor)


def fulfil_due_requests(*, actor: Actor) -> int:
    """Issue what was approved and waits for nobody, as far as the actor reaches; how many requests were closed.

    One that cannot be fulfilled now is tried again, later each time, and does not stop the others.
    """
    done = 0
    due = within_reach(due_requests(at=timezone.now()), actor)
    for row in queue.claim_each(due, lasting=_LEASE, most=_AT_ONCE):
        try:
            _fulfil(actor, row, claimed=True)
            done += 1
        except queue.Lost:
            log.info("request %s was taken over", row.pk)
        except Exception as error:
            if not isinstance(error, DomainError):
                log.exception("request %s was not fulfilled", row.pk)
            queue.postpone(row, pause=_BACKOFF.after(row.attempts), error=queue.sentence_of(error))
    return done


def expire_lapsed_requests(*, actor: Actor) -> int:
    """Close the requests whose time is over, as far as the actor reaches; how many there were."""
    now = timezone.now()
    return sum(
        _expire(actor, pk, now) for pk in within_reach(lapsed_requests(at=now), actor).values_list("pk", flat=True)
    )


def _fulfil(actor: Actor, row: Request, passphrase: Secret | None = None, *, claimed: bool = False) -> None:
    try:
        template = unchanged_template(row)
        order = order_of(row, template, passphrase)
        # Before the transaction: making a key takes up to seconds.
        key = key_of(row, template, order)
        with transaction.atomic():
            locked = _lock(row, claimed=claimed)
            if locked is not None:
                _issue(actor, locked, unchanged_template(row), order, key)
    except IntegrityError as error:
        refusal = identifier_used(order, error)
        if not isinstance(refusal, DomainError):
            raise
        _fail(actor, row, refusal)
    except DomainError as refusal:
        if not _is_final(refusal):
            raise
        _fail(actor, row, refusal)


def _lock(row: Request, *, claimed: bool) -> Request | None:
    """The request, locked and to be issued; None where it has been. Raises Conflict, Lost."""
    locked = Request.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked.status == Status.FULFILLED:
        return None
    if claimed and locked.lease != row.lease:
        raise queue.Lost
    if locked.status != Status.APPROVED:
        raise not_now(locked)
    if locked.expires_at <= timezone.now():
        raise Conflict(_("The request has expired."), code="request-expired")
    return locked


def _issue(actor: Actor, row: Request, template: Template, order: IssueOrder, key: KeyMaterial) -> None:
    ca = lock_chain(template.ca_id)[0]
    require_requester(row)
    require_quorum(row, approval.demands_of(template, ca))
    predecessor = lock_predecessor(actor, row.replaces, again=row.again) if row.replaces else None
    wanted = Wanted(order, key, predecessor, approval.Approval(row.digest))
    finish(actor, row, mint(requester_of(row), template, wanted, now=timezone.now()).certificate)


def finish(actor: Actor, row: Request, certificate: Certificate) -> None:
    """A step: the certificate that the request has become, told of."""
    record_issued(actor, certificate)
    close(row, Status.FULFILLED, certificate=certificate)
    record(actor, EventName.REQUEST_FULFILLED, row, certificate=certificate.public_id, serial=certificate.serial)


def order_of(row: Request, template: Template, passphrase: Secret | None = None) -> IssueOrder:
    """A step: what was asked for, as an order."""
    return IssueOrder(
        template=template.code,
        key=_key_order(row),
        subject=parse_name(row.subject),
        sans=tuple(general_name(text, kind) for kind, text in row.sans),
        validity=row.validity,
        passphrase=passphrase,
        identifier=row.identifier,
        usage=row.usage,
        tags=tuple(row.tags),
        description=row.description,
    )


def _key_order(row: Request) -> Managed | CsrFacts | SameKey:
    if row.csr is not None:
        return read_csr(bytes(row.csr))
    return SameKey() if row.same_key else Managed(KeyAlgorithm(row.key_algorithm), collect_later=True)


def key_of(row: Request, template: Template, order: IssueOrder) -> KeyMaterial:
    """A step: the key that was asked for; made now, or the predecessor's. Raises Invalid."""
    if isinstance(order.key, SameKey) and row.replaces is not None:
        return kept_key(row.replaces, template)
    return obtain_key(order, template)


def requester_of(row: Request) -> Actor:
    """A step: whoever asked, as the register names them; what is allowed now is asked of the person."""
    return Actor(
        kind=ActorKind(row.requester_kind),
        id=row.requester_id,
        label=row.requester_label,
        organization_id=row.organization_id,
        permissions=frozenset(),
        person_id=row.person_id,
    )


def require_requester(row: Request) -> None:
    """A step: whoever asked and has left since gets nothing. Raises Conflict."""
    membership = Membership.objects.filter(organization_id=row.organization_id, user_id=row.person_id).first()
    require_permitted(row, membership)


def require_permitted(row: Request, membership: Membership | None) -> None:
    """The same step, for who knows the requester's membership. Raises Conflict."""
    if permission_to_ask(row) not in member_permissions(row.person, membership):
        text = _("Voided: %(person)s may not issue any more.")
        raise Conflict(text, code="requester-not-permitted", person=str(row.person))


def require_quorum(row: Request, demands: Iterable[approval.Demand] = ()) -> None:
    """A step. Counted again: rules may be stricter now, and who said yes may not be an approver any more.

    Raises Conflict.
    """
    if approval.unmet([*approval.read(row), *demands], approvers_of(row), row.organization_id):
        raise Conflict(_("Voided: the approvals are not enough any more."), code="approvals-missing")


def _is_final(refusal: DomainError) -> bool:
    """Whether it will be refused for ever: asked for in vain, not at a bad moment."""
    if isinstance(refusal, Unavailable):
        return refusal.error_code == "ca-not-active" and refusal.facts["status"] in _GONE_FOR_GOOD
    if isinstance(refusal, Conflict):
        return refusal.error_code not in _PASSING
    return isinstance(refusal, Invalid)


@transaction.atomic
def _fail(actor: Actor, row: Request, refusal: DomainError) -> None:
    locked = Request.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked.status != Status.APPROVED:
        return
    close(locked, Status.FAILED, last_error=cut(queue.sentence_of(refusal), _LONGEST_ERROR))
    record(actor, EventName.REQUEST_FAILED, locked, code=refusal.error_code, reason=locked.last_error)


@transaction.atomic
def _expire(actor: Actor, pk: int, now: datetime) -> int:
    row = lapsed_requests(at=now).select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None:
        return 0
    was = str(row.status)
    close(row, Status.EXPIRED)
    record(actor, EventName.REQUEST_EXPIRED, row, was=was)
    return 1

"""What an actor may see of requests; whose turn it is; what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts import policy
from accounts.selectors import within_reach
from certificates.models import Decision, Request
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Status = Request.Status
OPEN = (Status.PENDING, Status.APPROVED)


def requests(*, visible_to: Actor) -> QuerySet[Request]:
    """Newest first. Without `requests:read`, those that the actor, or the person behind him, has made."""
    rows = within_reach(Request.objects.select_related("ca", "template", "certificate").order_by("-id"), visible_to)
    if visible_to.grants is not None:
        rows = rows.filter(ca_id__in=[grant.ca_id for grant in visible_to.grants])
    if not policy.holds(visible_to, Permission.REQUESTS_READ):
        rows = rows.filter(person_id=visible_to.person_id)
    return rows


def inbox(*, visible_to: Actor, at: datetime) -> QuerySet[Request]:
    """What waits for this person's word, oldest first: neither his own, nor what he has decided on already.

    Which role an approver must have is judged when he decides.
    """
    rows = requests(visible_to=visible_to).filter(status=Status.PENDING, expires_at__gt=at).order_by("id")
    if visible_to.person_id is None or not policy.holds(visible_to, Permission.REQUESTS_DECIDE):
        return rows.none()
    decided = Decision.objects.filter(request=OuterRef("pk"), approver_id=visible_to.person_id)
    return rows.exclude(person_id=visible_to.person_id).filter(~Exists(decided))


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests an actor sees, by status, and how many wait for his word."""

    pending: int
    approved: int
    rejected: int
    fulfilled: int
    failed: int
    expired: int
    cancelled: int
    inbox: int


def count_requests(*, visible_to: Actor, at: datetime) -> RequestCounts:
    by_status = {status.value: Count("pk", filter=Q(status=status)) for status in Status}
    counts = requests(visible_to=visible_to).order_by().aggregate(**by_status)
    return RequestCounts(**counts, inbox=inbox(visible_to=visible_to, at=at).count())


def get_request(ref: Ref, *, visible_to: Actor) -> Request:
    """With its decisions. Raises NotFound."""
    return _one(requests(visible_to=visible_to).prefetch_related("decisions"), ref)


def lock_request(ref: Ref, *, visible_to: Actor) -> Request:
    """The row, locked: quorum and outcome are judged by one at a time. Raises NotFound."""
    return _one(requests(visible_to=visible_to).select_for_update(of=("self",)), ref)


def due_requests(*, at: datetime) -> QuerySet[Request]:
    """Approved requests that a worker can fulfil now, and that no other one has in hand."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=at)
    rows = Request.objects.filter(free, status=Status.APPROVED, due_at__lte=at, expires_at__gt=at)
    return rows.order_by("due_at", "id")


def lapsed_requests(*, at: datetime) -> QuerySet[Request]:
    """Open requests whose time is over."""
    return Request.objects.filter(status__in=OPEN, expires_at__lte=at).order_by("expires_at", "id")


def _one(rows: QuerySet[Request], ref: Ref) -> Request:
    try:
        return rows.get(**{ref.by: ref.value})
    except (Request.DoesNotExist, Request.MultipleObjectsReturned) as error:
        raise NotFound(_("There is no such request."), code="request-not-found") from error

"""What an actor may see of requests; whose turn it is; what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts import policy, queue
from accounts.selectors import find_user, under_granted_cas
from certificates.models import Decision, Request
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Status = Request.Status
OPEN = (Status.PENDING, Status.APPROVED)


def requests(*, visible_to: Actor) -> QuerySet[Request]:
    """Newest first. Without `requests:read`, those that the actor, or the person behind it, has made."""
    rows = Request.objects.select_related("organization", "ca", "template", "certificate").order_by("-id")
    rows = under_granted_cas(rows, visible_to)
    if not policy.holds(visible_to, Permission.REQUESTS_READ):
        return rows.filter(person_id=visible_to.person_id)
    if visible_to.grants is None:
        return rows
    readable = [each.ca_id for each in visible_to.grants if Permission.REQUESTS_READ in each.permissions]
    return rows.filter(Q(ca_id__in=readable) | Q(person_id=visible_to.person_id))


def inbox(*, visible_to: Actor, at: datetime) -> QuerySet[Request]:
    """What waits for this person's word, oldest first: neither their own, nor what they have decided on already.

    Which role an approver must have is judged when they decide.
    """
    rows = requests(visible_to=visible_to).filter(status=Status.PENDING, expires_at__gt=at).order_by("id")
    if visible_to.person_id is None or not policy.holds(visible_to, Permission.REQUESTS_DECIDE):
        return rows.none()
    decided = Decision.objects.filter(request=OuterRef("pk"), approver_id=visible_to.person_id)
    return rows.exclude(_own(visible_to)).filter(~Exists(decided))


def with_everything(rows: QuerySet[Request]) -> QuerySet[Request]:
    """Each with its rules, its people, and what they have decided."""
    return rows.select_related("profile__template", "replaces", "person", "maker").prefetch_related("decisions")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which requests are looked for: those that every part says yes to. None: whatever it is."""

    status: str | None = None
    kind: str | None = None
    # The template by its code; the person who asked, or who answers for the key that did, by e-mail address.
    template: str | None = None
    requester: str | None = None
    is_own: bool | None = None
    is_in_inbox: bool | None = None


def matching(wanted: RequestFilter, *, visible_to: Actor, at: datetime) -> QuerySet[Request]:
    """The requests that are looked for, among those that the actor may see; newest first."""
    rows = requests(visible_to=visible_to)
    plain = {"status": wanted.status, "kind": wanted.kind, "template__code": wanted.template}
    rows = rows.filter(**{name: value for name, value in plain.items() if value is not None})
    if wanted.requester is not None:
        rows = rows.filter(person=find_user(wanted.requester))
    if wanted.is_own is not None:
        rows = rows.filter(_own(visible_to)) if wanted.is_own else rows.exclude(_own(visible_to))
    if wanted.is_in_inbox is not None:
        waiting = inbox(visible_to=visible_to, at=at).order_by().values("pk")
        rows = rows.filter(pk__in=waiting) if wanted.is_in_inbox else rows.exclude(pk__in=waiting)
    return rows


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """Of the requests that an actor sees and that are not closed: how many wait for approvers, how many are approved,
    how many are one's own, and how many wait for one's word.
    """

    pending: int
    approved: int
    own: int
    inbox: int


def count_requests(*, visible_to: Actor, at: datetime) -> RequestCounts:
    """Two queries over what is open, however much has been closed."""
    rows = requests(visible_to=visible_to).filter(status__in=OPEN).order_by()
    counts = rows.aggregate(
        pending=Count("pk", filter=Q(status=Status.PENDING)),
        approved=Count("pk", filter=Q(status=Status.APPROVED)),
        own=Count("pk", filter=_own(visible_to)),
    )
    return RequestCounts(**counts, inbox=inbox(visible_to=visible_to, at=at).count())


def count_by_status(*, visible_to: Actor) -> dict[str, tuple[int, int]]:
    """How many requests the actor sees in each state, and how many of them are one's own; one query."""
    rows = requests(visible_to=visible_to).order_by().values("status")
    counted = rows.annotate(number=Count("pk"), own=Count("pk", filter=_own(visible_to)))
    return {each["status"]: (each["number"], each["own"]) for each in counted}


def neighbours(row: Request, *, visible_to: Actor, at: datetime) -> tuple[Request | None, Request | None]:
    """What stands before and after this request in the inbox of this person, also where it has left it."""
    if not policy.holds(visible_to, Permission.REQUESTS_DECIDE):
        return None, None
    waiting = inbox(visible_to=visible_to, at=at)
    return waiting.filter(pk__lt=row.pk).order_by("-id").first(), waiting.filter(pk__gt=row.pk).first()


def last_decision(*, visible_to: Actor) -> Decision | None:
    """The last that this person has decided, with its request."""
    seen = requests(visible_to=visible_to).order_by().values("pk")
    rows = Decision.objects.filter(approver_id=visible_to.person_id, request__in=seen)
    return rows.select_related("request").order_by("-id").first()


def get_request(ref: Ref, *, visible_to: Actor) -> Request:
    """With its decisions. Raises NotFound."""
    return _one(with_everything(requests(visible_to=visible_to)), ref)


def csrs(*, visible_to: Actor) -> QuerySet[Request]:
    """CSRs that are approved before a CA is chosen, newest first, without those that were taken back."""
    rows = requests(visible_to=visible_to).filter(kind=Request.Kind.CSR).exclude(status=Status.CANCELLED)
    return rows.select_related("person", "maker").prefetch_related("decisions")


def get_csr(ref: Ref, *, visible_to: Actor) -> Request:
    """Raises NotFound."""
    return _one(csrs(visible_to=visible_to), ref)


def lock_request(ref: Ref, *, visible_to: Actor) -> Request:
    """The row, locked: quorum and outcome are judged by one at a time. Raises NotFound."""
    return _one(requests(visible_to=visible_to).select_for_update(of=("self",)), ref)


def due_requests(*, at: datetime) -> QuerySet[Request]:
    """Approved requests that a worker can fulfil now, and that no other one has in hand."""
    return queue.due(Request.objects.filter(status=Status.APPROVED, expires_at__gt=at), at=at)


def lapsed_requests(*, at: datetime) -> QuerySet[Request]:
    """Open requests whose time is over."""
    return Request.objects.filter(status__in=OPEN, expires_at__lte=at).order_by("expires_at", "id")


def _own(actor: Actor) -> Q:
    """What this person has asked for, or may have: by a key that they made for somebody else."""
    if actor.person_id is None:
        return Q(pk__in=[])
    return Q(person_id=actor.person_id) | Q(maker_id=actor.person_id)


def _one(rows: QuerySet[Request], ref: Ref) -> Request:
    try:
        return rows.get(**{ref.by: ref.value})
    except (Request.DoesNotExist, Request.MultipleObjectsReturned) as error:
        raise NotFound(_("There is no such request."), code="request-not-found") from error

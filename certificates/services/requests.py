"""The yes and no of those who must agree, and taking it back.

`submission` files a request, `fulfilment` makes what was approved. In between: approve (by as many as it takes, never
by whoever asked), reject, cancel.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import policy
from accounts.models import User
from accounts.selectors import person_of
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas.models import Template
from certificates.models import Decision, Request
from certificates.request_selectors import get_request, lock_request
from certificates.services import approval
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Status = Request.Status
Verdict = Decision.Verdict

# From the question to the last answer; then, once more, to the certificate.
LIFETIME: Final = timedelta(days=14)
_LONGEST_REASON: Final = 1000
_LONGEST_LABEL: Final = 200


def approve_request(*, actor: Actor, request: Ref, digest: str, reason: str = "") -> Request:
    """Say yes to exactly what has this digest. Approved is what has as many as CA, role and template ask for.

    Raises NotFound, Denied (permission; own request; not the approver's role that is asked for), Conflict (another
    digest, decided on already, no longer pending, or the template has changed since), Invalid (the reason's length).
    """
    return _decide(actor, request, Verdict.APPROVED, digest, reason)


def reject_request(*, actor: Actor, request: Ref, reason: str, digest: str | None = None) -> Request:
    """Say no; one is enough. `digest` None: to it, whatever it is.

    Raises what `approve_request` does, and Invalid without a reason.
    """
    return _decide(actor, request, Verdict.REJECTED, digest, reason)


@transaction.atomic
def cancel_request(*, actor: Actor, request: Ref) -> Request:
    """Take it back before it is fulfilled: the person who asked, or a superuser, where that one cannot any more.

    Raises NotFound, Denied, Conflict (it is closed).
    """
    row = lock_request(request, visible_to=actor)
    if actor.person_id != row.person_id and not actor.is_superuser:
        raise Denied(_("Only who made the request can cancel it."), code="not-own-request")
    policy.require(actor, permission_to_ask(row), organization_id=row.organization_id, ca_id=row.ca_id)
    if not row.is_open:
        raise not_now(row)
    close(row, Status.CANCELLED)
    record(actor, EventName.REQUEST_CANCELLED, row)
    return row


def permission_to_ask(row: Request) -> Permission:
    """What it takes to ask for such a thing, and to have it made."""
    renews = row.kind == Request.Kind.RENEW
    return Permission.CERTIFICATES_RENEW if renews else Permission.CERTIFICATES_ISSUE


def approvers_of(row: Request) -> list[int]:
    """Who said yes to exactly this."""
    agreed = row.decisions.filter(verdict=Verdict.APPROVED, digest=row.digest)
    return list(agreed.values_list("approver_id", flat=True))


def close(row: Request, status: str, **outcome: object) -> None:
    """A step: the last state of a request, with what came of it."""
    changes = {
        "status": status,
        "closed_at": timezone.now(),
        "due_at": None,
        "lease": None,
        "lease_until": None,
        "sealed_key": None,
    }
    for name, value in {**changes, **outcome}.items():
        setattr(row, name, value)
    row.save(update_fields=[*changes, *outcome])


def not_now(row: Request) -> Conflict:
    """What to say of a request with which this cannot be done as it is; it names the state that it is in."""
    text = _("The request is %(status)s.")
    return Conflict(text, code="request-state", status=str(row.status))


def unchanged_template(row: Request) -> Template:
    """The template as it was when it was asked for. Raises Conflict: it is another one now, or retired.

    An approval under rules that do not stand any more would be one of nothing.
    """
    template = Template.objects.select_related("ca", "role", "profile").get(requests=row)
    require_unchanged(row, template)
    return template


def require_unchanged(row: Request, template: Template) -> None:
    """A step. Raises Conflict as `unchanged_template` does."""
    if template.profile_id != row.profile_id or template.retired_at is not None:
        text = _("Voided: the template %(template)s has changed since. Ask anew.")
        raise Conflict(text, code="template-changed", template=template.code)


def record(actor: Actor, event: EventName, row: Request, event_id: str | None = None, **facts: object) -> None:
    """A step of every service of requests: its event names the digest."""
    audit.record(
        actor,
        event,
        Resource("request", row.pk, str(row)[:_LONGEST_LABEL], public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        digest=row.digest,
        **facts,
    )


@transaction.atomic
def _decide(actor: Actor, request: Ref, verdict: str, digest: str | None, reason: str) -> Request:
    required = verdict == Verdict.REJECTED
    if errors := text_errors("reason", reason, longest=_LONGEST_REASON, required=required, several_lines=True):
        raise Invalid(errors=errors)
    row = lock_request(request, visible_to=actor)
    person = _require_approver(actor, row)
    _require_undecided(row, person, digest)
    if verdict == Verdict.APPROVED and row.template_id is not None:
        unchanged_template(row)
    event_id = audit.new_event_id()
    Decision.objects.create(
        organization_id=row.organization_id,
        request=row,
        approver=person,
        approver_label=actor.label,
        verdict=verdict,
        reason=reason,
        digest=row.digest,
        event=event_id,
    )
    _apply(row, verdict)
    name = EventName.REQUEST_APPROVED if verdict == Verdict.APPROVED else EventName.REQUEST_REJECTED
    record(actor, name, row, event_id=event_id, approver=person.pk, reason=reason, status=str(row.status))
    return get_request(Ref("pk", row.pk), visible_to=actor)


def _require_approver(actor: Actor, row: Request) -> User:
    """Whose yes or no counts here: by person, so that no other credential lets the requester approve, nor one
    that the requester made for somebody else, nor an identity that the requester has bound to somebody else."""
    policy.require(actor, Permission.REQUESTS_DECIDE, organization_id=row.organization_id, ca_id=row.ca_id)
    person = person_of(actor)
    if not row.asked_by.isdisjoint({person.pk, actor.doer_id}):
        raise Denied(_("Nobody can decide on their own request."), code="own-request")
    if not approval.may_count(approval.read(row), person, row.organization_id):
        roles = ", ".join(sorted({demand.role for demand in approval.read(row)}))
        raise Denied(_("This is decided by others: %(roles)s."), code="not-an-approver", roles=roles)
    return person


def _require_undecided(row: Request, person: User, digest: str | None) -> None:
    if row.status != Status.PENDING:
        raise not_now(row)
    if row.expires_at <= timezone.now():
        raise Conflict(_("The request has expired."), code="request-expired")
    if digest is not None and digest != row.digest:
        text = _("This request is about something else than what was decided on; its digest is %(digest)s.")
        raise Conflict(text, code="digest-mismatch", digest=row.digest, status=str(row.status))
    if row.decisions.filter(approver=person).exists():
        raise Conflict(_("You have decided on this request already."), code="already-decided")


def _apply(row: Request, verdict: str) -> None:
    now = timezone.now()
    if verdict == Verdict.REJECTED:
        close(row, Status.REJECTED, decided_at=now)
        return
    if approval.unmet(approval.read(row), approvers_of(row), row.organization_id):
        return
    row.status, row.decided_at, row.expires_at = Status.APPROVED, now, now + LIFETIME
    # No worker knows a passphrase: a person comes with it.
    row.due_at = None if row.ca is None or row.ca.passphrase_protected else now
    row.save(update_fields=["status", "decided_at", "expires_at", "due_at"])

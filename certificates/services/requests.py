"""Asking for what others must agree to, and their yes or no.

submit -> approve (by as many as it takes, never by whoever asked) | reject | cancel; `fulfilment` does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.models import User
from accounts.selectors import person_of
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas.core.csr import CsrFacts
from cas.core.general_names import general_name_text, kind_of
from cas.core.keys import KeyAlgorithm, PublicKey, algorithm_of, generate
from cas.core.leaf import LeafPlan
from cas.core.names import format_name
from cas.core.plan import lifetime_of
from cas.models import Template
from cas.selectors import find_issuer
from certificates.models import Certificate, Decision, Request
from certificates.orders import IssueOrder, SameKey
from certificates.request_selectors import get_request, lock_request
from certificates.services import approval
from certificates.services.labels import order_errors
from certificates.services.minting import KeyMaterial, Wanted, rehearse
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
_MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class AwaitingApproval:
    """Nothing was signed: the request waits for its approvers."""

    request: Request


def permitted_template(actor: Actor, ca: Ref | None, code: str) -> Template:
    """The template that the actor may ask by. Raises NotFound (template, CA), Denied."""
    template = find_issuer(ca, code, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=template.organization_id, ca_id=template.ca_id)
    return template


def submit_request(*, actor: Actor, order: IssueOrder) -> Request:
    """Ask for a certificate. It is judged now as if it were issued, so that nobody approves what can never be.

    The order's passphrase and delivery are not kept: whoever fulfils brings the one, whoever collects the key says the
    other. Raises NotFound, Denied (permission; nobody answers for the actor), Invalid with every violation,
    Unavailable, Conflict (no approval is asked for; the identifier is taken).
    """
    template = permitted_template(actor, order.ca, order.template)
    person = person_of(actor)
    if errors := order_errors(order):
        raise Invalid(errors=errors)
    wanted = Wanted(order, _key_to_judge_by(order, template))
    try:
        with transaction.atomic():
            plan = rehearse(template, wanted, now=timezone.now())
            _require_free_identifier(order, template)
            row = _row(actor, person, template, wanted, plan)
            row.save(force_insert=True)
            record(actor, EventName.REQUEST_SUBMITTED, row, event_id=row.event, **_asked(row))
    except IntegrityError as error:
        if order.identifier is None:
            raise
        raise _identifier_used() from error
    return row


def approve_request(*, actor: Actor, request: Ref, digest: str, reason: str = "") -> Request:
    """Say yes to exactly what has this digest. Approved is what has as many as CA, role and template ask for.

    Raises NotFound, Denied (permission; his own request; not the approver's role that is asked for), Conflict (another
    digest, decided on already, no longer pending, or the template has changed since), Invalid (the reason's length).
    """
    return _decide(actor, request, Verdict.APPROVED, digest, reason)


def reject_request(*, actor: Actor, request: Ref, digest: str, reason: str) -> Request:
    """Say no; one is enough. Raises what `approve_request` does, and Invalid without a reason."""
    return _decide(actor, request, Verdict.REJECTED, digest, reason)


@transaction.atomic
def cancel_request(*, actor: Actor, request: Ref) -> Request:
    """Take it back: the person who asked, before it is fulfilled. Raises NotFound, Denied, Conflict (it is closed)."""
    row = lock_request(request, visible_to=actor)
    if actor.person_id != row.person_id:
        raise Denied(_("Only who made the request can cancel it."), code="not-own-request")
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id, ca_id=row.ca_id)
    if not row.is_open:
        raise not_now(row)
    close(row, Status.CANCELLED)
    record(actor, EventName.REQUEST_CANCELLED, row)
    return row


def approvers_of(row: Request) -> list[int]:
    """Who said yes to exactly this."""
    agreed = row.decisions.filter(verdict=Verdict.APPROVED, digest=row.digest)
    return list(agreed.values_list("approver_id", flat=True))


def close(row: Request, status: str, **outcome: object) -> None:
    """A step: the last state of a request, with what came of it."""
    changes = {"status": status, "closed_at": timezone.now(), "due_at": None, "lease": None, "lease_until": None}
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
    if template.profile_id != row.profile_id or template.retired_at is not None:
        text = _("Voided: the template %(template)s has changed since. Ask anew.")
        raise Conflict(text, code="template-changed", template=template.code)
    return template


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
def _decide(actor: Actor, request: Ref, verdict: str, digest: str, reason: str) -> Request:
    required = verdict == Verdict.REJECTED
    if errors := text_errors("reason", reason, longest=_LONGEST_REASON, required=required, several_lines=True):
        raise Invalid(errors=errors)
    row = lock_request(request, visible_to=actor)
    person = _require_approver(actor, row)
    _require_undecided(row, person, digest)
    if verdict == Verdict.APPROVED:
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
    """Whose yes or no counts here: by person, so that no other credential of the requester's lets him approve."""
    policy.require(actor, Permission.REQUESTS_DECIDE, organization_id=row.organization_id, ca_id=row.ca_id)
    person = person_of(actor)
    if person.pk == row.person_id:
        raise Denied(_("Nobody decides on his own request."), code="own-request")
    if not approval.may_count(approval.read(row), person, row.organization_id):
        roles = ", ".join(sorted({demand.role for demand in approval.read(row)}))
        raise Denied(_("This is decided by others: %(roles)s."), code="not-an-approver", roles=roles)
    return person


def _require_undecided(row: Request, person: User, digest: str) -> None:
    if row.status != Status.PENDING:
        raise not_now(row)
    if row.expires_at <= timezone.now():
        raise Conflict(_("The request has expired."), code="request-expired")
    if digest != row.digest:
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


def _key_to_judge_by(order: IssueOrder, template: Template) -> KeyMaterial:
    if isinstance(order.key, CsrFacts):
        return KeyMaterial(order.key.public_key)
    if isinstance(order.key, SameKey):
        raise Invalid.of("key", "no-predecessor", _("Only a renewal can keep the key of another certificate."))
    return KeyMaterial(_stand_in(order.key.algorithm or KeyAlgorithm(template.key_algorithm)))


@cache
def _stand_in(algorithm: KeyAlgorithm) -> PublicKey:
    """In place of a key that is made after the approval: of its kind, and nobody has the private one."""
    return generate(algorithm).public_key()


def _row(actor: Actor, person: User, template: Template, wanted: Wanted, plan: LeafPlan) -> Request:
    order, made_here = wanted.order, wanted.made_here
    demands = approval.demands_of(template)
    if not demands:
        raise Conflict(_("%(template)s asks for no approval."), code="no-approval-needed", template=template.code)
    return Request(
        organization_id=template.organization_id,
        ca_id=template.ca_id,
        template=template,
        profile_id=template.profile_id,
        subject=format_name(plan.subject),
        sans=_pairs(plan.sans),
        csr=order.key.request.public_bytes(Encoding.DER) if isinstance(order.key, CsrFacts) else None,
        key_algorithm=algorithm_of(plan.public_key),
        validity=lifetime_of(plan),
        identifier=order.identifier,
        usage=order.usage,
        tags=list(dict.fromkeys(order.tags)),
        description=order.description,
        digest=approval.digest_of(plan, template, made_here=made_here),
        renewal_digest=approval.digest_of(plan, template, made_here=made_here, any_key=True),
        approvals_needed=max(demand.approvals for demand in demands),
        demands=approval.written(demands),
        requester_kind=actor.kind,
        requester_id=actor.id,
        requester_label=actor.label,
        person=person,
        expires_at=timezone.now() + LIFETIME,
        event=audit.new_event_id(),
    )


def _pairs(sans: tuple[x509.GeneralName, ...]) -> list[list[str]]:
    return [[kind_of(san).value, general_name_text(san)] for san in sans]


def _require_free_identifier(order: IssueOrder, template: Template) -> None:
    """The database lets two open requests not have the same one; a certificate may have it already."""
    taken = Certificate.objects.filter(organization_id=template.organization_id, identifier=order.identifier)
    if order.identifier is not None and taken.exists():
        raise _identifier_used()


def _identifier_used() -> Conflict:
    return Conflict(_("This identifier is in use."), code="identifier-used")


def _asked(row: Request) -> dict[str, object]:
    return {
        "template": row.template.code if row.template else None,
        "profile": row.profile_id,
        "ca": row.ca_id,
        "names": [name for _kind, name in row.sans][:_MOST_NAMES],
        "approvals_needed": row.approvals_needed,
        "expires_at": row.expires_at,
    }

"""Asking for what others must agree to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
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
from cas.core.csr import CsrFacts
from cas.core.general_names import general_name_text, kind_of
from cas.core.keys import KeyAlgorithm, PublicKey, algorithm_of, generate
from cas.core.leaf import LeafPlan
from cas.core.names import format_name
from cas.core.plan import lifetime_of
from cas.models import Template
from cas.selectors import find_issuer
from cas.services.restrictions import require_allowed, restriction_of
from certificates.models import Certificate, Request
from certificates.orders import IssueOrder, SameKey
from certificates.services import approval
from certificates.services.labels import order_errors
from certificates.services.minting import KeyMaterial, Wanted, open_desk, rehearse_at
from certificates.services.requests import LIFETIME, record
from certificates.services.review_memory import RECENTLY
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

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
    if errors := order_errors(order):
        raise Invalid(errors=errors)
    return file_request(actor, template, Wanted(order, key_to_judge_by(order, template)))


def file_request(actor: Actor, template: Template, wanted: Wanted, *, again: bool = False) -> Request:
    """A step: judge what is wanted, write the request down, tell. Raises what `submit_request` does."""
    person, order = person_of(actor), wanted.order
    try:
        with transaction.atomic():
            desk = open_desk(template, timezone.now())
            (plan,) = rehearse_at(desk, [wanted])
            if isinstance(plan, Invalid):
                raise plan
            require_allowed(restriction_of(actor), plan, ca_id=template.ca_id)
            require_free_identifier(order.identifier, template)
            row = _row(actor, person, template, wanted, plan, again=again)
            row.save(force_insert=True)
            record(actor, EventName.REQUEST_SUBMITTED, row, event_id=row.event, **_asked(row))
            transaction.on_commit(partial(RECENTLY.keep_good, desk, {row: plan}))
    except IntegrityError as error:
        if order.identifier is None:
            raise
        raise _identifier_used() from error
    return row


def key_to_judge_by(order: IssueOrder, template: Template) -> KeyMaterial:
    """The key of a CSR; in place of one that is made after the approval, one of its kind. Raises Invalid."""
    if isinstance(order.key, CsrFacts):
        return KeyMaterial(order.key.public_key)
    if isinstance(order.key, SameKey):
        raise Invalid.of("key", "no-predecessor", _("Only a renewal can keep the key of another certificate."))
    return KeyMaterial(_stand_in(order.key.algorithm or KeyAlgorithm(template.key_algorithm)))


@cache
def _stand_in(algorithm: KeyAlgorithm) -> PublicKey:
    """In place of a key that is made after the approval: of its kind, and nobody has the private one."""
    return generate(algorithm).public_key()


def _row(actor: Actor, person: User, template: Template, wanted: Wanted, plan: LeafPlan, *, again: bool) -> Request:
    order, made_here = wanted.order, wanted.made_here
    facts = approval.facts_of(plan, template, made_here=made_here)
    of_any_key = approval.facts_of(plan, template, made_here=made_here, any_key=True)
    demands = approval.demands_of(template)
    if not demands:
        raise Conflict(_("%(template)s asks for no approval."), code="no-approval-needed", template=template.code)
    return Request(
        organization_id=template.organization_id,
        kind=Request.Kind.RENEW if wanted.replaces else Request.Kind.ISSUE,
        ca_id=template.ca_id,
        template=template,
        profile_id=template.profile_id,
        subject=format_name(plan.subject),
        sans=_pairs(plan.sans),
        csr=order.key.request.public_bytes(Encoding.DER) if isinstance(order.key, CsrFacts) else None,
        key_algorithm=algorithm_of(plan.public_key),
        replaces=wanted.replaces,
        same_key=isinstance(order.key, SameKey),
        again=again,
        validity=lifetime_of(plan),
        identifier=order.identifier,
        usage=order.usage,
        tags=list(dict.fromkeys(order.tags)),
        description=order.description,
        facts=facts,
        digest=approval.digest_of(facts),
        renewal_digest=approval.digest_of(of_any_key),
        approvals_needed=max(demand.approvals for demand in demands),
        demands=approval.written(demands),
        requester_kind=actor.kind,
        requester_id=actor.id,
        requester_label=actor.label,
        person=person,
        maker_id=actor.maker_id,
        expires_at=timezone.now() + LIFETIME,
        event=audit.new_event_id(),
    )


def _pairs(sans: tuple[x509.GeneralName, ...]) -> list[list[str]]:
    return [[kind_of(san).value, general_name_text(san)] for san in sans]


def require_free_identifier(identifier: str | None, template: Template) -> None:
    """The database lets two open requests not have the same one; a certificate may have it already."""
    taken = Certificate.objects.filter(organization_id=template.organization_id, identifier=identifier)
    if identifier is not None and taken.exists():
        raise _identifier_used()


def _identifier_used() -> Conflict:
    return Conflict(_("This identifier is in use."), code="identifier-used")


def _asked(row: Request) -> dict[str, object]:
    return {
        "template": row.template.code if row.template else None,
        "profile": row.profile_id,
        "ca": row.ca_id,
        "names": [name for _kind, name in row.sans][:_MOST_NAMES],
        "replaces": row.replaces.public_id if row.replaces else None,
        "approvals_needed": row.approvals_needed,
        "expires_at": row.expires_at,
    }

"""Requests for certificates of public CAs: decided on like others, and carried out by whoever speaks with those CAs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from django.utils import timezone

from accounts.said import cut
from accounts.selectors import person_of
from audit import services as audit
from audit.events import EventName
from cas.core.general_names import general_name_text, kind_of
from cas.core.keys import PublicKey, algorithm_of, public_key_sha256
from certificates.models import Certificate, Request
from certificates.services import approval
from certificates.services.fulfilment import require_quorum, require_requester
from certificates.services.requests import LIFETIME, close, not_now, record
from kernel.actor import Actor

_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicWish:
    """What is to be ordered: of whom, by which account, for which names and key."""

    organization_id: int
    issuer: str
    account: str
    sans: tuple[x509.GeneralName, ...]
    csr: bytes
    public_key: PublicKey
    made_here: bool
    approvals_needed: int
    approver_role: str
    tags: tuple[str, ...]
    description: str


def file_public_request(actor: Actor, requester: Actor, wish: PublicWish) -> Request:
    """A step: the request in the name of `requester`, told of. Raises Denied: nobody answers for that one."""
    sans = [[kind_of(san).value, general_name_text(san)] for san in wish.sans]
    facts: dict[str, object] = {
        "kind": Request.Kind.ACME.value,
        "issuer": wish.issuer,
        "account": wish.account,
        "sans": sans,
        "key_algorithm": algorithm_of(wish.public_key).value,
        "key": public_key_sha256(wish.public_key),
        "made_here": wish.made_here,
    }
    demands = [approval.Demand(wish.approvals_needed, wish.approver_role)]
    row = Request(
        organization_id=wish.organization_id,
        kind=Request.Kind.ACME,
        sans=sans,
        csr=wish.csr,
        key_algorithm=algorithm_of(wish.public_key),
        tags=list(wish.tags),
        description=wish.description,
        facts=facts,
        digest=approval.digest_of(facts),
        approvals_needed=wish.approvals_needed,
        demands=approval.written(demands),
        requester_kind=requester.kind,
        requester_id=requester.id,
        requester_label=requester.label,
        person=person_of(requester),
        maker_id=requester.maker_id,
        expires_at=timezone.now() + LIFETIME,
        event=audit.new_event_id(),
    )
    row.save(force_insert=True)
    names = [name for _kind, name in sans][:_MOST_TOLD]
    record(actor, EventName.REQUEST_SUBMITTED, row, event_id=row.event, names=names, issuer=wish.issuer)
    return row


def require_agreed(row: Request, *, approvals_needed: int, approver_role: str) -> bool:
    """A step: whether what was asked for may be ordered now; False: people have not decided yet. The rules are those
    of now, which may be stricter than those that it was asked for under.

    Raises Conflict: they said no, or too late, or those who said yes, or who asked, may not any more, or are too few.
    """
    if row.status == Request.Status.PENDING:
        return False
    if row.status != Request.Status.APPROVED:
        raise not_now(row)
    require_requester(row)
    require_quorum(row, [approval.Demand(approvals_needed, approver_role)] if approvals_needed else ())
    return True


def close_public_request(actor: Actor, row: Request, certificate: Certificate) -> None:
    """A step: what was asked for has come."""
    close(row, Request.Status.FULFILLED, certificate=certificate)
    record(actor, EventName.REQUEST_FULFILLED, row, certificate=certificate.public_id, serial=certificate.serial)


def fail_public_request(actor: Actor, row: Request, reason: str) -> None:
    """A step: what was asked for will not come."""
    if row.is_open:
        close(row, Request.Status.FAILED, last_error=cut(reason, 500))
        record(actor, EventName.REQUEST_FAILED, row, code="acme-order-failed", reason=row.last_error)

"""An open request, judged again: whether it would be issued as it stands, by the rules and under the CA of now."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from certificates.models import Request
from certificates.orders import SameKey
from certificates.services.approval import Approval
from certificates.services.fulfilment import order_of, require_requester
from certificates.services.minting import Wanted, rehearse
from certificates.services.renewal import known_key, require_renewable
from certificates.services.requests import unchanged_template
from certificates.services.submission import key_to_judge_by, require_free_identifier
from kernel.errors import Conflict, DomainError, FieldError, Invalid
from kernel.text import _


def findings_about(row: Request) -> tuple[FieldError, ...]:
    """What stands against this request now, all of it; nothing where it would be issued, and where it is closed.

    Approvals that are missing are no finding: they are what it waits for. Nothing is reserved, written or signed.
    """
    if not row.is_open:
        return ()
    try:
        _require_possible(row)
    except Invalid as refusal:
        return refusal.errors or (_finding(refusal),)
    except DomainError as refusal:
        return (_finding(refusal),)
    return ()


def _require_possible(row: Request) -> None:
    """Raises what fulfilling it would."""
    if row.expires_at <= timezone.now():
        raise Conflict(_("The request has expired."), code="request-expired")
    require_requester(row)
    if row.kind == Request.Kind.CSR:
        return
    template = unchanged_template(row)
    order = order_of(row, template)
    require_free_identifier(order, template)
    if row.replaces:
        require_renewable(row.replaces, again=row.again)
    renewed = row.replaces if isinstance(order.key, SameKey) else None
    key = known_key(renewed) if renewed else key_to_judge_by(order, template)
    wanted = Wanted(order, key, row.replaces)
    with transaction.atomic():
        plan = rehearse(template, wanted, now=timezone.now())
    if not Approval(row.digest).covers(plan, template, made_here=wanted.made_here):
        raise Conflict(_("Voided: this is not what was approved."), code="approval-void")


def _finding(refusal: DomainError) -> FieldError:
    return FieldError("", refusal.error_code, refusal.message)

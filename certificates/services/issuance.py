"""Issuing: find the issuer, ask for permission, mint, tell."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas.models import Template
from certificates.models import Certificate
from certificates.orders import IssueOrder, Managed
from certificates.services.approval import demands_of, require_no_approval
from certificates.services.labels import order_errors
from certificates.services.minting import Issued, Wanted, mint, obtain_key
from certificates.services.submission import AwaitingApproval, permitted_template, submit_request
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.ref import Ref
from kernel.text import _

_MOST_NAMES: Final = 20


def issue_certificate(*, actor: Actor, order: IssueOrder) -> Issued | AwaitingApproval:
    """Issue now, or file a request where CA, role or template ask for an approval.

    Raises NotFound (template, CA), Denied (permission, passphrase), Invalid with every violation, Unavailable (a CA of
    the chain is not in service, or is locked), Conflict (the identifier is taken).
    """
    template = permitted_template(actor, order.ca, order.template)
    if demands_of(template):
        return AwaitingApproval(submit_request(actor=actor, order=order))
    return _issue(actor, order, template)


def issue_at_once(*, actor: Actor, order: IssueOrder) -> Issued:
    """`issue_certificate` for those who have no answer for "waits for approval": Denied where one is asked for."""
    return _issue(actor, order, find_template(actor, order.ca, order.template))


def _issue(actor: Actor, order: IssueOrder, template: Template) -> Issued:
    if errors := order_errors(order):
        raise Invalid(errors=errors)
    key = obtain_key(order, template)
    if isinstance(order.key, Managed):
        # Making a key takes up to seconds, in which others do not sleep: what counts is what is so when it is signed.
        template = find_template(actor, order.ca, order.template)
    try:
        with transaction.atomic():
            issued = mint(actor, template, Wanted(order, key), now=timezone.now())
            record_issued(actor, issued.certificate)
    except IntegrityError as error:
        raise identifier_used(order, error) from error
    return issued


def find_template(actor: Actor, ca: Ref | None, code: str) -> Template:
    """The template that the actor may issue from, at once.

    Raises NotFound (template, CA), Denied (permission; CA, role or template ask for an approval).
    """
    template = permitted_template(actor, ca, code)
    require_no_approval(template)
    return template


def identifier_used(order: IssueOrder, error: IntegrityError) -> Exception:
    """What to raise where the database refused a row: the identifier is the only thing in it that an order chooses."""
    if order.identifier is None:
        return error
    return Conflict(_("This identifier is in use."), code="identifier-used")


def reference(certificate: Certificate) -> Resource:
    """A certificate as the audit log names it."""
    return Resource(
        "certificate",
        certificate.pk,
        str(certificate),
        serial=certificate.serial,
        public_id=certificate.public_id,
    )


def facts(row: Certificate) -> dict[str, object]:
    """What the event of an issuance tells. A renewal is an issuance that names its predecessor in `replaces`."""
    template, predecessor = row.template, row.replaces
    return {
        "template": template.code if template else None,
        "profile": row.profile_id,
        "ca": row.ca_id,
        "subject": row.subject,
        "names": [name for name in (row.common_name, *row.sans) if name][:_MOST_NAMES],
        "key_hash": row.key_hash,
        "fingerprint": row.fingerprint,
        "not_after": row.not_after,
        "replaces": predecessor.public_id if predecessor else None,
    }


def record_issued(actor: Actor, row: Certificate) -> None:
    audit.record(
        actor,
        EventName.CERTIFICATE_ISSUED,
        reference(row),
        organization_id=row.organization_id,
        event_id=row.event,
        **facts(row),
    )

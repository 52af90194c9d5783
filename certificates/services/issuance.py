"""Issuing: find the issuer, ask for permission, mint, tell."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas.models import Template
from cas.selectors import find_issuer
from certificates.models import Certificate
from certificates.orders import IssueOrder
from certificates.services.labels import label_errors, word_errors
from certificates.services.minting import Issued, mint, obtain_key
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.permissions import Permission
from kernel.text import _


def issue_certificate(*, actor: Actor, order: IssueOrder) -> Issued:
    """Issue now. A managed key is made before the transaction begins.

    Raises NotFound (template, CA), Denied (permission, approval, passphrase), Invalid with every violation,
    Unavailable (a CA of the chain is not in service, or is locked), Conflict (the identifier is taken).
    """
    template = find_issuer(order.ca, order.template, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=template.organization_id, ca_id=template.ca_id)
    _require_no_approval(template)
    if errors := label_errors(order.tags, order.description) + word_errors(order.identifier, order.usage):
        raise Invalid(errors=errors)
    key = obtain_key(order, template)
    try:
        with transaction.atomic():
            issued = mint(actor, template, order, key, now=timezone.now())
            _record(actor, issued.certificate, template)
    except IntegrityError as error:
        if order.identifier is None:
            raise
        raise Conflict(_("This identifier is in use."), code="identifier-used") from error
    return issued


def reference(certificate: Certificate) -> Resource:
    """A certificate as the audit log names it."""
    return Resource(
        "certificate",
        certificate.pk,
        str(certificate),
        serial=certificate.serial,
        public_id=certificate.public_id,
    )


def _require_no_approval(template: Template) -> None:
    for holder in (template.ca, template.role, template):
        if holder.requires_approval:
            text = _("%(template)s issues only after an approval, which %(holder)s asks for.")
            raise Denied(text, code="approval-required", template=template.code, holder=str(holder))


def _record(actor: Actor, row: Certificate, template: Template) -> None:
    audit.record(
        actor,
        EventName.CERTIFICATE_ISSUED,
        reference(row),
        organization_id=row.organization_id,
        event_id=row.event,
        template=template.code,
        profile=row.profile_id,
        ca=template.ca_id,
        subject=row.subject,
        names=[name.value for name in row.names.all()[:20]],
        key_hash=row.key_hash,
        fingerprint=row.fingerprint,
        not_after=row.not_after,
    )

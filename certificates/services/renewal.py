"""Renewal: a successor with the same subject and the same names, under the rules as they are now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cryptography.x509 import SubjectAlternativeName
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy, vault
from cas import selectors as cas_selectors
from cas.chains import lock_chain
from cas.core.csr import CsrFacts
from cas.core.keys import KeyAlgorithm, supported
from cas.core.reading import extension_of
from cas.models import Template
from cas.services.restrictions import require_allowed, restriction_of
from certificates import selectors
from certificates.models import Certificate, Request, SubscriberKey
from certificates.orders import IssueOrder, Managed, RenewOrder, SameKey
from certificates.services.approval import demands_of, inherits_approval, require_no_approval
from certificates.services.issuance import identifier_used, record_issued
from certificates.services.labels import order_errors
from certificates.services.minting import (
    SUBSCRIBER_KEY_TABLE,
    Issued,
    KeyMaterial,
    Wanted,
    mint,
    obtain_key,
    rehearse,
)
from certificates.services.submission import AwaitingApproval, file_request, key_to_judge_by
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid, field_error
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

Custody = Certificate.KeyCustody
State = Certificate.State


def renew_certificate(*, actor: Actor, order: RenewOrder) -> Issued | AwaitingApproval:
    """Issue a successor of a certificate, or file a request where CA, role or template ask for an approval that it
    does not inherit. The old one goes on until it expires or is revoked.

    An expired one can be renewed, a revoked one cannot. It is an issuance in everything, the audit event included,
    which names the predecessor. Raises NotFound, Denied (permission, passphrase; nobody answers for a request),
    Conflict (it is revoked or on hold, has a successor already, was issued elsewhere, or its template is retired; the
    identifier is taken), Invalid with every violation, Unavailable.
    """
    old, template, wish = _read(actor, order)
    if demands_of(template) and not _is_approved(old, template, wish):
        return AwaitingApproval(_file(actor, old, template, order, wish))
    return _renew(actor, old, template, order, wish)


def renew_at_once(*, actor: Actor, order: RenewOrder) -> Issued:
    """`renew_certificate` for those who have no answer for "waits for approval": Denied where one is asked for."""
    old, template, wish = _read(actor, order)
    if inherits_approval(old, template) is None:
        require_no_approval(template)
    return _renew(actor, old, template, order, wish)


def foresee_renewal(order: RenewOrder, *, visible_to: Actor) -> bool:
    """Whether it would be issued at once; otherwise it would wait for an approval. Nothing is reserved, written or
    signed.

    Raises what `renew_certificate` would, but for the passphrase and the identifier.
    """
    old, template, wish = _read(visible_to, order)
    require_renewable(old, again=order.again)
    wanted = Wanted(wish, _key_to_judge_by(old, template, wish), old)
    with transaction.atomic():
        plan = rehearse(template, wanted, now=timezone.now())
    require_allowed(restriction_of(visible_to), plan, ca_id=template.ca_id)
    inherited = inherits_approval(old, template)
    is_covered = inherited is not None and inherited.covers(plan, template, made_here=wanted.made_here)
    return is_covered or not demands_of(template)


def _read(actor: Actor, order: RenewOrder) -> tuple[Certificate, Template, IssueOrder]:
    """The predecessor, its template as it is now, and what its successor is to be."""
    old = selectors.get_certificate(order.certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_RENEW, organization_id=old.organization_id, ca_id=old.ca_id)
    template = _template(old)
    wish = _issue_order(old, order, template)
    if errors := order_errors(wish):
        raise Invalid(errors=errors)
    return old, template, wish


def _renew(actor: Actor, old: Certificate, template: Template, order: RenewOrder, wish: IssueOrder) -> Issued:
    key = kept_key(old, template) if isinstance(wish.key, SameKey) else obtain_key(wish, template)
    try:
        with transaction.atomic():
            predecessor = lock_predecessor(actor, old, again=order.again)
            # Again: a key may have taken seconds to make.
            template = _template(old)
            wanted = Wanted(wish, key, predecessor, inherits_approval(predecessor, template))
            issued = mint(actor, template, wanted, now=timezone.now())
            record_issued(actor, issued.certificate)
    except IntegrityError as error:
        raise identifier_used(wish, error) from error
    return issued


def _is_approved(old: Certificate, template: Template, wish: IssueOrder) -> bool:
    """Whether the approval of the predecessor covers exactly this."""
    inherited = inherits_approval(old, template)
    if inherited is None:
        return False
    wanted = Wanted(wish, _key_to_judge_by(old, template, wish))
    with transaction.atomic():
        plan = rehearse(template, wanted, now=timezone.now())
    return inherited.covers(plan, template, made_here=wanted.made_here)


def _file(actor: Actor, old: Certificate, template: Template, order: RenewOrder, wish: IssueOrder) -> Request:
    key = _key_to_judge_by(old, template, wish)
    with transaction.atomic():
        predecessor = lock_predecessor(actor, old, again=order.again)
        return file_request(actor, template, Wanted(wish, key, predecessor), again=order.again)


def _key_to_judge_by(old: Certificate, template: Template, wish: IssueOrder) -> KeyMaterial:
    if isinstance(wish.key, SameKey):
        return known_key(old)
    return key_to_judge_by(wish, template)


def _template(old: Certificate) -> Template:
    """The template of the certificate, as it is now."""
    if old.template_id is None:
        text = _("This certificate was issued elsewhere; only its own CA can renew it.")
        raise Conflict(text, code="foreign-issuer")
    template = cas_selectors.template_to_issue(old.template_id)
    if template.retired_at is not None:
        raise Conflict(_("The template %(template)s is retired."), code="template-retired", template=template.code)
    return template


def _issue_order(old: Certificate, order: RenewOrder, template: Template) -> IssueOrder:
    certificate = old.body.x509
    return IssueOrder(
        template=template.code,
        key=key_order(old, order, template),
        subject=certificate.subject,
        sans=tuple(extension_of(certificate.extensions, SubjectAlternativeName) or ()),
        validity=lifetime_of_certificate(old) if order.validity is None and order.as_long else order.validity,
        may_end_earlier=order.may_end_earlier,
        passphrase=order.passphrase,
        identifier=order.identifier,
        usage=old.usage,
        tags=tuple(old.tags) if order.tags is None else order.tags,
        description=old.description if order.description is None else order.description,
        delivery=order.delivery,
        keep_csr=order.keep_csr,
        renew_ahead=old.not_after - old.renew_at if old.auto_renew and old.renew_at else None,
    )


def lifetime_of_certificate(old: Certificate) -> timedelta:
    """A step: how long it lasts; both ends count (RFC 5280 4.1.2.5)."""
    return old.not_after - old.not_before + timedelta(seconds=1)


def key_order(old: Certificate, order: RenewOrder, template: Template) -> Managed | CsrFacts | SameKey:
    """Where the key of the successor comes from.

    Raises Invalid: the template wants a new key, or there is nobody here who could make one.
    """
    key = order.key
    made_here = old.key_custody != Custody.SUBSCRIBER
    if order.same_origin:
        _require_same_origin(key, made_here=made_here)
    if key is None:
        key = Managed() if made_here else SameKey()
        if isinstance(key, SameKey) and not template.renew_same_key:
            raise Invalid.of("csr", "required", _("The key of this certificate is not here: bring a CSR."))
    if isinstance(key, SameKey) and not template.renew_same_key:
        raise Invalid.of("key", "same-key-not-allowed", _("The template wants a new key at each renewal."))
    if isinstance(key, Managed) and not made_here:
        raise Invalid.of("csr", "required", _("The key of this certificate is not here: bring a CSR."))
    if isinstance(key, Managed) and key.algorithm is None:
        return replace(key, algorithm=KeyAlgorithm(old.key_algorithm))
    return key


def _require_same_origin(key: Managed | CsrFacts | SameKey | None, *, made_here: bool) -> None:
    if made_here and isinstance(key, CsrFacts):
        text = _("The key of this certificate was made here, and so is that of its successor: send no CSR.")
        raise Invalid(text, errors=[field_error("csr", "contradiction", text)], code="csr-not-allowed")
    if not made_here and not isinstance(key, CsrFacts):
        text = _("The key of this certificate is not here: bring a CSR.")
        raise Invalid(text, errors=[field_error("csr", "required", text)], code="csr-required")


def kept_key(old: Certificate, template: Template) -> KeyMaterial:
    """A step: the key of the predecessor; the private one too where it is kept here and goes on being so."""
    known = known_key(old)
    if old.key_custody == Custody.STORED and template.role.store_private_keys:
        return KeyMaterial(known.public_key, _stored_key(old))
    return known


def known_key(old: Certificate) -> KeyMaterial:
    """The key of the predecessor, without the private one."""
    # Whoever has it, or can collect it from the predecessor, has the successor's too.
    is_ours = old.key_custody != Custody.SUBSCRIBER
    public_key = supported(old.body.x509.public_key())
    return KeyMaterial(public_key, custody=Custody.RETURNED if is_ours else Custody.SUBSCRIBER)


def _stored_key(old: Certificate) -> Secret:
    kept = SubscriberKey.objects.get(certificate=old)
    return vault.open_secret(
        bytes(kept.sealed or b""), organization_id=old.organization_id, table=SUBSCRIBER_KEY_TABLE, row=kept.public_id
    )


def lock_predecessor(actor: Actor, old: Certificate, *, again: bool) -> Certificate:
    """A step: the predecessor, locked after its CA, as a revocation locks: found to be one that can have a successor.

    Raises NotFound, Conflict.
    """
    if old.ca_id is not None:
        lock_chain(old.ca_id)
    row = selectors.lock_certificate(Ref("pk", old.pk), visible_to=actor)
    require_renewable(row, again=again)
    return row


def require_renewable(row: Certificate, *, again: bool) -> None:
    """A step. Raises Conflict: it is revoked or on hold, or has a successor and no other one is asked for."""
    if row.state == State.REVOKED:
        raise Conflict(_("The certificate is revoked."), code="certificate-revoked")
    if row.state == State.HELD:
        raise Conflict(_("The certificate is on hold."), code="certificate-on-hold")
    successor = row.replaced_by.exclude(state=State.REVOKED).order_by("-id").first()
    if successor is not None and not again:
        text = _("The certificate has a successor already: %(serial)s.")
        raise Conflict(text, code="already-renewed", serial=successor.serial)

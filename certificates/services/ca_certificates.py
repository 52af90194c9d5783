"""Revoking one certificate of a CA that has another: a cross-certificate, or one that was renewed."""

from __future__ import annotations

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas import selectors as cas_selectors
from cas.chains import lock_alone, lock_chains
from cas.core.reasons import reason_name
from cas.models import CaCertificate, CertificateAuthority
from cas.services.founding import reference
from certificates.services.ca_revocations import fall_back, list_ca_certificate, standing
from certificates.services.revocation import AlreadyRevoked, authority_reason_errors, comment_errors
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.text import _


@transaction.atomic
def revoke_ca_certificate(
    *,
    actor: Actor,
    ca: CertificateAuthority,
    fingerprint: str,
    reason: x509.ReasonFlags,
    comment: str = "",
) -> CaCertificate:
    """Revoke this certificate alone, on the list of its issuer; the CA goes on under another of its certificates.

    `fingerprint` is its SHA-256, lower-case hex. Raises NotFound, Denied, Invalid (the reason, the comment),
    AlreadyRevoked, Conflict (it is the only one: then it is the CA that is to be revoked; its issuer is not ours).
    """
    row = cas_selectors.get_ca_certificate(ca, fingerprint)
    for ca_id in {ca.pk, row.issuer_id}:
        policy.require(actor, Permission.CAS_REVOKE, organization_id=ca.organization_id, ca_id=ca_id)
    if errors := comment_errors(comment) + authority_reason_errors(reason):
        raise Invalid(errors=errors)
    if row.issuer is None or row.issuer_id == ca.pk or not row.issuer.has_key:
        raise Conflict(_("Only the CA that issued this certificate can revoke it."), code="foreign-issuer")
    at = timezone.now().replace(microsecond=0)
    _lock(ca)
    row.refresh_from_db()
    if row.revoked_at is not None:
        raise AlreadyRevoked(_("The certificate is revoked already."))
    if not standing(ca, at).exclude(pk=row.pk).exists():
        text = _("%(ca)s has no other certificate: revoke the CA itself.")
        raise Conflict(text, code="only-certificate", ca=ca.name)
    event = audit.new_event_id()
    list_ca_certificate(row, reason, comment, at=at, event=event)
    fall_back(ca, at)
    audit.record(
        actor,
        EventName.CA_CERTIFICATE_REVOKED,
        reference(ca),
        organization_id=ca.organization_id,
        event_id=event,
        issuer=row.issuer.name,
        serial=row.serial,
        fingerprint=row.fingerprint,
        reason=reason_name(reason),
        comment=comment,
    )
    return row


def _lock(ca: CertificateAuthority) -> None:
    """Whoever revokes the issuer, or gives the CA another place, waits; those above come first."""
    issuers = CaCertificate.objects.filter(ca=ca, issuer__isnull=False).exclude(issuer=ca)
    lock_chains(sorted(set(issuers.values_list("issuer_id", flat=True))))
    lock_alone(ca.pk)

"""The certificates of a CA that has one: renewed under the same key, crossed by another CA, and which is preferred."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas import selectors
from cas.chains import certificates_of, lock_alone, lock_chain, lock_chains
from cas.core.authority import AuthorityWish
from cas.core.chain import verify_chain
from cas.core.keys import supported
from cas.core.plan import whole_seconds
from cas.core.reading import path_length
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import CrossOrder
from cas.services.certifying import certify, draft_certificate, limits_of
from cas.services.founding import keep_ca_certificate, reference, set_preferred, wrong_status
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

Status = CertificateAuthority.Status


@transaction.atomic
def cross_certify(*, actor: Actor, order: CrossOrder) -> CaCertificate:
    """Another of our CAs certifies this one's name and key: one more chain, for those who trust the other.

    The CA goes on as it was; `prefer_certificate` makes the new chain the one that is handed out. Raises NotFound,
    Denied, Invalid with every violation, Conflict, Unavailable (the issuer cannot sign), WrongPassphrase.
    """
    ca = selectors.get_ca(order.ca, visible_to=actor)
    issuer = selectors.get_ca(order.issuer, visible_to=actor)
    if ca.organization_id != issuer.organization_id:
        raise selectors.ca_not_found()
    for each in (ca, issuer):
        policy.require(actor, Permission.CAS_CREATE, organization_id=each.organization_id, ca_id=each.pk)
    chains = lock_chains([ca.pk, issuer.pk])
    _require_certifiable(chains[ca.pk][0])
    known = certificates_of([ca]).certificates[0]
    above = certificates_of(chains[issuer.pk]).certificates
    now = timezone.now()
    wish = AuthorityWish(
        subject=known.subject,
        public_key=supported(known.public_key()),
        validity=order.validity or until(_first_end([known, *above]), now),
        path_length=order.path_length,
        permitted=order.permitted_names,
        excluded=order.excluded_names,
        extended_key_usage=order.extended_key_usage,
        known=known,
    )
    draft = draft_certificate(wish, issuer=issuer, now=now)
    certificate = certify(
        actor, draft, signing_ca=issuer, kind=IssuedSerial.Kind.CROSS, passphrase=order.issuer_passphrase
    )
    row = keep_ca_certificate(
        ca,
        certificate,
        issuer=issuer,
        kind=CaCertificate.Kind.CROSS,
        preferred=False,
        event=audit.new_event_id(),
    )
    _record(actor, EventName.CA_CERTIFICATE_CROSSED, row)
    return row


@transaction.atomic
def renew_authority(
    *,
    actor: Actor,
    ca: CertificateAuthority,
    validity: timedelta | None = None,
    issuer_passphrase: Secret | None = None,
) -> CaCertificate:
    """A new certificate for the same name and key, from the same issuer and within the same limits, and preferred.

    `validity` None: as long as the one before it, or as its issuer lasts. What was issued under the old one is under
    the new one as well, and the old one stays valid. `issuer_passphrase` is the CA's own where it signs itself. Raises
    Denied, Invalid, Conflict, Unavailable (the issuer's key is not here: `sign_authority_csr` is for that one).
    """
    policy.require(actor, Permission.CAS_CREATE, organization_id=ca.organization_id, ca_id=ca.pk)
    row, *chain = lock_chain(ca.pk)
    # Issuing goes on meanwhile; a second renewal waits.
    row = CertificateAuthority.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
    _require_certifiable(row)
    known = certificates_of([row]).certificates[0]
    issuer = chain[0] if chain else None
    above = certificates_of(chain).certificates
    limits = limits_of(known)
    now = timezone.now()
    lifetime = known.not_valid_after_utc - known.not_valid_before_utc + timedelta(seconds=1)
    wish = AuthorityWish(
        subject=known.subject,
        public_key=supported(known.public_key()),
        validity=validity or min([lifetime, *([until(_first_end(above), now)] if above else [])]),
        path_length=path_length(known),
        permitted=limits.permitted,
        excluded=limits.excluded,
        extended_key_usage=limits.extended_key_usage,
        known=known,
    )
    draft = draft_certificate(wish, issuer=issuer, now=now)
    certificate = certify(
        actor, draft, signing_ca=issuer or row, kind=IssuedSerial.Kind.CA, passphrase=issuer_passphrase
    )
    kept = keep_ca_certificate(row, certificate, issuer=issuer or row, event=audit.new_event_id())
    _record(actor, EventName.CA_CERTIFICATE_RENEWED, kept)
    return kept


@transaction.atomic
def prefer_certificate(*, actor: Actor, ca: CertificateAuthority, fingerprint: str) -> CaCertificate:
    """From now on the CA stands below the issuer of this certificate, and hands out the chain that begins with it.

    `fingerprint` is its SHA-256, lower-case hex. Raises NotFound, Denied, Invalid (the chain does not hold), Conflict
    (it is revoked; a CA above is; it would stand below itself).
    """
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    row = selectors.get_ca_certificate(ca, fingerprint)
    above = () if row.issuer_id in (None, ca.pk) else lock_chain(row.issuer_id)
    holder = lock_alone(ca.pk)
    if row.revoked_at is not None:
        raise Conflict(_("This certificate of %(ca)s is revoked."), code="certificate-revoked", ca=ca.name)
    for each in above:
        if each.status == Status.REVOKED:
            raise Conflict(_("%(ca)s is revoked."), code="ca-revoked", ca=each.name)
    certificates = certificates_of(above).certificates or (row.certificate,)
    verify_chain(row.certificate, certificates, timezone.now())
    set_preferred(holder, row)
    _record(actor, EventName.CA_CERTIFICATE_PREFERRED, row, is_record_of_row=False)
    return row


def until(last: datetime, now: datetime) -> timedelta:
    """The lifetime that ends at this time, both ends counted; a second where it has passed, for the plan to refuse."""
    return max(timedelta(seconds=1), last - whole_seconds(now) + timedelta(seconds=1))


def _first_end(certificates: list[x509.Certificate] | tuple[x509.Certificate, ...]) -> datetime:
    return min(each.not_valid_after_utc for each in certificates)


def _require_certifiable(ca: CertificateAuthority) -> None:
    if ca.status != Status.ACTIVE:
        raise wrong_status(ca)
    blocked = selectors.blocked_key(ca.key_hash, organization_id=ca.organization_id)
    if blocked is not None:
        text = _("the key of %(ca)s is blocked: %(reason)s")
        raise Invalid.of("ca", "blocked-key", text, ca=ca.name, reason=blocked.reason)


def _record(actor: Actor, event: EventName, row: CaCertificate, *, is_record_of_row: bool = True) -> None:
    audit.record(
        actor,
        event,
        reference(row.ca),
        organization_id=row.organization_id,
        event_id=row.event if is_record_of_row else None,
        issuer=row.issuer.name if row.issuer else None,
        kind=row.kind,
        serial=row.serial,
        fingerprint=row.fingerprint,
        not_after=row.not_after,
    )

"""Steps for CA certificates that were signed elsewhere: whether they hold, and what stands above them in our books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from accounts.models import Organization
from cas.chains import lock_alone, lock_chains
from cas.core.chain import chain_errors, is_issued_by, order_chain
from cas.core.constraints import authority_errors
from cas.core.keys import PublicKey, public_key_sha256, same_key, supported
from cas.core.names import common_name, format_name
from cas.core.reading import may_sign_crls, subject_key_identifier
from cas.core.weak_keys import weaknesses
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import AuthorityTerms
from cas.services.founding import LONGEST_NAME, insert_authority, keep_ca_certificate, name_hash, wrong_status
from cas.services.serials import serial_text
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

FIELD: Final = "certificates"
_NOT_USABLE: Final = _("The certificate cannot be used here.")
# Nobody forges a self-signature to any end, so a root may bear an old one.
_BROKEN_HASHES: Final = (hashes.MD5, hashes.SHA1)


def key_of(certificate: x509.Certificate) -> PublicKey:
    """Raises Invalid where the key is of no algorithm of ours."""
    return supported(certificate.public_key(), field=FIELD)


def about_key(certificates: Sequence[x509.Certificate], key_hash: str) -> list[x509.Certificate]:
    """Those about this key, the longest-lasting last."""
    about = [each for each in dict.fromkeys(certificates) if public_key_sha256(key_of(each)) == key_hash]
    return sorted(about, key=lambda each: each.not_valid_after_utc)


def accept_certificates(
    ca: CertificateAuthority,
    own: Sequence[x509.Certificate],
    given: Sequence[x509.Certificate],
    *,
    status: str,
    event: str,
) -> CaCertificate:
    """Keep certificates of a CA whose key is here, and the CAs above them; the last one is preferred.

    Raises Invalid on `certificates` with everything that is wrong, Conflict (the CA is not in this status; …).
    """
    judged = _judged(ca, own, given, timezone.now())
    lock_known(ca.organization, [each for _certificate, above in judged for each in above])
    row = lock_alone(ca.pk)
    if row.status != status:
        raise wrong_status(row)
    return [_accept(row, certificate, above, event=event) for certificate, above in judged][-1]


def chain_above(
    organization: Organization, certificate: x509.Certificate, given: Sequence[x509.Certificate], *, now: datetime
) -> tuple[x509.Certificate, ...]:
    """The CAs above this CA certificate, issuer first, from what was given and from what is known here.

    Every signature is verified. Raises Invalid on `certificates`: it is no CA's, the chain does not hold, or does not
    end in a certificate that signed itself.
    """
    own_key = key_of(certificate)
    pool = [each for each in [*given, *_known_certificates(organization)] if not same_key(key_of(each), own_key)]
    above = order_chain(certificate, pool)
    top = above[-1] if above else certificate
    if not is_issued_by(top, top):
        text = _("the certificate of %(issuer)s is missing: it is not among these, and not known here")
        raise Invalid.of(FIELD, "incomplete-chain", text, issuer=format_name(top.issuer))
    errors = authority_errors([certificate], now)
    errors += chain_errors(certificate, above, now) if above else []
    for each in (certificate, *above):
        errors += _weaknesses(each)
    if errors:
        unique = {(error.code, str(error.message)): replace(error, field=FIELD) for error in errors}
        raise Invalid(_NOT_USABLE, errors=unique.values())
    return above


def lock_known(organization: Organization, certificates: Sequence[x509.Certificate]) -> None:
    """Nobody revokes those of these CAs that are in our books, nor any above them, before the commit."""
    known = [find_authority(organization, each) for each in certificates]
    if ids := sorted({ca.pk for ca in known if ca is not None}):
        lock_chains(ids)


def register_above(
    organization: Organization, above: Sequence[x509.Certificate], *, event: str
) -> CertificateAuthority | None:
    """The rows of these CAs, made where there are none, and the direct issuer's among them; None: there are none.

    They are locked (`lock_known`). Raises Conflict where one of them was revoked here.
    """
    issuer: CertificateAuthority | None = None
    for certificate in reversed(above):
        ca = find_authority(organization, certificate) or _insert_foreign(organization, certificate, event=event)
        if ca.status == CertificateAuthority.Status.REVOKED:
            raise Conflict(_("%(ca)s is revoked."), code="ca-revoked", ca=ca.name)
        _keep_if_new(ca, certificate, issuer or ca, event=event)
        issuer = ca
    return issuer


def find_authority(organization: Organization, certificate: x509.Certificate) -> CertificateAuthority | None:
    """The CA of this name and key in the organization's books."""
    identity = {"subject_hash": name_hash(certificate.subject), "key_hash": public_key_sha256(key_of(certificate))}
    return CertificateAuthority.objects.select_related("key").filter(organization=organization, **identity).first()


def find_certificate(ca: CertificateAuthority, certificate: x509.Certificate) -> CaCertificate | None:
    fingerprint = sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    return CaCertificate.objects.filter(ca=ca, fingerprint=fingerprint).first()


def foreign_name(organization: Organization, certificate: x509.Certificate) -> str:
    """A name for a CA that nobody has named, and that no other has."""
    name = (common_name(certificate.subject) or format_name(certificate.subject))[: LONGEST_NAME - 20]
    name = "".join(sign for sign in name if sign.isprintable()).strip() or "CA"
    if CertificateAuthority.objects.filter(organization=organization, name=name).exists():
        return f"{name} ({public_key_sha256(key_of(certificate))[:12]})"
    return name


def note_serial(issuer: CertificateAuthority, certificate: x509.Certificate) -> None:
    """A serial number that a CA of ours used elsewhere, so that its OCSP and CRL can speak of it. Raises Conflict."""
    if not issuer.has_key:
        return
    tbs_sha256 = sha256(certificate.tbs_certificate_bytes).hexdigest()
    row, is_new = IssuedSerial.objects.get_or_create(
        ca=issuer,
        serial=serial_text(certificate.serial_number),
        defaults={
            "organization_id": issuer.organization_id,
            "kind": IssuedSerial.Kind.IMPORTED,
            "not_after": certificate.not_valid_after_utc,
            "tbs_sha256": tbs_sha256,
        },
    )
    if not is_new and row.tbs_sha256 not in ("", tbs_sha256):
        text = _("%(ca)s has used this serial number for another certificate.")
        raise Conflict(text, code="serial-used", ca=issuer.name)


def _judged(
    ca: CertificateAuthority, own: Sequence[x509.Certificate], given: Sequence[x509.Certificate], now: datetime
) -> list[tuple[x509.Certificate, tuple[x509.Certificate, ...]]]:
    """Each certificate with those above it. Raises Invalid with everything that is wrong with any of them."""
    judged, errors = [], []
    for certificate in own:
        errors += _usability_errors(ca, certificate)
        try:
            judged.append((certificate, chain_above(ca.organization, certificate, given, now=now)))
        except Invalid as error:
            errors += error.errors
    if errors:
        raise Invalid(_NOT_USABLE, errors=errors)
    return judged


def _accept(
    ca: CertificateAuthority, certificate: x509.Certificate, above: Sequence[x509.Certificate], *, event: str
) -> CaCertificate:
    issuer = register_above(ca.organization, above, event=event) or ca
    note_serial(issuer, certificate)
    return keep_ca_certificate(ca, certificate, issuer=issuer, event=event)


def _usability_errors(ca: CertificateAuthority, certificate: x509.Certificate) -> list[FieldError]:
    """Why the certificate, whoever signed it, cannot be this CA's."""
    errors = []
    if name_hash(certificate.subject) != ca.subject_hash:
        text = _("the certificate is about %(subject)s, and the CA is %(expected)s")
        subject = format_name(certificate.subject)
        errors.append(field_error(FIELD, "other-subject", text, subject=subject, expected=ca.subject))
    if not may_sign_crls(certificate):
        errors.append(field_error(FIELD, "no-crl-sign", _("the certificate does not allow its CA to sign CRLs")))
    known = {subject_key_identifier(row.certificate) for row in CaCertificate.objects.filter(ca=ca)}
    if known - {subject_key_identifier(certificate)}:
        text = _("the subject key identifier differs from that in the other certificates of this CA")
        errors.append(field_error(FIELD, "other-key-identifier", text))
    return errors


def _weaknesses(certificate: x509.Certificate) -> list[FieldError]:
    errors = weaknesses(key_of(certificate))
    is_self_signed = certificate.issuer == certificate.subject
    if not is_self_signed and isinstance(certificate.signature_hash_algorithm, _BROKEN_HASHES):
        text = _("%(name)s is signed with a broken hash algorithm")
        errors.append(field_error(FIELD, "weak-signature", text, name=format_name(certificate.subject)))
    return errors


def _known_certificates(organization: Organization) -> list[x509.Certificate]:
    rows = CaCertificate.objects.filter(organization=organization, revoked_at__isnull=True)
    return [row.certificate for row in rows.exclude(ca__status=CertificateAuthority.Status.REVOKED)]


def _insert_foreign(organization: Organization, certificate: x509.Certificate, *, event: str) -> CertificateAuthority:
    """The row that `event` tells of, or the one that somebody else has made of the same CA in the meantime."""
    name = foreign_name(organization, certificate)
    try:
        return insert_authority(
            AuthorityTerms(organization=Ref("pk", organization.pk), name=name, allow_leaf_certificates=False),
            organization=organization,
            subject=certificate.subject,
            public_key=key_of(certificate),
            key=None,
            event=event,
        )
    except Conflict:
        lock_known(organization, [certificate])
        known = find_authority(organization, certificate)
        if known is None:
            raise
        return known


def _keep_if_new(
    ca: CertificateAuthority, certificate: x509.Certificate, issuer: CertificateAuthority, *, event: str
) -> None:
    if find_certificate(ca, certificate) is not None:
        return
    note_serial(issuer, certificate)
    is_first = not CaCertificate.objects.filter(ca=ca).exists()
    keep_ca_certificate(ca, certificate, issuer=issuer, preferred=is_first, event=event)

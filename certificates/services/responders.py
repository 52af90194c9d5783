"""Delegated OCSP responders: made by the CA's key, replaced before they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.utils import timezone

from accounts import policy, vault
from audit import services as audit
from audit.events import EventName
from cas import keystore
from cas.chains import certificates_of, lock_chain
from cas.core.keys import KeyAlgorithm, PublicKey, generate, serialize_private_key
from cas.core.responder import plan_responder
from cas.core.signing import prepare, sign_certificate
from cas.models import CertificateAuthority, IssuedSerial
from cas.services.founding import reference
from cas.services.serials import new_serial, reserve_serial, serial_text
from certificates.models import CrlScope, OcspResponder
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.secret import Secret

RESPONDER_TABLE: Final = "certificates_ocspresponder"
_LIFETIME: Final = timedelta(days=30)
# Where a person must bring the passphrase, the responder outlives the CRL that is published on the same occasion.
_BEYOND_CRL: Final = timedelta(days=30)
# RSA responders of a large CA key would only be slower to make and to answer.
_RESPONDER_ALGORITHM: Final = {
    KeyAlgorithm.RSA_3072: KeyAlgorithm.RSA_2048,
    KeyAlgorithm.RSA_4096: KeyAlgorithm.RSA_2048,
}


def rotate_responder(
    *, actor: Actor, ca: CertificateAuthority, passphrase: Secret | None = None
) -> OcspResponder | None:
    """A new responder for this CA; answers are signed by the newest. None: another worker is at it.

    It has the CA's own key algorithm (RSA: 2048 bits), so that whoever can verify the CA can verify its answers.
    Raises Denied, Unavailable (the CA is locked).
    """
    policy.require(actor, Permission.CRLS_PUBLISH, organization_id=ca.organization_id, ca_id=ca.pk)
    algorithm = KeyAlgorithm(ca.key_algorithm)
    key = generate(_RESPONDER_ALGORITHM.get(algorithm, algorithm))
    with transaction.atomic():
        if not CrlScope.objects.select_for_update(skip_locked=True).filter(ca=ca, scope=0).exists():
            return None
        certificate = _certified(ca, key.public_key(), passphrase)
        row = _keep(ca, certificate, serialize_private_key(key, encoding="der"))
        audit.record(
            actor,
            EventName.RESPONDER_ROTATED,
            reference(ca),
            organization_id=ca.organization_id,
            event_id=row.event,
            serial=row.serial,
            not_after=row.not_after,
        )
    return row


def _certified(ca: CertificateAuthority, public_key: PublicKey, passphrase: Secret | None) -> x509.Certificate:
    issuer = certificates_of(lock_chain(ca.pk)).facts()
    plan = plan_responder(
        issuer=issuer, public_key=public_key, validity=_validity(ca), serial=new_serial(), now=timezone.now()
    )
    draft = prepare(plan)
    reserve_serial(ca, plan.serial, IssuedSerial.Kind.RESPONDER, not_after=plan.not_after, tbs_sha256=draft.tbs_sha256)
    with keystore.open_signer(ca, passphrase=passphrase) as signer:
        return sign_certificate(draft, signer)


def _keep(ca: CertificateAuthority, certificate: x509.Certificate, private_key: Secret) -> OcspResponder:
    row = OcspResponder(
        organization_id=ca.organization_id,
        ca=ca,
        serial=serial_text(certificate.serial_number),
        der=certificate.public_bytes(Encoding.DER),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        event=audit.new_event_id(),
    )
    row.sealed_key = vault.seal_secret(
        private_key, organization_id=ca.organization_id, table=RESPONDER_TABLE, row=row.public_id
    )
    row.save(force_insert=True)
    return row


def _validity(ca: CertificateAuthority) -> timedelta:
    """As long as a responder lives; `plan_responder` ends it with its CA where that comes first."""
    return max(_LIFETIME, ca.crl_lifetime + _BEYOND_CRL) if ca.passphrase_protected else _LIFETIME

"""How the FastPKI API shows CAs and certificates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.conf import settings
from django.utils import timezone
from rest_framework.serializers import ListField

from api.common.fields import Made
from api.common.outputs import Output, flag, identity, moment, one_of, text, whole
from api.fastpki.pki_inputs import AUTHORITY, TYPES
from audit.selectors import actors_of
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm
from cas.core.reading import UNREADABLE, extension_of
from cas.models import CaCertificate, CertificateAuthority
from certificates.bundles import key_pem
from certificates.models import Certificate
from kernel.actor import ActorKind
from kernel.secret import Secret

_NULLABLE_ID: Final = {"type": ["integer", "null"]}
_PEM: Final = {"type": "string", "description": "PEM."}
_KEY: Final = {"type": ["string", "null"], "description": "PEM; null where there is none to be had."}
_BITS_OF_KEY: Final = {"type": ["integer", "null"]}
_STATUSES: Final = ("valid", "revoked", "expired")
# Bits of the keys of each kind that there is.
_BITS: Final = {
    KeyAlgorithm.RSA_2048: 2048,
    KeyAlgorithm.RSA_3072: 3072,
    KeyAlgorithm.RSA_4096: 4096,
    KeyAlgorithm.ECDSA_P256: 256,
    KeyAlgorithm.ECDSA_P384: 384,
    KeyAlgorithm.ECDSA_P521: 521,
    KeyAlgorithm.ED25519: 256,
    KeyAlgorithm.ML_DSA_44: 10_496,
    KeyAlgorithm.ML_DSA_65: 15_616,
    KeyAlgorithm.ML_DSA_87: 20_736,
}


@dataclass(frozen=True, slots=True)
class ShownAuthority:
    """A CA with its certificate, the person who has made it, and its key where that is handed out."""

    row: CertificateAuthority
    certificate: CaCertificate
    maker: int | None = None
    private_key: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """A certificate as the document has it, whatever it stands as in our books."""

    id: int | None
    certificate: x509.Certificate
    common_name: str
    subject_dn: str
    certificate_type: str
    key_algorithm: str
    status: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None
    created_at: datetime
    issuer_id: int | None
    organization_id: int
    created_by_user_id: int | None
    created_by_service_account_id: int | None
    renewed_from_id: int | None
    renewed_to_ids: tuple[int, ...]
    private_key: Secret | None = None

    @property
    def updated_at(self) -> datetime:
        return self.revoked_at or self.created_at


class AuthorityOut(Output):
    """A CA."""

    id = identity(source="row")
    name = text(source="row.name")
    description = Made(lambda shown: shown.row.description or None, {"type": ["string", "null"]})
    subject_dn = text(source="row.subject")
    key_size = Made(lambda shown: _BITS.get(shown.row.key_algorithm), _BITS_OF_KEY)
    valid_days = Made(
        lambda shown: _days(shown.certificate.not_before, shown.certificate.not_after), {"type": "integer"}
    )
    created_at = moment(source="row.created_at")
    updated_at = moment(source="certificate.created_at")
    certificate = Made(lambda shown: to_pem(shown.certificate.certificate), _PEM)
    organization_id = whole(source="row.organization_id")
    created_by_user_id = Made(lambda shown: shown.maker, _NULLABLE_ID)
    parent_ca_id = Made(lambda shown: shown.row.parent_id, _NULLABLE_ID)
    path_length = whole(source="row.path_length", allow_null=True)
    allow_leaf_certs = flag(source="row.allow_leaf_certificates")
    crl_base_url = Made(
        lambda shown: None if shown.row.base_url == settings.PUBLIC_URL else shown.row.base_url,
        {"type": ["string", "null"], "description": "Where its CRL is found; null for the office's own address."},
    )
    is_root = flag(source="row.is_root")


class AuthorityDetailOut(AuthorityOut):
    """A CA with its private key, for those who may have it."""

    private_key = Made(lambda shown: _key_text(shown.private_key), _KEY)


class CertificateOut(Output):
    """A certificate."""

    id = Made(lambda shown: shown.id, {**_NULLABLE_ID, "description": "Null for a CA, which stands among the CAs."})
    common_name = text()
    subject_dn = text()
    certificate_type = one_of(TYPES)
    key_size = Made(lambda shown: _BITS.get(shown.key_algorithm), _BITS_OF_KEY)
    valid_days = Made(lambda shown: _days(shown.not_before, shown.not_after), {"type": "integer"})
    status = one_of(_STATUSES)
    certificate = Made(lambda shown: to_pem(shown.certificate), _PEM)
    serial_number = text(help_text="Lower-case hex.")
    not_before = moment()
    not_after = moment()
    revoked_at = moment(allow_null=True)
    created_at = moment()
    updated_at = moment()
    issuer_id = whole(allow_null=True)
    organization_id = whole()
    created_by_user_id = whole(allow_null=True)
    created_by_service_account_id = whole(allow_null=True)
    renewed_from_id = whole(allow_null=True)
    renewed_to_ids = ListField(child=whole(), read_only=True)


class CertificateDetailOut(CertificateOut):
    """A certificate with its private key, for those who may have it."""

    private_key = Made(lambda shown: _key_text(shown.private_key), _KEY)


def authorities_shown(rows: Iterable[CertificateAuthority]) -> list[ShownAuthority]:
    """CAs that have a certificate each; best with their `certificates` prefetched."""
    found = [(row, row.preferred_certificate) for row in rows]
    makers = actors_of(row.event for row, _certificate in found)
    return [
        ShownAuthority(row, certificate, _person(makers.get(row.event)))
        for row, certificate in found
        if certificate is not None
    ]


def certificate_shown(row: Certificate) -> ShownCertificate:
    """A certificate of the register, with its bytes and its history (`certificates.selectors.with_history`)."""
    revocation = row.open_revocation
    by_machine = row.requester_kind == ActorKind.SERVICE_ACCOUNT
    certificate = row.body.x509
    return ShownCertificate(
        id=row.pk,
        certificate=certificate,
        common_name=row.common_name,
        subject_dn=row.subject,
        certificate_type=_type(certificate),
        key_algorithm=row.key_algorithm,
        status=_status(row),
        serial_number=row.serial,
        not_before=row.not_before,
        not_after=row.not_after,
        revoked_at=revocation.at if revocation else None,
        created_at=row.created_at,
        issuer_id=row.ca_id,
        organization_id=row.organization_id,
        created_by_user_id=None if by_machine else row.owner_id,
        created_by_service_account_id=row.requester_id if by_machine else None,
        renewed_from_id=row.replaces_id,
        renewed_to_ids=tuple(after.pk for after in row.replaced_by.all()),
    )


def certificate_of_authority(
    shown: ShownAuthority, *, common_name: str, service_account: int | None
) -> ShownCertificate:
    """The certificate of a CA that was asked for as a certificate. It has no number among certificates."""
    ca, certificate = shown.row, shown.certificate
    return ShownCertificate(
        id=None,
        certificate=certificate.certificate,
        common_name=common_name,
        subject_dn=ca.subject,
        certificate_type=AUTHORITY,
        key_algorithm=ca.key_algorithm,
        status="valid",
        serial_number=certificate.serial,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        revoked_at=None,
        created_at=certificate.created_at,
        issuer_id=certificate.issuer_id,
        organization_id=ca.organization_id,
        created_by_user_id=shown.maker,
        created_by_service_account_id=service_account,
        renewed_from_id=None,
        renewed_to_ids=(),
        private_key=shown.private_key,
    )


def _key_text(key: Secret | None) -> str | None:
    """A private key (PKCS#8 DER) in PEM."""
    return key_pem(key).decode() if key else None


def _days(begin: datetime, end: datetime) -> int:
    return (end - begin + timedelta(seconds=1)).days


def _status(row: Certificate) -> str:
    """What is on hold is not to be believed, and has no other word here."""
    if row.state != Certificate.State.ISSUED:
        return "revoked"
    return "expired" if row.not_after < timezone.now() else "valid"


def _type(certificate: x509.Certificate) -> str:
    """By what it may be used for; for everything where it says nothing."""
    try:
        purposes = set(extension_of(certificate.extensions, x509.ExtendedKeyUsage) or ())
    except UNREADABLE:  # it came from elsewhere
        purposes = set()
    serves, signs_in = ExtendedKeyUsageOID.SERVER_AUTH in purposes, ExtendedKeyUsageOID.CLIENT_AUTH in purposes
    if serves and not signs_in:
        return "server"
    return "client" if purposes and not serves else "dual_purpose"


def _person(actor: tuple[str, int] | None) -> int | None:
    return actor[1] if actor is not None and actor[0] == ActorKind.USER else None

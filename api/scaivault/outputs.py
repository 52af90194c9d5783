"""What ScaiVault's clients are shown of certificates, and how a list is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate as X509Certificate
from django.utils import timezone
from django.utils.translation import gettext

from api.common.fields import Made, Serial
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts
from cas.core.formats import to_pem
from cas.core.names import format_name
from cas.core.reasons import CODES, reason_name
from certificates.import_selectors import chain_above
from certificates.models import Certificate
from certificates.services.minting import Issued
from kernel.secret import Secret

_STATUSES: Final = ("issued", "expired", "held", "revoked")
_PEM: Final = {"type": "string", "description": "PEM."}
_CHAIN: Final = {"type": "array", "items": {"type": "string"}, "description": "PEM, the issuer first."}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}


def listing(shape: type[Output]) -> type[Output]:
    """The schema of a page of these."""
    members = {
        "__doc__": "A page, newest first.",
        "data": shape(many=True, read_only=True),
        "next_cursor": text(allow_null=True, help_text="For the next page; null where this is the last."),
    }
    return type(f"{shape.__name__.removesuffix('Out')}ListOut", (Output,), members)


class CertificateOut(Output):
    """A certificate as lists show it."""

    id = identity()
    serial_number = Serial(source="serial", read_only=True)
    common_name = text()
    subject = text(help_text="As RFC 4514 text, most specific first.")
    san = texts(source="sans")
    ca_id = identity(source="ca", allow_null=True)
    status = Made(lambda row: row.status(timezone.now()), {"type": "string", "enum": list(_STATUSES)})
    not_before = moment()
    not_after = moment()
    source = one_of(Certificate.Source.values)  # type: ignore[assignment]
    tags = texts()
    description = text()
    fingerprint = text(help_text="SHA-256 of the DER bytes, in hex.")
    created_at = moment()


class RevocationOut(Output):
    """Why, and since when, a certificate is not to be believed."""

    revoked_at = moment(source="at")
    reason = one_of([reason_name(reason) for reason in CODES])


class CertificateDetailOut(CertificateOut):
    """A certificate with all that is known of it."""

    role = Made(lambda row: row.template.role.name if row.template else None, _MAYBE_TEXT)
    issuer = text(source="issuer_name")
    certificate = Made(lambda row: to_pem(row.body.x509), _PEM)
    ca_chain = Made(lambda row: [to_pem(each) for each in chain_above(row)], _CHAIN)
    has_private_key = Made(
        lambda row: row.key_custody == Certificate.KeyCustody.STORED,
        {"type": "boolean", "description": "Whether its private key is kept here."},
    )
    revocation = RevocationOut(source="open_revocation", read_only=True, allow_null=True)
    replaces_id = identity(source="replaces", allow_null=True)


class IssuedOut(Output):
    """A certificate that was issued now."""

    id = identity(source="certificate")
    certificate = Made(lambda issued: to_pem(issued.x509), _PEM)
    ca_chain = Made(lambda issued: [to_pem(each) for each in issued.chain], _CHAIN)
    serial_number = Serial(source="certificate.serial", read_only=True)
    not_after = moment(source="certificate.not_after")


@dataclass(frozen=True, slots=True)
class Handed:
    """What was issued, with its key as it is handed out: once."""

    issued: Issued
    key: Secret | None

    @property
    def certificate(self) -> Certificate:
        return self.issued.certificate

    @property
    def x509(self) -> X509Certificate:
        return self.issued.x509

    @property
    def chain(self) -> tuple[X509Certificate, ...]:
        return self.issued.chain


class IssuedWithKeyOut(IssuedOut):
    """A certificate that was issued now, with the key that was made for it."""

    private_key = Made(
        lambda handed: handed.key.reveal().decode() if handed.key else None,
        _MAYBE_TEXT | {"description": "PEM, once; null where it was not made here."},
    )


class PrivateKeyOut(Output):
    """A private key that is kept here."""

    private_key = Made(lambda key: key.reveal().decode(), _PEM)


class FindingOut(Output):
    """Something that is wrong, or odd."""

    code = Made(lambda finding: finding.code.replace("-", "_"), {"type": "string"})
    message = Made(lambda finding: finding.message.render(gettext), {"type": "string"})
    aspect = text()
    position = Made(
        lambda finding: finding.position,
        {"type": ["integer", "null"], "description": "In the chain, from 0 for the certificate itself."},
    )


class TrustedAnchorOut(Output):
    """The certificate in which a chain ends."""

    subject = Made(lambda anchor: format_name(anchor.subject), {"type": "string"})
    fingerprint = Made(lambda anchor: anchor.fingerprint(SHA256()).hex(), {"type": "string"})


class VerdictOut(Output):
    """What is to be thought of a certificate."""

    valid = flag()
    chain_valid = flag()
    not_expired = flag()
    not_revoked = Made(
        lambda verdict: verdict.not_revoked,
        {"type": ["boolean", "null"], "description": "Null where nobody asked, or nobody knows."},
    )
    trusted_anchor = TrustedAnchorOut(read_only=True, allow_null=True)
    errors = FindingOut(many=True, read_only=True)  # type: ignore[assignment]
    warnings = FindingOut(many=True, read_only=True)

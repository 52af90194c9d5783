"""How the native API shows certificates: the documented item, its detail, and the answer to an issuance."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from django.utils import timezone
from rest_framework.serializers import ListField

from acme_client.models import AcmeAccount
from api.common.fields import Id, Made, Serial, Subject
from api.common.outputs import Output, identity, moment, one_of, text, texts
from api.native.outputs import MAYBE_SECRET, SECRET, STRING, PkiOut
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm
from cas.core.reasons import CODES, reason_name
from cas.models import CertificateAuthority
from certificates.delivery import Delivered
from certificates.models import Certificate

_STATUSES: Final = ["issued", "expired", "held", "revoked"]
_REASONS: Final = [reason_name(reason) for reason in CODES]
_PEM: Final = STRING | {"description": "PEM."}


class TemplateRefOut(Output):
    """The template that a certificate was made from."""

    id = identity()
    code = text()


class IssuerPkiOut(PkiOut):
    """Where a certificate comes from."""

    def get_attribute(self, instance: Certificate) -> CertificateAuthority | AcmeAccount | None:
        if instance.source != Certificate.Source.ACME:
            return instance.ca
        order = getattr(instance, "acme_order", None)
        return order.account if order else None


class CertificateOut(Output):
    """A certificate as lists show it."""

    id = identity()
    serial = Serial(read_only=True)
    subject = Subject(source="subject_attributes", read_only=True)
    sans = texts()
    status = Made(lambda row: row.status(timezone.now()), {"type": "string", "enum": _STATUSES})
    not_before = moment()
    not_after = moment()
    pki = IssuerPkiOut(
        read_only=True,
        allow_null=True,
        help_text="The CA, or the account at a public one; null where neither is known here.",
    )
    template = TemplateRefOut(read_only=True, allow_null=True)


class RevocationOut(Output):
    """Why, and since when, a certificate is not to be believed."""

    revoked_at = moment(source="at")
    reason = one_of(_REASONS)
    comment = text()
    invalidity_date = moment(source="invalidity", allow_null=True)


class CertificateFactsOut(CertificateOut):
    """A certificate with what is known of it from the beginning."""

    organization_id = identity(source="organization")
    issuer = text(source="issuer_name", help_text="As RFC 4514 text, most specific first.")
    key_algorithm = one_of(KeyAlgorithm)
    fingerprint = text(help_text="SHA-256 of the DER bytes, in hex.")
    key_custody = one_of(
        Certificate.KeyCustody.values,
        help_text="Where the private key is: subscriber (never here), returned (handed out once), waiting, stored.",
    )
    requester = text(source="requester_label")
    replaces_id = identity(source="replaces", allow_null=True, help_text="The certificate that this one renews.")
    tags = texts()
    description = text()
    created_at = moment()
    revocation = RevocationOut(source="open_revocation", read_only=True, allow_null=True)
    certificate = Made(lambda row: to_pem(row.body.x509), _PEM)


class CertificateDetailOut(CertificateFactsOut):
    """A certificate with all that is known of it."""

    owner = text(source="owner.email", allow_null=True, help_text="Who answers for it.")
    replaced_by_ids = ListField(
        child=Id(), source="successors", read_only=True, help_text="The certificates that renew this one, newest first."
    )


class FileOut(Output):
    """A file in JSON."""

    content_type = text()
    filename = text()
    content = Made(lambda file: base64.b64encode(file.content).decode(), SECRET | {"contentEncoding": "base64"})


@dataclass(frozen=True, slots=True)
class Handover:
    """What an issuance hands out beside the certificate."""

    chain: tuple[x509.Certificate, ...]
    delivered: Delivered


class HandoverOut(Output):
    """The chain, and what is handed out once."""

    chain = Made(
        lambda handover: [to_pem(each) for each in handover.chain],
        {"type": "array", "items": {"type": "string"}, "description": "PEM, the issuer first."},
    )
    private_key = Made(
        lambda handover: _key_text(handover.delivered),
        MAYBE_SECRET | {"description": "Once, in the format asked for; null where it is not handed out."},
    )
    delivery = FileOut(
        source="delivered.file",
        read_only=True,
        allow_null=True,
        help_text="The file that `delivery_format` asked for; null for `pem`.",
    )


class IssuedOut(CertificateFactsOut, HandoverOut):
    """A certificate that was issued now."""


class PrivateKeyOut(Output):
    """A private key, handed out."""

    private_key = Made(lambda delivered: _key_text(delivered), SECRET)


def _key_text(delivered: Delivered) -> str | None:
    return delivered.private_key.reveal().decode() if delivered.private_key else None

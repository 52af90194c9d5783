"""What Certman's clients are shown of CAs and certificates. Names and cases of members are those of the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from rest_framework.serializers import CharField

from api.certman.fields import PEM, STRING, Instant, KeyName, ReasonName, SerialOctets, names_of_kind, pem_text
from api.common.fields import Made
from api.common.outputs import Output, attribute, flag, identity, text, whole
from cas.chains import CaChain
from cas.core.general_names import NameKind
from cas.core.names import name_to_mapping
from cas.models import CertificateAuthority
from cas.search import depths_of
from certificates.selectors import Fall, fall_of

_MAYBE: Final = {"type": ["string", "null"]}


def _instant(**options: Any) -> Instant:
    return Instant(read_only=True, **options)


def _reason(**options: Any) -> ReasonName:
    return ReasonName(read_only=True, **options)


@dataclass(frozen=True)
class ShownAuthority:
    """A CA that has a certificate, and where it stands."""

    ca: CertificateAuthority
    depth: int

    @cached_property
    def fall(self) -> Fall | None:
        return fall_of(self.ca)


def shown(rows: Sequence[CertificateAuthority]) -> list[ShownAuthority]:
    """CAs as they are shown. Each has a certificate; lists prefetch `certificates`."""
    depths = depths_of(rows)
    return [ShownAuthority(ca, depths[ca.pk]) for ca in rows]


def _attribute(name: str) -> Made:
    """An attribute of the CA's subject."""
    return Made(lambda placed: attribute(_subject(placed.ca), name), _MAYBE)


def _subject(ca: CertificateAuthority) -> dict[str, Any]:
    row = ca.preferred_certificate
    return dict(name_to_mapping(row.certificate.subject)) if row else {}


class AuthorityOut(Output):
    """A CA as lists show it."""

    id = identity(source="ca")
    name = text(source="ca.name")
    common_name = _attribute("common_name")
    organization = _attribute("organization")
    key_algorithm = KeyName(source="ca.key_algorithm", read_only=True)
    valid_from = _instant(source="ca.preferred_certificate.not_before")
    valid_to = _instant(source="ca.preferred_certificate.not_after")
    created_at = _instant(source="ca.created_at")
    parent_ca_id = identity(source="ca.parent", allow_null=True, help_text="Null for a root.")
    depth = whole(help_text="How many CAs stand above it.")
    path_length = whole(source="ca.path_length", allow_null=True, help_text="How many may stand below; null: any.")


class AuthorityDetailOut(AuthorityOut):
    """A CA with its certificate."""

    country = _attribute("country")
    state = _attribute("state")
    locality = _attribute("locality")
    certificate_pem = Made(lambda placed: pem_text(placed.ca.preferred_certificate.certificate), PEM)
    serial_number = SerialOctets(source="ca.preferred_certificate.serial", read_only=True)
    has_passphrase = flag(source="ca.passphrase_protected", help_text="Whether nothing is signed without one.")
    revoked_at = _instant(source="fall.at", allow_null=True)
    revocation_reason = _reason(source="fall.reason", allow_null=True)


class AuthoritiesOut(Output):
    """All CAs that were asked for."""

    cas = AuthorityOut(many=True, read_only=True)


class AuthorityAnswerOut(Output):
    """One CA."""

    ca = AuthorityDetailOut(read_only=True)


@dataclass(frozen=True)
class ShownChain:
    """A CA's way up to its root."""

    ca: CertificateAuthority
    chain: CaChain

    @cached_property
    def pem(self) -> list[str]:
        return [pem_text(each) for each in self.chain.certificates]


class ChainOut(Output):
    """The certificates from a CA up to its root."""

    caId = identity(source="ca")
    chainLength = Made(lambda way: len(way.pem), {"type": "integer", "minimum": 1})
    chain = Made(
        lambda way: way.pem,
        {"type": "array", "items": STRING, "description": "PEM; the CA itself first, the root last."},
    )


class RevokedOut(Output):
    """What is said of a certificate that was revoked now."""

    id = identity()
    common_name = text()
    revoked_at = _instant(source="open_revocation.at")
    revocation_reason = _reason(source="open_revocation.reason")


class NewCertificateOut(Output):
    """A certificate that was issued now."""

    id = identity()
    common_name = text()
    certificate_pem = Made(lambda row: pem_text(row.body.x509), PEM)
    san_dns = names_of_kind(NameKind.DNS)
    san_ip = names_of_kind(NameKind.IP)
    valid_from = _instant(source="not_before")
    valid_to = _instant(source="not_after")
    serial_number = SerialOctets(source="serial", read_only=True)
    created_at = _instant()


class CertificateOut(Output):
    """A certificate as lists show it."""

    id = identity()
    ca_id = identity(source="ca", allow_null=True, help_text="Null where it is from no CA of ours.")
    common_name = text()
    san_dns = names_of_kind(NameKind.DNS)
    san_ip = names_of_kind(NameKind.IP)
    key_algorithm = KeyName(read_only=True)
    valid_from = _instant(source="not_before")
    valid_to = _instant(source="not_after")
    serial_number = SerialOctets(source="serial", read_only=True)
    revoked_at = _instant(source="open_revocation.at", allow_null=True)
    revocation_reason = _reason(source="open_revocation.reason", allow_null=True)
    created_at = _instant()


class CertificateDetailOut(CertificateOut):
    """A certificate with its text."""

    certificate_pem = Made(lambda row: pem_text(row.body.x509), PEM)


class CertificatesOut(Output):
    """A page of certificates, newest first."""

    certificates = CertificateOut(source="rows", many=True, read_only=True)
    total = whole(help_text="Certificates in the whole list.")
    page = whole(source="number")
    pageSize = whole(source="size")
    totalPages = whole(source="pages")


class CertificateAnswerOut(Output):
    """One certificate."""

    certificate = CertificateDetailOut(read_only=True)


class IssuedOut(Output):
    """A new certificate, and its key where that was made here: shown this once."""

    certificate = NewCertificateOut(read_only=True)
    privateKey = CharField(required=False, help_text="PEM (PKCS#8). Only where the key was made here.")


class RenewedOut(IssuedOut):
    """The successor of a certificate."""

    message = text()


class RevocationOut(Output):
    """A certificate that was revoked now."""

    message = text()
    certificate = RevokedOut(read_only=True)

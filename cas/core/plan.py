"""What every plan is made of. A plan is judged, then frozen; whatever is signed was drafted from one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.x509 import (
    AccessDescription,
    AuthorityInformationAccess,
    AuthorityKeyIdentifier,
    Certificate,
    CertificateBuilder,
    CRLDistributionPoints,
    DistributionPoint,
    ExtensionType,
    Name,
    SubjectKeyIdentifier,
    UniformResourceIdentifier,
)
from cryptography.x509.oid import AuthorityInformationAccessOID

from cas.core.keys import PublicKey, algorithm_of, key_identifier, public_key_sha256, spki, supported
from cas.core.reading import raw_field, subject_key_identifier
from cas.core.weak_keys import weaknesses
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

Planned = tuple[ExtensionType, bool]
"""An extension and whether it is critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerFacts:
    """A CA that is to sign, the CAs above it (its parent first), and where its CRL, OCSP and certificate are found."""

    certificate: Certificate
    ancestors: tuple[Certificate, ...] = ()
    crl_url: str | None = None
    ocsp_url: str | None = None
    ca_issuers_url: str | None = None

    @property
    def chain(self) -> tuple[Certificate, ...]:
        return (self.certificate, *self.ancestors)

    @property
    def public_key(self) -> PublicKey:
        return supported(self.certificate.public_key(), field="issuer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ABC):
    """Everything about a certificate but its signature. `issuer` None: it signs itself."""

    issuer: IssuerFacts | None
    subject: Name
    public_key: PublicKey
    serial: int
    not_before: datetime
    not_after: datetime
    lint: bool

    @abstractmethod
    def extensions(self) -> Iterator[Planned]:
        """All extensions, in the order of the certificate."""

    @property
    def issuer_name(self) -> Name:
        return self.issuer.certificate.subject if self.issuer else self.subject

    @property
    def issuer_key(self) -> PublicKey:
        return self.issuer.public_key if self.issuer else self.public_key

    def subject_key_identifier(self) -> SubjectKeyIdentifier:
        """RFC 5280 4.2.1.2."""
        return SubjectKeyIdentifier(key_identifier(self.public_key))

    def authority_key_identifier(self) -> AuthorityKeyIdentifier:
        """The issuer's identifier as it stands in its certificate, copied (RFC 5280 4.2.1.1)."""
        if self.issuer is None:
            return AuthorityKeyIdentifier(self.subject_key_identifier().digest, None, None)
        copied = subject_key_identifier(self.issuer.certificate)
        return AuthorityKeyIdentifier(copied or key_identifier(self.issuer_key), None, None)


def to_be_signed(plan: Plan) -> CertificateBuilder:
    builder = (
        CertificateBuilder()
        .serial_number(plan.serial)
        .issuer_name(plan.issuer_name)
        .not_valid_before(plan.not_before)
        .not_valid_after(plan.not_after)
        .subject_name(plan.subject)
        .public_key(plan.public_key)
    )
    for value, is_critical in plan.extensions():
        builder = builder.add_extension(value, critical=is_critical)
    return builder


def crl_distribution_points(issuer: IssuerFacts) -> Iterator[Planned]:
    """Where the CRL is, if the issuer has one (RFC 5280 4.2.1.13)."""
    if issuer.crl_url:
        point = DistributionPoint([UniformResourceIdentifier(issuer.crl_url)], None, None, None)
        yield CRLDistributionPoints([point]), False


def authority_information_access(issuer: IssuerFacts, *, with_ocsp: bool = True) -> Iterator[Planned]:
    """Where OCSP and the issuer's certificate are, if it has them (RFC 5280 4.2.2.1)."""
    urls = (
        (AuthorityInformationAccessOID.OCSP, issuer.ocsp_url if with_ocsp else None),
        (AuthorityInformationAccessOID.CA_ISSUERS, issuer.ca_issuers_url),
    )
    descriptions = [AccessDescription(method, UniformResourceIdentifier(url)) for method, url in urls if url]
    if descriptions:
        yield AuthorityInformationAccess(descriptions), False


def whole_seconds(at: datetime) -> datetime:
    """UTC without fractions, as certificates have it. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).replace(microsecond=0)


def last_second(not_before: datetime, lifetime: timedelta) -> datetime:
    """notAfter: both ends count (RFC 5280 4.1.2.5). Raises Invalid on `validity` for what no certificate can say."""
    try:
        if lifetime < timedelta(seconds=1) or lifetime.microseconds:
            raise Invalid.of("validity", "out-of-range", _("must be one second or more, in whole seconds"))
        return not_before + lifetime - timedelta(seconds=1)
    except OverflowError:
        raise Invalid.of("validity", "out-of-range", _("ends after the year 9999")) from None


def lifetime_of(plan: Plan) -> timedelta:
    """How long it is valid, both ends counted: what `last_second` was told."""
    return plan.not_after - plan.not_before + timedelta(seconds=1)


def key_errors(public_key: PublicKey, forbidden: Container[str], issuer: IssuerFacts | None = None) -> list[FieldError]:
    """Why this key may not be certified at all; the field is `public_key`. No CA of the chain lends its key."""
    try:
        algorithm_of(public_key)
    except Invalid as error:
        return list(error.errors)
    errors = weaknesses(public_key)
    chain_keys = {raw_field(each, "spki") for each in issuer.chain} if issuer else set()
    if public_key_sha256(public_key) in forbidden or spki(public_key) in chain_keys:
        errors.append(
            field_error("public_key", "forbidden-key", _("this key must not be used: it is blocked, or a CA's"))
        )
    return errors

"""CAs that somebody else runs: made with plain `cryptography`, well or badly, as the test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from cas.core.keys import KeyAlgorithm, PrivateKey, PublicKey, generate
from cas.core.names import parse_name
from cas.core.schemes import hash_for

DAY = timedelta(days=1)
Extra = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Elsewhere:
    """A CA of other software, its key in hand, and the certificates above it (issuer first)."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return (self.certificate, *self.above)

    def sign(
        self,
        subject: x509.Name,
        public_key: PublicKey,
        *,
        days: int = 1000,
        since: int = 1,
        is_ca: bool = True,
        path_length: int | None = None,
        crl_sign: bool = True,
        identifier: bytes | None = None,
        extra: Sequence[Extra] = (),
        serial: int | None = None,
    ) -> x509.Certificate:
        return _certificate(
            subject,
            public_key,
            self.certificate.subject,
            self.key,
            days=days,
            since=since,
            is_ca=is_ca,
            path_length=path_length,
            crl_sign=crl_sign,
            identifier=identifier,
            extra=extra,
            serial=serial,
        )

    def certify(self, request: x509.CertificateSigningRequest, **how: object) -> x509.Certificate:
        """What an offline CA does with a CSR."""
        return self.sign(request.subject, request.public_key(), **how)

    def below(self, subject: str = "CN=Old Issuing,O=Elsewhere", **how: object) -> Elsewhere:
        key = generate(KeyAlgorithm.ECDSA_P256)
        return Elsewhere(self.sign(parse_name(subject), key.public_key(), **how), key, self.chain)

    def crl(
        self,
        *revoked: tuple[int, x509.ReasonFlags | None],
        number: int = 7,
        extra: Sequence[Extra] = (),
    ) -> bytes:
        now = timezone.now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - DAY)
            .next_update(now + DAY)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical=critical)
        for serial, reason in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(REVOKED_AT)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hash_for(self.key.public_key())).public_bytes(Encoding.DER)


REVOKED_AT = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)


def root(
    subject: str = "CN=Old Root,O=Elsewhere", algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256, **how: object
) -> Elsewhere:
    key = generate(algorithm)
    name = parse_name(subject)
    values = {"days": 3000, "since": 400, "is_ca": True, "path_length": None, "crl_sign": True} | how
    return Elsewhere(_certificate(name, key.public_key(), name, key, **values), key)


def _certificate(
    subject: x509.Name,
    public_key: PublicKey,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    *,
    days: int,
    since: int,
    is_ca: bool,
    path_length: int | None,
    crl_sign: bool,
    identifier: bytes | None = None,
    extra: Sequence[Extra] = (),
    serial: int | None = None,
) -> x509.Certificate:
    """Key identifiers are SHA-1, as most software makes them."""
    now = timezone.now().replace(microsecond=0)
    own = x509.SubjectKeyIdentifier.from_public_key(public_key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - since * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=path_length), critical=True)
        .add_extension(_usage(is_ca, crl_sign), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(identifier) if identifier else own, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hash_for(issuer_key.public_key()))


def _usage(is_ca: bool, crl_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca and crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)

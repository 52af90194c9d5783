"""Certificates of every kind, good and bad, made in one line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cas.core import der
from cas.core.usages import key_usage
from cas.core.validation.judge import judge
from cas.core.validation.question import Question
from cas.core.validation.verdict import Verdict

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
CA_BITS = key_usage(["key_cert_sign", "crl_sign"])
LEAF_BITS = key_usage(["digital_signature"])
ALGORITHMS = {
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p192": lambda: ec.generate_private_key(ec.SECP192R1()),
    "k256": lambda: ec.generate_private_key(ec.SECP256K1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "mldsa": mldsa.MLDSA44PrivateKey.generate,
}


@cache
def key_of(name: str, kind: str = "ec") -> Any:
    """The key of somebody in these tests, the same one each time."""
    return ALGORITHMS[kind]()


def named(text: str) -> x509.Name:
    """A name of one common name; empty for an empty text."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


@dataclass(kw_only=True)
class Made:
    """A certificate and its key, from which others follow."""

    subject: x509.Name
    key: Any
    certificate: x509.Certificate
    kind: str = "ec"
    extra: dict[str, Any] = field(default_factory=dict)


def make(
    subject: str | x509.Name,
    issuer: Made | None = None,
    *,
    ca: bool | None = None,
    path_length: int | None = None,
    kind: str = "ec",
    key: Any = None,
    usage: x509.KeyUsage | None = None,
    sans: list[x509.GeneralName] | None = None,
    purposes: list[x509.ObjectIdentifier] | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    without: tuple[type[x509.ExtensionType], ...] = (),
    start: datetime = NOW - 100 * DAY,
    end: datetime = NOW + 100 * DAY,
    signed_by: Any = None,
    digest: Any = None,
    serial: int | None = None,
    pss: bool = False,
) -> Made:
    """A CA where `ca` says so; else a leaf. `without`: extensions that it would have, and shall not."""
    name = named(subject) if isinstance(subject, str) else subject
    key = key or key_of(str(subject), kind)
    signer = signed_by or (issuer.key if issuer else key)
    wanted: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(bool(ca), path_length if ca else None), True),
        (usage or (CA_BITS if ca else LEAF_BITS), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.key if issuer else key).public_key()), False),
    ]
    if sans is not None:
        wanted.append((x509.SubjectAlternativeName(sans), not name.rdns))
    if purposes is not None:
        wanted.append((x509.ExtendedKeyUsage(purposes), False))
    replaced = {type(value) for value, _critical in extensions}
    builder = x509.CertificateBuilder(
        issuer_name=issuer.subject if issuer else name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=serial or x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=end,
    )
    for value, critical in [*(each for each in wanted if type(each[0]) not in replaced), *extensions]:
        if type(value) not in without:
            builder = builder.add_extension(value, critical)
    rsa_padding = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else None
    certificate = builder.sign(signer, digest or _digest(signer), rsa_padding=rsa_padding)
    return Made(subject=name, key=key, certificate=certificate, kind=kind)


def _digest(key: Any) -> hashes.HashAlgorithm | None:
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None


def make_ca(subject: str | x509.Name, issuer: Made | None = None, **options: Any) -> Made:
    return make(subject, issuer, ca=True, **options)


def server(issuer: Made, name: str = "www.example.com", **options: Any) -> Made:
    """A leaf for servers of this name."""
    return make("server", issuer, **{"sans": [x509.DNSName(name)], "purposes": [SERVER]} | options)


def signed_with_sha1(made: Made, issuer: Made) -> Made:
    """The same certificate, signed as `cryptography` does not do it any more."""
    algorithm = der.sequence(der.oid("1.2.840.10045.4.1"))
    inside = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    content = der.Reader(made.certificate.tbs_certificate_bytes).read(der.SEQUENCE).replace(inside, algorithm)
    tbs = der.sequence(content)
    signature = issuer.key.sign(tbs, ec.ECDSA(hashes.SHA1()))  # noqa: S303
    certificate = x509.load_der_x509_certificate(der.sequence(tbs, algorithm, der.bit_string(signature)))
    return Made(subject=made.subject, key=made.key, certificate=certificate)


@cache
def root() -> Made:
    return make_ca("Root")


@cache
def issuing() -> Made:
    return make_ca("Issuing", root(), path_length=0)


def judged(leaf: Made, *others: Made, anchors: tuple[Made, ...] = (), **question: Any) -> Verdict:
    """The verdict on a leaf, with these CAs shown; `root()` is trusted where nobody else is named."""
    asked: dict[str, Any] = {"at": NOW, "check_revocation": False} | question
    return judge(
        Question(
            certificate=leaf.certificate,
            anchors=[each.certificate for each in anchors or (root(),)],
            others=[each.certificate for each in others],
            **asked,
        )
    )


def errors_of(verdict: Verdict) -> list[tuple[int | None, str]]:
    return [(each.position, each.code) for each in verdict.errors]


def warnings_of(verdict: Verdict) -> list[tuple[int | None, str]]:
    return [(each.position, each.code) for each in verdict.warnings]

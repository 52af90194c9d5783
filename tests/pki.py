"""A small PKI for tests: hierarchies (one for each algorithm and session), profiles, CSRs, and readers of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ObjectIdentifier

from cas.core.authority import AuthorityWish, plan_authority
from cas.core.keys import KeyAlgorithm, PrivateKey, PublicKey, generate
from cas.core.leaf import IssuerFacts, LeafPlan, LeafWish, plan_leaf
from cas.core.names import general_name, general_name_text, parse_name
from cas.core.profile import Profile
from cas.core.responder import plan_responder
from cas.core.schemes import hash_for
from cas.core.signing import Signer, SoftwareKey, prepare, sign_certificate
from cas.core.usages import extended_key_usage_name, key_usage_names

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BASE_URL = "http://pki.example.com"
P256 = KeyAlgorithm.ECDSA_P256


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A CA whose key is in hand."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    ancestors: tuple[x509.Certificate, ...] = ()

    @property
    def facts(self) -> IssuerFacts:
        slug = self.certificate.serial_number % 1000
        return IssuerFacts(
            certificate=self.certificate,
            ancestors=self.ancestors,
            crl_url=f"{BASE_URL}/crl/{slug}",
            ocsp_url=f"{BASE_URL}/ocsp/{slug}",
            ca_issuers_url=f"{BASE_URL}/ca/{slug}.cer",
        )

    @property
    def signer(self) -> Signer:
        return Signer(self.certificate, SoftwareKey(self.key))

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return (self.certificate, *self.ancestors)


def make_root(
    algorithm: KeyAlgorithm = P256, *, subject: str = "CN=Test Root,O=Acme,C=DE", **wish: object
) -> Authority:
    key = generate(algorithm)
    values = {"validity": 3650 * DAY} | wish
    plan = plan_authority(
        issuer=None,
        wish=AuthorityWish(subject=parse_name(subject), public_key=key.public_key(), **values),
        serial=x509.random_serial_number(),
        now=NOW - 30 * DAY,
    )
    return Authority(certificate=sign_certificate(prepare(plan), Signer(None, SoftwareKey(key))), key=key)


def make_intermediate(
    parent: Authority,
    algorithm: KeyAlgorithm = P256,
    *,
    subject: str = "CN=Test Issuing CA,O=Acme,C=DE",
    **wish: object,
) -> Authority:
    key = generate(algorithm)
    values = {"validity": 1825 * DAY} | wish
    plan = plan_authority(
        issuer=parent.facts,
        wish=AuthorityWish(subject=parse_name(subject), public_key=key.public_key(), **values),
        serial=x509.random_serial_number(),
        now=NOW - 20 * DAY,
    )
    certificate = sign_certificate(prepare(plan), parent.signer)
    return Authority(certificate=certificate, key=key, ancestors=parent.chain)


def root(algorithm: KeyAlgorithm = P256) -> Authority:
    """The same root for all tests of a session."""
    return _root(algorithm)


def intermediate(algorithm: KeyAlgorithm = P256) -> Authority:
    """The same issuing CA below `root` for all tests of a session, path length 0."""
    return _intermediate(algorithm)


def a_key(algorithm: KeyAlgorithm = P256, number: int = 0) -> PrivateKey:
    """A subscriber's key; the same one for the same number."""
    return _a_key(algorithm, number)


@cache
def _root(algorithm: KeyAlgorithm) -> Authority:
    return make_root(algorithm)


@cache
def _intermediate(algorithm: KeyAlgorithm) -> Authority:
    return make_intermediate(root(algorithm), algorithm, path_length=0)


@cache
def _a_key(algorithm: KeyAlgorithm, number: int) -> PrivateKey:
    return generate(algorithm)


def profile(role: Mapping[str, object] | None = None, template: Mapping[str, object] | None = None) -> Profile:
    """A profile for servers below example.com, with what is given on top."""
    return Profile.from_document(
        {
            "role": {"allowed_domains": ["example.com"], "allow_subdomains": True} | dict(role or {}),
            "template": {"extended_key_usage": ["server_auth"]} | dict(template or {}),
        }
    )


def a_wish(
    subject: str = "CN=api.example.com",
    *sans: str,
    public_key: PublicKey | None = None,
    validity: timedelta | None = None,
) -> LeafWish:
    return LeafWish(
        subject=parse_name(subject),
        sans=tuple(general_name(san) for san in sans),
        public_key=public_key or a_key().public_key(),
        validity=validity,
    )


def a_plan(
    wish: LeafWish | None = None, *, under: Authority | None = None, by: Profile | None = None, now: datetime = NOW
) -> LeafPlan:
    return plan_leaf(
        profile=by or profile(),
        issuer=(under or intermediate()).facts,
        wish=wish or a_wish(),
        serial=x509.random_serial_number(),
        now=now,
    )


def issue(
    wish: LeafWish | None = None, *, under: Authority | None = None, by: Profile | None = None, now: datetime = NOW
) -> x509.Certificate:
    issuer = under or intermediate()
    return sign_certificate(prepare(a_plan(wish, under=issuer, by=by, now=now)), issuer.signer)


def make_responder(authority: Authority, algorithm: KeyAlgorithm = P256) -> Signer:
    key = generate(algorithm)
    plan = plan_responder(
        issuer=authority.facts,
        public_key=key.public_key(),
        validity=30 * DAY,
        serial=x509.random_serial_number(),
        now=NOW,
    )
    return Signer(sign_certificate(prepare(plan), authority.signer), SoftwareKey(key))


def make_csr(
    key: PrivateKey | None = None,
    subject: str = "CN=api.example.com",
    sans: tuple[str, ...] = (),
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> str:
    """A CSR in PEM, as a subscriber's own software would make it."""
    key = key or a_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(parse_name(subject))
    if sans:
        names = x509.SubjectAlternativeName([general_name(san) for san in sans])
        builder = builder.add_extension(names, critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hash_for(key.public_key())).public_bytes(Encoding.PEM).decode()


def sans_of(certificate: x509.Certificate) -> list[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [general_name_text(name) for name in extension.value]


def usages_of(certificate: x509.Certificate) -> tuple[str, ...]:
    return key_usage_names(certificate.extensions.get_extension_for_class(x509.KeyUsage).value)


def purposes_of(certificate: x509.Certificate) -> list[str]:
    extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return [extended_key_usage_name(oid) for oid in extension.value]


def extension_names(certificate: x509.Certificate) -> dict[str, bool]:
    """Which extensions there are, and whether they are critical."""
    return {type(extension.value).__name__: extension.critical for extension in certificate.extensions}


def urls_of(certificate: x509.Certificate) -> dict[str, str]:
    """The URLs that a certificate points to: crl, ocsp, ca."""
    found: dict[str, str] = {}
    methods: dict[ObjectIdentifier, str] = {
        AuthorityInformationAccessOID.OCSP: "ocsp",
        AuthorityInformationAccessOID.CA_ISSUERS: "ca",
    }
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            found["crl"] = extension.value[0].full_name[0].value
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            found |= {methods[each.access_method]: each.access_location.value for each in extension.value}
    return found


def to_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

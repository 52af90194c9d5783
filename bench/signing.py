"""The least that issuing can be: read a CSR, believe its signature, build a certificate, sign it. No rule, no lint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

_key = ec.generate_private_key(ec.SECP256R1())
_issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Floor CA")])
_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(_key.public_key())
_key_usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
_purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
_crl = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://localhost/crl/floor")], None, None, None)]
)
_information = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(f"http://localhost/{path}/floor"))
        for method, path in (
            (AuthorityInformationAccessOID.OCSP, "ocsp"),
            (AuthorityInformationAccessOID.CA_ISSUERS, "ca"),
        )
    ]
)


def signature() -> bytes:
    """As much work as the signature of a small certificate."""
    return sign(b"x" * 1000)


def sign(content: bytes) -> bytes:
    """ECDSA with P-256 and SHA-256, DER."""
    return _key.sign(content, ec.ECDSA(SHA256()))


def certificate_for(csr: str) -> x509.Certificate:
    """A certificate with the extensions that every leaf of ours has. Raises ValueError for a wrong signature."""
    request = x509.load_pem_x509_csr(csr.encode())
    if not request.is_signature_valid:
        raise ValueError("the signature does not belong to the key in the request")
    begin = datetime.now(UTC).replace(microsecond=0)
    public_key = request.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(_issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage, critical=True)
        .add_extension(_purpose, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_authority, critical=False)
        .add_extension(_subject_alternative_name(request), critical=False)
        .add_extension(_crl, critical=False)
        .add_extension(_information, critical=False)
        .sign(_key, SHA256())
    )


def make_csr(common_name: str) -> str:
    """A CSR for a new P-256 key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    names = x509.SubjectAlternativeName([x509.DNSName(common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(names, critical=False)
    return request.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def _subject_alternative_name(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName:
    return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

"""Where CA keys sign, and the only place where they do.

The bytes that were linted are the bytes that are signed: a draft under a throwaway key is linted, then the CA's key
signs the draft's own TBS bytes. So a key is anything that signs bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificateSigningRequest,
    ExtendedKeyUsage,
    Name,
    SubjectKeyIdentifier,
    load_der_x509_certificate,
    load_der_x509_csr,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core import der, lint, ocsp
from cas.core.crl import crl_opening
from cas.core.keys import (
    KeyAlgorithm,
    KeyFamily,
    PrivateKey,
    PublicKey,
    algorithm_of,
    generate,
    key_identifier,
    same_key,
    spki,
    supported,
)
from cas.core.lint import LintRefused, Misissuance
from cas.core.plan import Plan, to_be_signed
from cas.core.reading import extension_of, may_sign_crls, subject_key_identifier
from cas.core.schemes import algorithm_identifier, hash_for, is_signed_by, prehash
from cas.core.usages import AUTHORITY_USAGES, key_usage

__all__ = [
    "LintRefused",
    "LintedDraft",
    "Misissuance",
    "Signer",
    "SigningKey",
    "SoftwareKey",
    "prepare",
    "sign_certificate",
    "sign_crl",
    "sign_csr",
    "sign_ocsp_response",
]

_EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"  # RFC 2985 5.4.2
_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_KEY_USAGE: Final = "2.5.29.15"
_SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"


class SigningKey(Protocol):
    """A private key that need not be in this process. Another kind of key (PKCS#11, a KMS) is one more of these."""

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, data: bytes) -> bytes:
        """The raw signature over `data`, by the scheme that `schemes` names for this key."""
        ...


@dataclass(frozen=True, slots=True)
class SoftwareKey:
    """A private key in memory."""

    _key: PrivateKey = field(repr=False)

    @property
    def public_key(self) -> PublicKey:
        return self._key.public_key()

    def sign(self, data: bytes) -> bytes:
        return _sign(self._key, data)


@dataclass(frozen=True, slots=True)
class Signer:
    """An unlocked key and the certificate it signs under; None for a root that is to sign its own.

    Raises Misissuance if the two do not belong together.
    """

    certificate: Certificate | None
    _key: SigningKey = field(repr=False)

    def __post_init__(self) -> None:
        if self.certificate and not same_key(supported(self.certificate.public_key()), self._key.public_key):
            raise Misissuance("the key is not the key of the certificate")

    @property
    def public_key(self) -> PublicKey:
        return self._key.public_key


@dataclass(frozen=True, slots=True, kw_only=True)
class LintedDraft:
    """What may be signed: a plan, and the TBS bytes that were drafted from it and passed their lint.

    Made by `prepare` alone.
    """

    plan: Plan
    tbs: bytes = field(repr=False)

    @property
    def tbs_sha256(self) -> str:
        """64 lower-case hex digits, to announce what is about to be signed."""
        return hashlib.sha256(self.tbs).hexdigest()


def prepare(plan: Plan) -> LintedDraft:
    """Draft the plan under a throwaway key of the issuer's kind, and lint the draft.

    Raises LintRefused where pkilint objects, Misissuance where the draft is not what was planned.
    """
    throwaway = _throwaway(algorithm_of(plan.issuer_key))
    draft = to_be_signed(plan).sign(throwaway, hash_for(plan.issuer_key))  # type: ignore[arg-type]
    lint.check(draft, plan)
    return LintedDraft(plan=plan, tbs=draft.tbs_certificate_bytes)


def sign_certificate(draft: LintedDraft, signer: Signer) -> Certificate:
    """Sign exactly the linted bytes. Raises Misissuance on any surprise; nothing it raised about may be handed out."""
    _refuse_another_issuer(draft.plan, signer)
    signature = signer._key.sign(draft.tbs)
    try:
        # Verified as relying parties do it: what stands in the certificate, by its issuer's.
        certificate = load_der_x509_certificate(_with_signature(draft.tbs, signature, signer))
        certificate.verify_directly_issued_by(signer.certificate or certificate)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Misissuance("the certificate does not verify with its issuer") from error
    if certificate.tbs_certificate_bytes != draft.tbs:
        raise Misissuance("the signed bytes differ from the linted bytes")
    return certificate


def sign_crl(tbs: bytes, signer: Signer) -> bytes:
    """A CertificateList, DER, from `crl_to_be_signed` for this signer's CA.

    Raises Misissuance, also if the CA may not sign CRLs (RFC 5280 4.2.1.3).
    """
    if signer.certificate is None or not may_sign_crls(signer.certificate):
        raise Misissuance("the signer may not sign CRLs")
    if not _content_starts(tbs, crl_opening(signer.certificate)):
        raise Misissuance("the list was made for another issuer")
    return _signed(tbs, signer)


def sign_ocsp_response(tbs: bytes, signer: Signer) -> bytes:
    """An OCSPResponse, DER, from `response_to_be_signed`; the responder's certificate goes with it.

    Raises Misissuance, also if the signer is neither a CA nor a delegated responder (RFC 6960 4.2.2.2).
    """
    if signer.certificate is None or not _may_answer(signer.certificate):
        raise Misissuance("the signer is not an OCSP responder")
    if not _content_starts(tbs, ocsp.response_opening(signer.public_key)):
        raise Misissuance("the answer was made for another responder")
    certificates = der.explicit(0, der.sequence(signer.certificate.public_bytes(Encoding.DER)))
    return ocsp.successful(_signed(tbs, signer, certificates))


def sign_csr(subject: Name, signer: Signer) -> CertificateSigningRequest:
    """A request for a CA certificate from elsewhere (RFC 2986), asking for CA, keyCertSign and cRLSign.

    It asks for the key identifier that stands in what the CA has signed already, if it has a certificate.
    """
    known = subject_key_identifier(signer.certificate) if signer.certificate else None
    identifier = SubjectKeyIdentifier(known or key_identifier(signer.public_key))
    extensions = der.sequence(
        der.extension(_BASIC_CONSTRAINTS, BasicConstraints(ca=True, path_length=None).public_bytes(), critical=True),
        der.extension(_KEY_USAGE, key_usage(AUTHORITY_USAGES).public_bytes(), critical=True),
        der.extension(_SUBJECT_KEY_IDENTIFIER, identifier.public_bytes()),
    )
    attribute = der.sequence(der.oid(_EXTENSION_REQUEST), der.tlv(der.SET, extensions))
    info = der.sequence(der.integer(0), subject.public_bytes(), spki(signer.public_key), der.explicit(0, attribute))
    return load_der_x509_csr(_signed(info, signer))


def _refuse_another_issuer(plan: Plan, signer: Signer) -> None:
    planned = plan.issuer.certificate if plan.issuer else None
    if signer.certificate != planned or not same_key(signer.public_key, plan.issuer_key):
        raise Misissuance("the draft was made for another issuer")


def _may_answer(certificate: Certificate) -> bool:
    constraints = extension_of(certificate.extensions, BasicConstraints)
    purposes = extension_of(certificate.extensions, ExtendedKeyUsage)
    return bool(constraints and constraints.ca) or bool(purposes and ExtendedKeyUsageOID.OCSP_SIGNING in purposes)


def _content_starts(sequence: bytes, opening: bytes) -> bool:
    """Whether the content of a SEQUENCE begins with these bytes; the rest is not copied, for it may be long."""
    length = len(sequence)
    return any(
        sequence.startswith(der.header(der.SEQUENCE, length - size) + opening) for size in range(2, 7) if size <= length
    )


def _signed(tbs: bytes, signer: Signer, *rest: bytes) -> bytes:
    signature = signer._key.sign(tbs)
    if not is_signed_by(signer.public_key, signature, tbs):
        raise Misissuance("the key made a signature that does not verify")
    return _with_signature(tbs, signature, signer, *rest)


def _with_signature(tbs: bytes, signature: bytes, signer: Signer, *rest: bytes) -> bytes:
    """`SEQUENCE { tbs, algorithm, signature, … }`, the shape of everything that X.509 signs."""
    closing = algorithm_identifier(signer.public_key) + der.bit_string(signature) + b"".join(rest)
    return b"".join((der.header(der.SEQUENCE, len(tbs) + len(closing)), tbs, closing))


def _sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), prehash(key.public_key()))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(prehash(key.public_key())))
    return key.sign(data)


@cache
def _throwaway(algorithm: KeyAlgorithm) -> PrivateKey:
    """A key that signs drafts and nothing else, one per process. RSA takes its smallest size: a draft has only to name
    the issuer's signature algorithm, which is the hash's affair.
    """
    return generate(KeyAlgorithm.RSA_2048 if algorithm.family is KeyFamily.RSA else algorithm)

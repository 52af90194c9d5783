"""Whether a key has signed something, by every algorithm that can be read; each pair is asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, HashAlgorithm
from cryptography.x509.oid import ObjectIdentifier, SignatureAlgorithmOID

from cas.core.reading import UNREADABLE
from cas.core.validation.facts import Facts
from cas.core.validation.work import Budget

# Keys that hash for themselves; the algorithm identifier must be theirs.
_PLAIN: Final = {
    ed25519.Ed25519PublicKey: SignatureAlgorithmOID.ED25519,
    ed448.Ed448PublicKey: SignatureAlgorithmOID.ED448,
    mldsa.MLDSA44PublicKey: ObjectIdentifier("2.16.840.1.101.3.4.3.17"),
    mldsa.MLDSA65PublicKey: ObjectIdentifier("2.16.840.1.101.3.4.3.18"),
    mldsa.MLDSA87PublicKey: ObjectIdentifier("2.16.840.1.101.3.4.3.19"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Bytes, their signature, and the algorithm that it is said to be of."""

    data: bytes
    signature: bytes
    algorithm: ObjectIdentifier
    parameters: object
    hash: HashAlgorithm | None


def is_signed_by(key: object, signed: Signed) -> bool:
    """Whether this key made the signature. False too for algorithms that do not go with the key, or are not known."""
    try:
        _verify(key, signed)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _verify(key: object, signed: Signed) -> None:
    match key:
        case rsa.RSAPublicKey():
            if not isinstance(signed.parameters, padding.PKCS1v15 | padding.PSS) or signed.hash is None:
                raise InvalidSignature
            key.verify(signed.signature, signed.data, signed.parameters, signed.hash)
        case ec.EllipticCurvePublicKey():
            key.verify(signed.signature, signed.data, _ecdsa(signed))
        case (
            ed25519.Ed25519PublicKey()
            | ed448.Ed448PublicKey()
            | mldsa.MLDSA44PublicKey()
            | mldsa.MLDSA65PublicKey()
            | mldsa.MLDSA87PublicKey()
        ):
            if not any(isinstance(key, kind) and signed.algorithm == oid for kind, oid in _PLAIN.items()):
                raise InvalidSignature
            key.verify(signed.signature, signed.data)
        case _other:
            raise InvalidSignature


def _ecdsa(signed: Signed) -> ec.ECDSA:
    """`cryptography` names no parameters for SHA-1, which is judged elsewhere. Raises InvalidSignature."""
    if isinstance(signed.parameters, ec.ECDSA):
        return signed.parameters
    if signed.algorithm != SignatureAlgorithmOID.ECDSA_WITH_SHA1:
        raise InvalidSignature
    return ec.ECDSA(SHA1())  # noqa: S303


@dataclass(slots=True)
class SignatureChecks:
    """Signatures, each asked for once and paid for from the budget."""

    budget: Budget
    _known: dict[tuple[str | int, bytes], bool] = field(default_factory=dict)

    def holds(self, certificate: Facts, issuer: Facts) -> bool:
        """Whether the key of `issuer` has signed the certificate. Raises OutOfWork."""
        return self._once(certificate.fingerprint, issuer, lambda: _has_signed(issuer.key, certificate))

    def holds_over(self, what: object, signed: Signed, issuer: Facts) -> bool:
        """Whether the key of `issuer` has signed this, which lives as long as these checks do. Raises OutOfWork."""
        return self._once(id(what), issuer, lambda: is_signed_by(issuer.key, signed))

    def _once(self, what: str | int, issuer: Facts, ask: Callable[[], bool]) -> bool:
        pair = (what, issuer.spki)
        if pair not in self._known:
            self.budget.spend_signature()
            self._known[pair] = issuer.key is not None and ask()
        return self._known[pair]


def _has_signed(key: object, facts: Facts) -> bool:
    certificate = facts.certificate
    try:
        signed = Signed(
            data=certificate.tbs_certificate_bytes,
            signature=certificate.signature,
            algorithm=certificate.signature_algorithm_oid,
            parameters=certificate.signature_algorithm_parameters,
            hash=certificate.signature_hash_algorithm,
        )
    except UNREADABLE:
        return False
    return is_signed_by(key, signed)

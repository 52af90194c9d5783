"""Signatures and keys that are too weak to be believed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cas.core.keys import PublicKey
from cas.core.reading import UNREADABLE
from cas.core.validation.facts import Facts
from cas.core.validation.findings import Findings
from cas.core.validation.verdict import Aspect
from cas.core.weak_keys import weaknesses
from kernel.errors import FieldError
from kernel.text import _

# Collisions can be made: of MD5 in seconds (2004), of SHA-1 with chosen prefixes (2020, "SHA-1 is a Shambles").
_BROKEN_HASHES: Final = frozenset({"md5", "sha1"})
# SP 800-131A: below these a key is no longer to be relied on.
_SMALLEST_RSA: Final = 2048
_SMALLEST_CURVE: Final = 224


def strength_errors(found: Findings, position: int, *, is_anchor: bool) -> None:
    """What is too weak in the certificate at this position. Nobody relies on the signature of an anchor."""
    facts = found.path[position]
    algorithm = None if is_anchor else _hash_of(facts)
    if algorithm is not None and algorithm.name in _BROKEN_HASHES:
        text = _("%(name)s is signed with %(hash)s, which can be forged")
        found.error(Aspect.CHAIN, position, "weak-signature", text, hash=algorithm.name.upper())
    _judge_key(found, position)


def _hash_of(facts: Facts) -> HashAlgorithm | None:
    try:
        return facts.certificate.signature_hash_algorithm
    except UNREADABLE:
        return None


def _judge_key(found: Findings, position: int) -> None:
    facts = found.path[position]
    match facts.key:
        case rsa.RSAPublicKey() as key if key.key_size < _SMALLEST_RSA:
            text = _("%(name)s has an RSA key of %(bits)s bits, which is too short")
            found.error(Aspect.CHAIN, position, "weak-key", text, bits=key.key_size)
        case ec.EllipticCurvePublicKey() as key if key.curve.key_size < _SMALLEST_CURVE:
            text = _("%(name)s has a key on the curve %(curve)s, which is too small")
            found.error(Aspect.CHAIN, position, "weak-key", text, curve=key.curve.name)
        case dsa.DSAPublicKey():
            text = _("%(name)s has a DSA key, which is not supported")
            found.error(Aspect.CHAIN, position, "unsupported-key", text)
        case rsa.RSAPublicKey() | ed25519.Ed25519PublicKey():
            found.quote(Aspect.CHAIN, position, _known_weaknesses(facts.spki))


@lru_cache(maxsize=512)
def _known_weaknesses(spki: bytes) -> tuple[FieldError, ...]:
    """A CA stands in many paths, and looking for weaknesses takes up to 20 ms."""
    return tuple(weaknesses(cast(PublicKey, load_der_public_key(spki))))

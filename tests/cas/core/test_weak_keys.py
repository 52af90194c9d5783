"""Keys of a good size that must not be certified."""

import math

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from cas.core.keys import KeyAlgorithm
from cas.core.weak_keys import weaknesses
from tests.pki import a_key

# One more than a multiple of it is 1 modulo every prime of the fingerprint, and 1 is a power of 65537.
_ROCA_PRODUCT = math.prod(p for p in range(3, 168) if all(p % d for d in range(2, p)))


def _rsa(n, e=65537):
    return rsa.RSAPublicNumbers(e, n).public_key()


@pytest.mark.parametrize(
    "algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_44]
)
def test_a_fresh_key_has_no_weakness(algorithm):
    assert weaknesses(a_key(algorithm).public_key()) == []


def _good_modulus():
    return a_key(KeyAlgorithm.RSA_2048).public_key().public_numbers().n


_FACTOR = 3 * 2**1022 + 12345


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("exponent", lambda: _rsa(_good_modulus(), 3)),
        ("exponent", lambda: _rsa(_good_modulus(), 2**256 + 1)),
        ("small factor", lambda: _rsa(65521 * (2**2032 + 1))),
        ("small factor", lambda: _rsa(751 * (2**2039 + 1))),
        ("close to each other", lambda: _rsa(_FACTOR * (_FACTOR + 198))),
        ("close to each other", lambda: _rsa(_FACTOR**2)),
        ("ROCA", lambda: _rsa(_ROCA_PRODUCT * 2**1800 + 1)),
    ],
)
def test_a_weak_rsa_key_is_found(what, make):
    assert what in " ".join(str(error.message) for error in weaknesses(make()))


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        ("small order", "01" + "00" * 31),
        ("small order", "00" * 32),
        ("small order", "ec" + "ff" * 30 + "7f"),
        ("small order", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        ("small order", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        ("not on the curve", "02" + "00" * 31),
    ],
)
def test_an_ed25519_point_that_anyone_can_sign_for_is_found(what, raw):
    found = weaknesses(ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw)))
    assert [what in str(error.message) for error in found] == [True]
    assert {(error.field, error.code) for error in found} == {("public_key", "weak-key")}

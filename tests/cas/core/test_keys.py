"""Which keys are ours, how they are named, written and read."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cas.core.keys import (
    KeyAlgorithm,
    KeyFamily,
    algorithm_of,
    generate,
    key_identifier,
    load_private_key,
    public_key_sha256,
    same_key,
    serialize_private_key,
)
from kernel.errors import Invalid
from kernel.secret import Secret
from tests.pki import a_key

QUICK = [algorithm for algorithm in KeyAlgorithm if algorithm not in (KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_4096)]


@pytest.mark.parametrize("algorithm", QUICK)
def test_a_made_key_is_of_its_algorithm(algorithm):
    assert algorithm_of(generate(algorithm).public_key()) is algorithm


def test_families_are_told_from_algorithms():
    assert [algorithm.family for algorithm in (KeyAlgorithm.RSA_4096, KeyAlgorithm.ECDSA_P521)] == ["RSA", "ECDSA"]
    assert KeyAlgorithm.ED25519.family is KeyFamily.ED25519
    assert KeyAlgorithm.ML_DSA_65.family is KeyFamily.ML_DSA


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("RSA-1024", lambda: rsa.generate_private_key(65537, 1024)),  # noqa: S505
        ("secp192r1", lambda: ec.generate_private_key(ec.SECP192R1())),
        ("secp256k1", lambda: ec.generate_private_key(ec.SECP256K1())),
        ("DSA", lambda: dsa.generate_private_key(1024)),  # noqa: S505
        ("X25519", x25519.X25519PrivateKey.generate),
        ("Ed448", ed448.Ed448PrivateKey.generate),
    ],
)
def test_other_keys_are_refused_by_name(kind, make):
    with pytest.raises(Invalid, match=kind) as caught:
        algorithm_of(make().public_key())
    assert [(error.field, error.code) for error in caught.value.errors] == [("public_key", "unsupported-key")]


def test_a_key_is_named_by_the_hash_of_its_spki():
    public = a_key().public_key()
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public_key_sha256(public) == hashlib.sha256(encoded).hexdigest()


def test_the_key_identifier_is_rfc_7093_method_1():
    public = a_key().public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert key_identifier(public) == hashlib.sha256(point).digest()[:20]


@pytest.mark.parametrize("algorithm", QUICK)
def test_the_key_identifier_hashes_the_same_bits_as_the_library(algorithm):
    from cas.core.keys import key_bits

    public = a_key(algorithm).public_key()
    expected = x509.SubjectKeyIdentifier.from_public_key(public).digest
    assert hashlib.sha1(key_bits(public), usedforsecurity=False).digest() == expected


@pytest.mark.parametrize("algorithm", QUICK)
@pytest.mark.parametrize("encoding", ["pem", "der"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_written_key_is_read_again(algorithm, encoding, trusted):
    key = a_key(algorithm)
    written = serialize_private_key(key, encoding=encoding)
    assert same_key(load_private_key(written, trusted=trusted).public_key(), key.public_key())


def test_a_key_under_a_password_opens_with_it_alone():
    written = serialize_private_key(a_key(), password=Secret("swordfish"))
    load_pem_private_key(written.reveal(), b"swordfish")
    with pytest.raises(Invalid):
        load_private_key(written, trusted=False)
    with pytest.raises(Invalid):
        load_private_key(written, trusted=False, password=Secret("tuna"))


@pytest.mark.parametrize(
    ("algorithm", "label"), [(KeyAlgorithm.RSA_2048, b"RSA PRIVATE KEY"), (KeyAlgorithm.ECDSA_P256, b"EC PRIVATE KEY")]
)
def test_the_traditional_form_has_its_own_label(algorithm, label):
    assert label in serialize_private_key(a_key(algorithm), format="pkcs1").reveal()


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_44])
def test_keys_without_a_traditional_form_say_so(algorithm):
    with pytest.raises(Invalid) as caught:
        serialize_private_key(a_key(algorithm), format="pkcs1")
    assert caught.value.errors[0].field == "key_format"


@pytest.mark.parametrize(
    "data", [b"", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", b"\x30\x03\x02\x01\x00"]
)
def test_what_is_no_key_is_refused_without_quoting_it(data):
    with pytest.raises(Invalid) as caught:
        load_private_key(Secret(data), trusted=False)
    assert caught.value.errors[0].field == "private_key"
    assert caught.value.__cause__ is None


def test_an_unsupported_private_key_is_refused():
    key = ec.generate_private_key(ec.SECP256K1())
    with pytest.raises(Invalid, match="secp256k1"):
        load_private_key(serialize_private_key(key), trusted=False)

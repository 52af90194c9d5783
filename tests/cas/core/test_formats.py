"""The shapes that certificates come and go in."""

import contextlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12
from cryptography.x509 import load_der_x509_crl
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.core.crl import crl_to_be_signed, entry_der
from cas.core.formats import crl_to_pem, read_certificate, read_certificates, to_der, to_pem, to_pkcs7, to_pkcs12
from cas.core.keys import KeyAlgorithm, same_key
from cas.core.signing import sign_crl
from kernel.errors import Invalid
from kernel.secret import Secret
from tests.pki import DAY, NOW, a_key, intermediate, issue, root

LEAF = issue()
CHAIN = intermediate().chain


def test_pem_and_der_are_read_again():
    assert read_certificate(to_pem(LEAF)) == LEAF
    assert read_certificate(to_der(LEAF)) == LEAF
    assert read_certificates(to_pem(LEAF, *CHAIN)) == (LEAF, *CHAIN)


def test_a_crl_is_written_as_openssl_writes_it():
    """Of every length of a last line, and over the edges of what is encoded at once."""
    now = NOW.replace(microsecond=0)
    for count in (0, 1, 2, 3, 4000):
        entries = [entry_der((1 << 150) + number, now) for number in range(count)]
        tbs = crl_to_be_signed(
            issuer=intermediate().certificate, number=1, this_update=now, next_update=now + DAY, entries=entries
        )
        der = sign_crl(tbs, intermediate().signer)
        assert crl_to_pem(der) == load_der_x509_crl(der).public_bytes(Encoding.PEM)


def test_text_between_pem_blocks_is_passed_over():
    bundle = f"# leaf\n{to_pem(LEAF)}\n subject=CN=x\n{to_pem(root().certificate)}"
    assert read_certificates(bundle) == (LEAF, root().certificate)


@pytest.mark.parametrize(
    ("what", "data", "code"),
    [
        ("nothing", "", "unreadable-certificate"),
        ("words", "hello", "unreadable-certificate"),
        ("a number", b"\x02\x01\x01", "unreadable-certificate"),
        ("bytes after the DER", to_der(LEAF) + b"\x00", "unreadable-certificate"),
        ("bytes cut off", to_der(LEAF)[:-1], "unreadable-certificate"),
        (
            "a private key beside it",
            to_pem(LEAF) + "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
            "unreadable-certificate",
        ),
        ("a block without an end", to_pem(LEAF).partition("-----END")[0], "unreadable-certificate"),
        ("a long way to no end", "-----BEGIN CERTIFICATE-----" + " " * 250_000, "unreadable-certificate"),
        ("two certificates", to_pem(LEAF, LEAF), "several-certificates"),
        ("33 certificates", to_pem(*[LEAF] * 33), "too-long"),
        ("too much", b"x" * (256 * 1024 + 1), "too-long"),
    ],
)
def test_what_is_not_one_certificate_is_refused(what, data, code):
    with pytest.raises(Invalid) as caught:
        read_certificate(data)
    assert [(error.field, error.code) for error in caught.value.errors] == [("certificate", code)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_bytes_give_no_other_error(data):
    encoded = bytearray(to_der(LEAF))
    for position in data.draw(st.lists(st.integers(0, len(encoded) - 1), min_size=1, max_size=3)):
        encoded[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Invalid):
        read_certificate(bytes(encoded))


@pytest.mark.parametrize(
    ("encoding", "load"), [("pem", pkcs7.load_pem_pkcs7_certificates), ("der", pkcs7.load_der_pkcs7_certificates)]
)
def test_a_pkcs7_holds_the_chain(encoding, load):
    assert set(load(to_pkcs7([LEAF, *CHAIN], encoding=encoding))) == {LEAF, *CHAIN}


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519])
def test_a_pkcs12_holds_key_certificate_and_chain(algorithm):
    key = a_key(algorithm)
    by_itself = LEAF if algorithm is KeyAlgorithm.ECDSA_P256 else None
    certificate = by_itself or _leaf_of(algorithm)
    file = to_pkcs12(certificate, key=key, chain=CHAIN, password=Secret("swordfish"), name="api")
    loaded = pkcs12.load_pkcs12(file.reveal(), b"swordfish")
    assert same_key(loaded.key.public_key(), key.public_key())
    assert (loaded.cert.certificate, loaded.cert.friendly_name) == (certificate, b"api")
    assert tuple(each.certificate for each in loaded.additional_certs) == CHAIN


def _leaf_of(algorithm):
    from tests.pki import a_wish, profile

    wish = a_wish(public_key=a_key(algorithm).public_key())
    return issue(wish, by=profile(template={"any_key_algorithm": True}))


def test_a_key_without_a_password_and_an_ml_dsa_key_do_not_go_into_a_pkcs12():
    for password in (None, Secret("")):
        with pytest.raises(Invalid) as caught:
            to_pkcs12(LEAF, key=a_key(), chain=(), password=password)
        assert caught.value.errors[0].field == "password"
    with pytest.raises(Invalid) as caught:
        to_pkcs12(LEAF, key=a_key(KeyAlgorithm.ML_DSA_44), chain=(), password=Secret("x"))
    assert caught.value.errors[0].field == "format"


@pytest.mark.parametrize("password", [Secret("x"), None])
def test_certificates_alone_need_no_password_in_a_pkcs12(password):
    file = to_pkcs12(LEAF, key=None, chain=CHAIN, password=password)
    loaded = pkcs12.load_pkcs12(file.reveal(), password.reveal() if password else None)
    assert loaded.key is None
    assert {each.certificate for each in loaded.additional_certs} >= set(CHAIN)

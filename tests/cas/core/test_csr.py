"""CSRs are hostile: what is in a good one, and that a bad one is always an Invalid on `csr`."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.core import der
from cas.core.csr import LONGEST, read_csr
from cas.core.keys import KeyAlgorithm, same_key
from cas.core.names import format_name
from cas.core.schemes import algorithm_identifier
from cas.core.usages import key_usage
from kernel.errors import Invalid
from tests.pki import a_key, make_csr

GOOD = make_csr(sans=("api.example.com", "10.0.0.1"))


def _as_der(pem):
    return x509.load_pem_x509_csr(pem.encode()).public_bytes(Encoding.DER)


def _refusals(data):
    with pytest.raises(Invalid) as caught:
        read_csr(data)
    assert {error.field for error in caught.value.errors} == {"csr"}
    return {error.code for error in caught.value.errors}


@pytest.mark.parametrize(
    "algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ECDSA_P384, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_65]
)
def test_the_facts_of_a_csr_are_read(algorithm):
    facts = read_csr(make_csr(a_key(algorithm), "CN=a,O=Acme", sans=("a.example.com",)))
    assert format_name(facts.subject) == "CN=a,O=Acme"
    assert facts.sans == (x509.DNSName("a.example.com"),)
    assert facts.algorithm is algorithm
    assert same_key(facts.public_key, a_key(algorithm).public_key())


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
        "Certificate Request:\n    Data: …\n" + GOOD + "\n \n",
        _as_der(GOOD),
    ],
)
def test_every_usual_form_is_read(data):
    assert [str(name.value) for name in read_csr(data).sans] == ["api.example.com", "10.0.0.1"]


def test_what_a_csr_asks_for_is_a_wish():
    purposes = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    usage = key_usage(["digital_signature", "key_cert_sign"])
    facts = read_csr(make_csr(extensions=(usage, purposes, x509.BasicConstraints(ca=True, path_length=None))))
    assert facts.requested_key_usage == ("digital_signature", "key_cert_sign")
    assert facts.requested_extended_key_usage == (x509.ExtendedKeyUsageOID.SERVER_AUTH,)


def test_a_csr_signed_by_another_key_is_refused():
    encoded = bytearray(_as_der(make_csr(a_key(KeyAlgorithm.ED25519))))
    encoded[-1] ^= 1
    assert _refusals(bytes(encoded)) == {"bad-signature"}


@pytest.mark.parametrize(
    ("what", "data", "code"),
    [
        ("nothing", "", "unreadable-csr"),
        ("words", "hello", "unreadable-csr"),
        ("a number", b"\x02\x01\x01", "unreadable-csr"),
        ("bytes after the DER", _as_der(GOOD) + b"\x00", "unreadable-csr"),
        ("bytes cut off", _as_der(GOOD)[:-1], "unreadable-csr"),
        ("two requests", GOOD + GOOD, "several-pem-blocks"),
        (
            "a request and a key",
            GOOD + "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----",
            "several-pem-blocks",
        ),
        ("words after it", GOOD + "and more", "trailing-data"),
        ("another label", GOOD.replace("CERTIFICATE REQUEST", "CERTIFICATE"), "unreadable-csr"),
        ("labels that differ", GOOD.replace("BEGIN", "BEGIN NEW", 1), "unreadable-csr"),
        ("no end", GOOD.partition("-----END")[0], "unreadable-csr"),
        ("broken base64", GOOD.replace("M", "=", 1), "unreadable-csr"),
        ("too much", "x" * (LONGEST + 1), "too-long"),
        ("a long way to no end", "-----BEGIN CERTIFICATE REQUEST-----" + " " * 65_000, "unreadable-csr"),
        ("lone surrogates", "\ud800", "unreadable-csr"),
    ],
)
def test_what_is_not_one_csr_is_refused(what, data, code):
    assert _refusals(data) == {code}


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505
        lambda: ec.generate_private_key(ec.SECP256K1()),
    ],
)
def test_a_csr_with_another_key_is_refused(make):
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(make(), hashes.SHA256())
    assert _refusals(request.public_bytes(Encoding.DER)) == {"unsupported-key"}


def _signed_request(extensions: bytes, subject: bytes = der.sequence()) -> bytes:
    """A CSR with these bytes where its extensions stand, and a good signature."""
    key = a_key()
    attribute = der.sequence(der.oid("1.2.840.113549.1.9.14"), der.tlv(der.SET, extensions))
    from cas.core.keys import spki
    from cas.core.signing import SoftwareKey

    info = der.sequence(der.integer(0), subject, spki(key.public_key()), der.explicit(0, attribute))
    signature = SoftwareKey(key).sign(info)
    return der.sequence(info, algorithm_identifier(key.public_key()), der.bit_string(signature))


_SAN = "2.5.29.17"


@pytest.mark.parametrize(
    ("what", "extensions"),
    [
        ("a SAN that is not one", der.sequence(der.extension(_SAN, b"\xff"))),
        ("a SAN that is not ASCII", der.sequence(der.extension(_SAN, der.sequence(der.tlv(0x82, b"\xff.com"))))),
        ("an address of five octets", der.sequence(der.extension(_SAN, der.sequence(der.tlv(0x87, b"12345"))))),
        ("an x400Address", der.sequence(der.extension(_SAN, der.sequence(der.tlv(0xA3, b""))))),
        ("two SANs", der.sequence(*[der.extension(_SAN, der.sequence(der.tlv(0x82, b"a.com")))] * 2)),
        ("key usage that is not one", der.sequence(der.extension("2.5.29.15", der.null()))),
        ("extensions that are none", der.null()),
        ("1001 names", der.sequence(der.extension(_SAN, der.sequence(*[der.tlv(0x82, b"a.com")] * 1001)))),
    ],
)
def test_hostile_extensions_are_refused(what, extensions):
    assert _refusals(_signed_request(extensions)) <= {"unreadable-csr", "too-many-names"}


def test_a_point_off_the_curve_is_refused():
    encoded = bytearray(_as_der(make_csr(a_key())))
    from cas.core.keys import key_bits

    at = encoded.find(key_bits(a_key().public_key()))
    encoded[at + 40] ^= 1
    assert _refusals(bytes(encoded)) <= {"unsupported-key", "unreadable-csr"}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(_as_der(GOOD)) - 1), st.integers(1, 255))
def test_a_changed_byte_never_gives_another_error(position, change):
    encoded = bytearray(_as_der(GOOD))
    encoded[position] ^= change
    for data in (
        bytes(encoded),
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.b64encode(encoded).decode()
        + "\n-----END CERTIFICATE REQUEST-----",
    ):
        with pytest.raises(Invalid):
            read_csr(data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_give_another_error_than_ours(data):
    with pytest.raises(Invalid):
        read_csr(data)

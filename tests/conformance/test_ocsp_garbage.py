"""Whatever is sent to a responder, it answers: never an exception, never a 500."""

from __future__ import annotations

import base64
from urllib.parse import quote, urlsplit

import pytest
from cryptography.x509 import ocsp
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas.core import der
from cas.core.ocsp import OcspRefused, read_request
from tests.conformance.relying_party import RelyingParty, ocsp_request
from tests.office import open_office
from tests.pki import urls_of

MALFORMED = ocsp.OCSPResponseStatus.MALFORMED_REQUEST
UNAUTHORIZED = ocsp.OCSPResponseStatus.UNAUTHORIZED
SUCCESSFUL = ocsp.OCSPResponseStatus.SUCCESSFUL

SHA1_OID, MD5_OID = der.oid("1.3.14.3.2.26"), der.oid("1.2.840.113549.2.5")
NONCE_OID = "1.3.6.1.5.5.7.48.1.2"


def cert_id(algorithm: bytes = SHA1_OID, size: int = 20, serial: bytes = der.integer(5)) -> bytes:
    hashed = der.octet_string(bytes(size))
    return der.sequence(der.sequence(algorithm, der.null()), hashed, hashed, serial)


def request(*cert_ids: bytes, extensions: bytes = b"", before: bytes = b"") -> bytes:
    listed = der.sequence(*(der.sequence(each) for each in cert_ids))
    return der.sequence(der.sequence(before, listed, extensions))


def with_nonces(*values: bytes, critical: bool = False) -> bytes:
    listed = [der.extension(NONCE_OID, value, critical=critical) for value in values]
    return request(cert_id(), extensions=der.explicit(2, der.sequence(*listed)))


TABLE = {
    "nothing": (b"", MALFORMED),
    "a NUL": (b"\x00", MALFORMED),
    "HTML": (b"<html></html>", MALFORMED),
    "an empty sequence": (der.sequence(), MALFORMED),
    "no CertID": (request(), MALFORMED),
    "too long": (b"\x30" * 20_000, MALFORMED),
    "a length beyond the end": (b"\x30\x84\xff\xff\xff\xff", MALFORMED),
    "an indefinite length": (b"\x30\x80\x00\x00", MALFORMED),
    "nested a thousand deep": (b"\x30\x80" * 1000, MALFORMED),
    "bytes after the end": (request(cert_id()) + b"\x00", MALFORMED),
    "an unknown hash": (request(cert_id(MD5_OID, 16)), UNAUTHORIZED),
    "a hash that is too short": (request(cert_id(size=19)), MALFORMED),
    "another issuer": (request(cert_id()), UNAUTHORIZED),
    "twenty of another issuer": (request(*[cert_id()] * 20), UNAUTHORIZED),
    "twenty-one": (request(*[cert_id()] * 21), UNAUTHORIZED),
    "a negative serial": (request(cert_id(serial=b"\x02\x01\xff")), UNAUTHORIZED),
    "a serial of nothing": (request(cert_id(serial=b"\x02\x00")), MALFORMED),
    "a serial of a thousand bytes": (request(cert_id(serial=der.integer(2**8000))), UNAUTHORIZED),
    "two nonces": (with_nonces(der.octet_string(b"a"), der.octet_string(b"b")), MALFORMED),
    "a nonce that is no OCTET STRING": (with_nonces(b"\x01\x01\xff"), MALFORMED),
    "a nonce of nothing at all": (with_nonces(b""), MALFORMED),
    "a critical nonce": (with_nonces(der.octet_string(b"a" * 16), critical=True), UNAUTHORIZED),
    "an explicit version": (request(cert_id(), before=der.explicit(0, der.integer(0))), MALFORMED),
}


@pytest.mark.django_db
def test_garbage_gets_an_answer():
    leaf = open_office().issue().x509
    party = RelyingParty()
    statuses = {}
    for name, (body, _expected) in TABLE.items():
        by_post, by_get = party.ask(leaf, body), party.ask(leaf, body or b"\x00", by_get=True)
        assert by_post.status_code == by_get.status_code == 200, name
        assert by_post["Cache-Control"] == "no-store"
        statuses[name] = ocsp.load_der_ocsp_response(by_post.content).response_status
        assert ocsp.load_der_ocsp_response(by_get.content).response_status in (MALFORMED, statuses[name])
    assert statuses == {name: expected for name, (_body, expected) in TABLE.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["%", "====", "M", "MEI", "a b", "%00", "%F0%9F", "ü", "x" * 30_000])
def test_a_path_that_is_no_base64_is_malformed(client: Client, text: str):
    leaf = open_office().issue().x509
    response = client.get(f"{urlsplit(urls_of(leaf)['ocsp']).path}/{quote(text, safe='%')}")
    assert response.status_code == 200
    assert ocsp.load_der_ocsp_response(response.content).response_status is MALFORMED


@pytest.mark.django_db
@pytest.mark.parametrize("notation", ["quoted", "bare", "with line breaks"])
def test_every_client_s_base64_is_read(client: Client, notation: str):
    leaf = open_office().issue().x509
    party = RelyingParty(client)
    encoded = base64.b64encode(ocsp_request(leaf, party.issuer_of(leaf))).decode()
    texts = {
        "quoted": quote(encoded, safe=""),
        "bare": encoded,
        "with line breaks": quote(encoded[:64] + "\n" + encoded[64:], safe=""),
    }
    response = client.get(f"{urlsplit(urls_of(leaf)['ocsp']).path}/{texts[notation]}")
    status = ocsp.load_der_ocsp_response(response.content).response_status
    assert status is (MALFORMED if notation == "with line breaks" else SUCCESSFUL)


def mutated(valid: bytes) -> st.SearchStrategy[bytes]:
    """The request with some bytes changed, left out or put in."""
    change = st.tuples(st.integers(0, len(valid) - 1), st.integers(0, 2), st.binary(min_size=1, max_size=3))

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        data = bytearray(valid)
        for at, kind, new in changes:
            data[at : at + (len(new), 1, 0)[kind]] = (new, b"", new)[kind]
        return bytes(data)

    return st.lists(change, min_size=1, max_size=4).map(apply)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), mutated(with_nonces(der.octet_string(bytes(32)))), mutated(request(cert_id())))
)
def test_reading_raises_nothing_but_a_refusal(data: bytes):
    try:
        question = read_request(data)
    except OcspRefused:
        return
    assert 1 <= len(question.cert_ids) <= 20


@pytest.mark.django_db
def test_mutations_of_a_real_request_get_an_answer():
    leaf = open_office().issue().x509
    party = RelyingParty()
    valid = ocsp_request(leaf, party.issuer_of(leaf), nonce=bytes(range(16)))

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(valid))
    def every_mutation(data: bytes) -> None:
        response = party.ask(leaf, data)
        assert response.status_code == 200
        ocsp.load_der_ocsp_response(response.content)

    every_mutation()

"""OCSP: questions are hostile, answers are read again by the library."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.core import der, ocsp
from cas.core.keys import KeyAlgorithm
from cas.core.reasons import CODES
from cas.core.schemes import is_signed_by
from cas.core.signing import sign_ocsp_response
from tests.pki import NOW, intermediate, issue, make_intermediate, make_responder, root

_HOUR = timedelta(hours=1)
_HASHES = [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]  # noqa: S303


def _request(*, algorithm=None, nonce=None, serial=12345, issuer=None):
    certificate = (issuer or intermediate()).certificate
    algorithm = algorithm or hashes.SHA256()
    builder = library.OCSPRequestBuilder().add_certificate_by_hash(
        _digest(algorithm, _raw_name(certificate)), _digest(algorithm, _raw_key(certificate)), serial, algorithm
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def _digest(algorithm, data):
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _raw_name(certificate):
    return certificate.subject.public_bytes()


def _raw_key(certificate):
    from cas.core.keys import key_bits

    return key_bits(certificate.public_key())


def _answer(question, *statuses, responder, nonce=None):
    tbs = ocsp.response_to_be_signed(
        responder=responder.certificate,
        produced_at=NOW,
        answers=[
            ocsp.SingleAnswer(cert_id=cert_id, status=status, this_update=NOW, next_update=NOW + _HOUR)
            for cert_id, status in zip(question.cert_ids, statuses, strict=True)
        ],
        nonce=nonce,
    )
    return library.load_der_ocsp_response(sign_ocsp_response(tbs, responder))


@pytest.mark.parametrize("algorithm", _HASHES, ids=lambda each: each.name)
def test_a_question_is_read_and_matched_with_its_issuer(algorithm):
    question = ocsp.read_request(_request(algorithm=algorithm, nonce=b"n" * 16))
    (cert_id,) = question.cert_ids
    assert (cert_id.serial, cert_id.hash_name, question.nonce) == (12345, algorithm.name, b"n" * 16)
    assert ocsp.certid_matches(cert_id, intermediate().certificate)
    assert not ocsp.certid_matches(cert_id, root().certificate)


def test_a_ca_of_the_same_name_with_another_key_is_another_issuer():
    (cert_id,) = ocsp.read_request(_request()).cert_ids
    namesake = make_intermediate(root())
    assert namesake.certificate.subject == intermediate().certificate.subject
    assert not ocsp.certid_matches(cert_id, namesake.certificate)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ocsp.Good(), (library.OCSPCertStatus.GOOD, None, None)),
        (ocsp.Unknown(), (library.OCSPCertStatus.UNKNOWN, None, None)),
        (ocsp.Revoked(NOW - _HOUR), (library.OCSPCertStatus.REVOKED, NOW - _HOUR, None)),
        *[
            (ocsp.Revoked(NOW, reason), (library.OCSPCertStatus.REVOKED, NOW, reason))
            for reason in CODES
            if reason is not x509.ReasonFlags.unspecified
        ],
    ],
)
def test_an_answer_says_the_status(status, expected):
    response = _answer(ocsp.read_request(_request()), status, responder=make_responder(intermediate()))
    assert (response.certificate_status, response.revocation_time_utc, response.revocation_reason) == expected
    assert (response.this_update_utc, response.next_update_utc) == (NOW, NOW + _HOUR)
    assert response.serial_number == 12345


@pytest.mark.parametrize("algorithm", [a for a in KeyAlgorithm if a is not KeyAlgorithm.RSA_4096])
def test_an_answer_of_every_algorithm_is_signed_by_its_responder(algorithm):
    responder = make_responder(intermediate(), algorithm)
    response = _answer(ocsp.read_request(_request()), ocsp.Good(), responder=responder)
    assert is_signed_by(responder.public_key, response.signature, response.tbs_response_bytes)
    assert response.certificates == [responder.certificate]
    key = x509.SubjectKeyIdentifier.from_public_key(responder.public_key)
    assert (response.responder_key_hash, response.responder_name) == (key.digest, None)


def test_a_ca_may_answer_itself():
    response = _answer(ocsp.read_request(_request()), ocsp.Good(), responder=intermediate().signer)
    assert response.certificates == [intermediate().certificate]


def test_the_nonce_is_echoed():
    question = ocsp.read_request(_request(nonce=b"x" * 32))
    response = _answer(question, ocsp.Good(), responder=intermediate().signer, nonce=question.nonce)
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"x" * 32
    plain = _answer(question, ocsp.Good(), responder=intermediate().signer)
    assert len(plain.extensions) == 0


@pytest.mark.parametrize("algorithm", _HASHES, ids=lambda each: each.name)
def test_the_answer_has_the_cert_id_of_the_question(algorithm):
    response = _answer(ocsp.read_request(_request(algorithm=algorithm)), ocsp.Good(), responder=intermediate().signer)
    assert response.hash_algorithm.name == algorithm.name
    assert response.issuer_key_hash == _digest(algorithm, _raw_key(intermediate().certificate))


def _cert_id(serial, *, algorithm="2.16.840.1.101.3.4.2.1", size=32, parameters=b""):
    return der.sequence(
        der.sequence(der.oid(algorithm), parameters),
        der.octet_string(b"a" * size),
        der.octet_string(b"b" * size),
        der.integer(serial),
    )


def _raw_request(*cert_ids, extensions=b"", version=b"", after=b""):
    listed = der.sequence(*(der.sequence(each) for each in cert_ids))
    return der.sequence(der.sequence(version, listed, extensions)) + after


def _nonce(value, oid="1.3.6.1.5.5.7.48.1.2", *, critical=False):
    return der.explicit(2, der.sequence(der.extension(oid, value, critical=critical)))


def test_several_questions_get_as_many_answers():
    question = ocsp.read_request(_raw_request(*(_cert_id(n) for n in range(1, 21))))
    assert [cert_id.serial for cert_id in question.cert_ids] == list(range(1, 21))
    statuses = [ocsp.Good(), ocsp.Unknown()] * 10
    response = _answer(question, *statuses, responder=intermediate().signer)
    assert [each.serial_number for each in response.responses] == list(range(1, 21))
    assert [each.certificate_status.value for each in response.responses] == [0, 2] * 10


@pytest.mark.parametrize("size", [1, 128])
def test_a_nonce_of_an_allowed_length_is_read(size):
    assert (
        ocsp.read_request(_raw_request(_cert_id(1), extensions=_nonce(der.octet_string(b"n" * size)))).nonce
        == b"n" * size
    )


@pytest.mark.parametrize(
    ("what", "data", "refusal"),
    [
        ("nothing", b"", ocsp.OcspMalformed),
        ("words", b"hello", ocsp.OcspMalformed),
        ("too much", b"\x30" * (ocsp.LONGEST_REQUEST + 1), ocsp.OcspMalformed),
        ("no CertID", _raw_request(), ocsp.OcspMalformed),
        ("bytes after the end", _raw_request(_cert_id(1), after=b"\x00"), ocsp.OcspMalformed),
        ("a version", _raw_request(_cert_id(1), version=der.explicit(0, der.integer(0))), ocsp.OcspMalformed),
        ("an empty nonce", _raw_request(_cert_id(1), extensions=_nonce(der.octet_string(b""))), ocsp.OcspMalformed),
        (
            "a nonce of 129 bytes",
            _raw_request(_cert_id(1), extensions=_nonce(der.octet_string(b"n" * 129))),
            ocsp.OcspMalformed,
        ),
        ("a nonce without its wrapping", _raw_request(_cert_id(1), extensions=_nonce(b"raw")), ocsp.OcspMalformed),
        ("hashes of a wrong length", _raw_request(_cert_id(1, size=20)), ocsp.OcspMalformed),
        ("a NULL with something in it", _raw_request(_cert_id(1, parameters=b"\x05\x01a")), ocsp.OcspMalformed),
        ("MD5", _raw_request(_cert_id(1, algorithm="1.2.840.113549.2.5", size=16)), ocsp.OcspUnauthorized),
        ("21 CertIDs", _raw_request(*(_cert_id(n) for n in range(1, 22))), ocsp.OcspUnauthorized),
        (
            "an unknown critical extension",
            _raw_request(_cert_id(1), extensions=_nonce(b"", "1.2.3", critical=True)),
            ocsp.OcspUnauthorized,
        ),
    ],
)
def test_what_gets_no_answer(what, data, refusal):
    with pytest.raises(refusal) as caught:
        ocsp.read_request(data)
    status = library.load_der_ocsp_response(ocsp.unsuccessful(caught.value.status)).response_status
    assert status.value == caught.value.status


def test_extensions_that_are_not_critical_are_passed_over():
    question = ocsp.read_request(_raw_request(_cert_id(1), extensions=_nonce(b"", "1.2.3")))
    assert question.nonce is None


def test_a_signature_and_a_requestor_are_passed_over():
    listed = der.sequence(der.sequence(_cert_id(1)))
    tbs = der.sequence(der.explicit(1, der.explicit(4, der.sequence())), listed)
    signed = der.sequence(tbs, der.explicit(0, der.sequence()))
    assert len(ocsp.read_request(signed).cert_ids) == 1


def test_single_requests_may_have_extensions():
    request = der.sequence(_cert_id(1), der.explicit(0, der.sequence(der.extension("1.2.3", b""))))
    assert len(ocsp.read_request(der.sequence(der.sequence(der.sequence(request)))).cert_ids) == 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_give_no_other_error(data):
    encoded = bytearray(_request(nonce=b"n" * 16))
    for position in data.draw(st.lists(st.integers(0, len(encoded) - 1), min_size=1, max_size=4)):
        encoded[position] = data.draw(st.integers(0, 255))
    _read_or_refuse(bytes(encoded))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_give_another_error_than_ours(data):
    _read_or_refuse(data)


def _read_or_refuse(data):
    try:
        question = ocsp.read_request(data)
    except ocsp.OcspRefused:
        return
    for cert_id in question.cert_ids:
        ocsp.certid_matches(cert_id, intermediate().certificate)


def test_every_status_without_an_answer_is_read_by_the_library():
    for status in ocsp.ResponseStatus:
        if status is not ocsp.ResponseStatus.SUCCESSFUL:
            read = library.load_der_ocsp_response(ocsp.unsuccessful(status))
            assert read.response_status.name == status.name


def test_a_question_by_the_library_about_a_real_certificate_matches():
    leaf = issue()
    request = library.OCSPRequestBuilder().add_certificate(leaf, intermediate().certificate, hashes.SHA256()).build()
    (cert_id,) = ocsp.read_request(request.public_bytes(Encoding.DER)).cert_ids
    assert cert_id.serial == leaf.serial_number
    assert ocsp.certid_matches(cert_id, intermediate().certificate)

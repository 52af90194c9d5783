"""What other programs say of what we sign: OpenSSL, a second ML-DSA, pkilint."""

import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library

from cas.core import lint, ocsp
from cas.core.crl import crl_to_be_signed, entry_der
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm
from cas.core.names import constraint_name
from cas.core.signing import sign_crl, sign_ocsp_response
from tests.pki import (
    DAY,
    NOW,
    a_key,
    a_wish,
    intermediate,
    issue,
    make_intermediate,
    make_responder,
    make_root,
    profile,
    root,
)

ML_DSA = [KeyAlgorithm.ML_DSA_44, KeyAlgorithm.ML_DSA_65, KeyAlgorithm.ML_DSA_87]
CLASSIC = [algorithm for algorithm in KeyAlgorithm if algorithm not in (*ML_DSA, KeyAlgorithm.RSA_4096)]


def _leaf(algorithm, *sans):
    usage = ["digital_signature"]
    by = profile(
        role={"allow_wildcards": True, "allow_ip_sans": True},
        template={"key_algorithm": algorithm.value, "key_usage": usage},
    )
    wish = a_wish("CN=api.example.com,O=Acme,C=DE", *sans, public_key=a_key(algorithm).public_key())
    return issue(wish, under=intermediate(algorithm), by=by)


def _crl(authority, *entries):
    tbs = crl_to_be_signed(
        issuer=authority.certificate, number=2, this_update=NOW, next_update=NOW + 7 * DAY, entries=entries
    )
    return sign_crl(tbs, authority.signer)


def _ocsp(leaf, authority, responder, status):
    request = library.OCSPRequestBuilder().add_certificate(leaf, authority.certificate, hashes.SHA256()).build()
    (cert_id,) = ocsp.read_request(request.public_bytes(Encoding.DER)).cert_ids
    answer = ocsp.SingleAnswer(cert_id=cert_id, status=status, this_update=NOW, next_update=NOW + DAY)
    tbs = ocsp.response_to_be_signed(responder=responder.certificate, produced_at=NOW, answers=[answer], nonce=None)
    return sign_ocsp_response(tbs, responder)


def _openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def _at(moment):
    return int(moment.timestamp())


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("algorithm", CLASSIC)
def test_openssl_verifies_chain_crl_and_ocsp_of_every_classic_algorithm(algorithm, written):
    ca, leaf = intermediate(algorithm), _leaf(algorithm, "www.example.com", "*.example.com", "10.0.0.1")
    root_file = written("root.pem", to_pem(root(algorithm).certificate))
    chain_file, leaf_file = written("chain.pem", to_pem(ca.certificate)), written("leaf.pem", to_pem(leaf))
    verify = ("verify", "-x509_strict", "-purpose", "sslserver", "-attime", _at(NOW + timedelta(hours=1)))
    trust = ("-CAfile", root_file, "-untrusted", chain_file)

    good = _openssl(*verify, "-verify_hostname", "any.example.com", *trust, leaf_file)
    assert good.returncode == 0, good.stderr
    assert _openssl(*verify, "-verify_hostname", "example.org", *trust, leaf_file).returncode != 0

    lists = [_crl(ca, entry_der(leaf.serial_number, NOW, x509.ReasonFlags.key_compromise)), _crl(root(algorithm))]
    pems = [x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in lists]
    revoked = _openssl(*verify, "-crl_check_all", "-CRLfile", written("crl.pem", b"".join(pems)), *trust, leaf_file)
    assert "certificate revoked" in revoked.stderr

    answer = _ocsp(leaf, ca, make_responder(ca, algorithm), ocsp.Revoked(NOW, x509.ReasonFlags.superseded))
    asked = _openssl(
        "ocsp", "-respin", written("answer.der", answer), "-issuer", chain_file, "-sha256", "-cert", leaf_file,
        "-CAfile", root_file, "-verify_other", chain_file, "-attime", _at(NOW + timedelta(hours=1)), "-no_nonce",
        "-validity_period", 10**9,
    )  # fmt: skip
    assert "Response verify OK" in asked.stderr, asked.stderr
    assert "revoked" in asked.stdout
    assert "superseded" in asked.stdout


@pytest.mark.needs("openssl")
def test_openssl_keeps_to_our_name_constraints(written):
    ca = make_intermediate(
        root(),
        subject="CN=Narrow,O=Acme",
        path_length=0,
        permitted=(constraint_name("example.com"), constraint_name("ip:10.0.0.0/8")),
        excluded=(constraint_name("secret.example.com"),),
    )
    by = profile(role={"allow_ip_sans": True})
    inside = issue(a_wish("CN=a.example.com", "10.1.1.1"), under=ca, by=by)
    wide = make_intermediate(root(), subject="CN=Narrow,O=Acme")
    assert wide.certificate.subject == ca.certificate.subject
    arguments = (
        "verify", "-x509_strict", "-attime", _at(NOW + timedelta(hours=1)),
        "-CAfile", written("root.pem", to_pem(root().certificate)),
        "-untrusted", written("ca.pem", to_pem(ca.certificate)),
    )  # fmt: skip
    said = _openssl(*arguments, written("inside.pem", to_pem(inside)))
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("algorithm", ML_DSA)
def test_a_second_implementation_verifies_ml_dsa(algorithm):
    from dilithium_py import ml_dsa

    other = getattr(ml_dsa, algorithm.value)
    ca, leaf = intermediate(algorithm), _leaf(algorithm)
    responder = make_responder(ca, algorithm)
    crl = x509.load_der_x509_crl(_crl(ca, entry_der(7, NOW)))
    answer = library.load_der_ocsp_response(_ocsp(leaf, ca, responder, ocsp.Good()))
    for key, tbs, signature in (
        (ca.key.public_key(), leaf.tbs_certificate_bytes, leaf.signature),
        (ca.key.public_key(), crl.tbs_certlist_bytes, crl.signature),
        (responder.public_key, answer.tbs_response_bytes, answer.signature),
    ):
        assert other.verify(key.public_bytes_raw(), tbs, signature)
        assert not other.verify(key.public_bytes_raw(), tbs + b"\x00", signature)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519, *ML_DSA])
def test_pkilint_finds_nothing_in_our_certificates(algorithm):
    responder = make_responder(intermediate(algorithm), algorithm).certificate
    for certificate in (
        root(algorithm).certificate,
        intermediate(algorithm).certificate,
        _leaf(algorithm, "*.example.com"),
        responder,
    ):
        assert lint.pkilint_findings(certificate) == []


def _pkilint(load, validators, data):
    from pkilint.validation import ValidationFindingSeverity

    return [
        found.finding.code
        for result in validators.validate(load(data).root)
        for found in result.finding_descriptions
        if found.finding.severity <= ValidationFindingSeverity.WARNING
    ]


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ML_DSA_65])
def test_pkilint_finds_nothing_in_our_crls(algorithm):
    from pkilint import loader, pkix
    from pkilint.pkix import crl, extension, name

    validators = crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )
    ca = intermediate(algorithm)
    entry = entry_der(9, NOW, x509.ReasonFlags.key_compromise, NOW - DAY)
    for data in (_crl(ca), _crl(ca, entry, entry_der(10, NOW))):
        assert _pkilint(loader.load_der_crl, validators, data) == []


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ML_DSA_65])
def test_pkilint_finds_nothing_in_our_ocsp_answers(algorithm):
    from pkilint import loader, pkix
    from pkilint.pkix import extension, name
    from pkilint.pkix import ocsp as linted

    validators = linted.create_pkix_ocsp_response_validator_container(
        [
            linted.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )
    ca = intermediate(algorithm)
    for status in (ocsp.Good(), ocsp.Revoked(NOW, x509.ReasonFlags.superseded), ocsp.Unknown()):
        data = _ocsp(_leaf(algorithm), ca, make_responder(ca, algorithm), status)
        assert _pkilint(loader.load_der_ocsp_response, validators, data) == []


def test_pkilint_sees_what_is_wrong():
    """So that the silence above means something."""
    foreign = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(make_root().certificate.subject)
        .public_key(a_key().public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(a_key(), hashes.SHA256())
    )
    assert lint.pkilint_findings(foreign)

"""The index over pkilint's validators changes what they cost, and nothing of what they find."""

import random
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint import loader
from pkilint.document import SubstrateDecodingFailedError

from cas.core.keys import KeyAlgorithm
from cas.core.lint import rfc5280_validators
from cas.core.lint_index import IndexedContainer, RememberedUris
from tests.pki import NOW, a_key, a_wish, intermediate, issue, make_responder, profile, root

_PLAIN = rfc5280_validators()
_INDEXED = IndexedContainer(rfc5280_validators())


def kind(validator):
    """pkilint's name for it."""
    return (type(validator).__bases__[0] if isinstance(validator, RememberedUris) else type(validator)).__name__


def found(container, der):
    """Every finding with its validator and place, in the order in which they were found."""
    return [
        (kind(result.validator), result.node.path, said.finding.code, said.message)
        for result in container.validate(loader.load_der_certificate(der).root)
        for said in result.finding_descriptions
    ]


def asked(container, der):
    """Every validator that had something to look at, and where."""
    names = (
        (kind(each.validator), each.node.path) for each in container.validate(loader.load_der_certificate(der).root)
    )
    return list(names)


def leaf(*sans):
    names = {"allow_wildcards": True, "allow_ip_sans": True, "allow_uri_sans": True, "allow_email_sans": True}
    wish = a_wish("CN=api.example.com,O=Acme,C=DE", *sans)
    return issue(wish, by=profile(role={"allow_any_name": True} | names)).public_bytes(Encoding.DER)


def wrong():
    """A certificate that nearly every group of rules has something to say about."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "a@example.com")]))
        .issuer_name(x509.Name([]))
        .public_key(a_key().public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(seconds=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("not a name")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .add_extension(x509.SubjectKeyIdentifier(b"wrong"), critical=True)
    )
    return builder.sign(a_key(), hashes.SHA256()).public_bytes(Encoding.DER)


def certificates():
    yield pytest.param(root().certificate.public_bytes(Encoding.DER), id="root")
    yield pytest.param(intermediate().certificate.public_bytes(Encoding.DER), id="intermediate")
    yield pytest.param(intermediate(KeyAlgorithm.RSA_2048).certificate.public_bytes(Encoding.DER), id="RSA")
    yield pytest.param(intermediate(KeyAlgorithm.ML_DSA_65).certificate.public_bytes(Encoding.DER), id="ML-DSA")
    yield pytest.param(make_responder(intermediate()).certificate.public_bytes(Encoding.DER), id="responder")
    names = ["*.example.com", "10.0.0.1", "https://example.com/x", "a@example.com"]
    yield pytest.param(leaf(*names), id="leaf with names of every kind")
    yield pytest.param(wrong(), id="wrong in many ways")


@pytest.mark.parametrize("der", list(certificates()))
def test_the_same_validators_see_the_same_nodes_in_the_same_order(der):
    assert asked(_INDEXED, der) == asked(_PLAIN, der)
    assert found(_INDEXED, der) == found(_PLAIN, der)


def test_something_is_wrong_with_what_is_wrong():
    """So that equal silences above are not all there is."""
    assert len({code for _validator, _path, code, _message in found(_INDEXED, wrong())}) >= 4


def test_a_uri_is_judged_the_same_the_second_time():
    for der in (leaf("https://example.com/x"), leaf("http://localhost/x")):
        assert found(_INDEXED, der) == found(_INDEXED, der) == found(_PLAIN, der)


def test_what_is_broken_anywhere_is_found_alike():
    dice, good, compared = random.Random(5280), leaf("10.0.0.1"), 0  # noqa: S311
    for _ in range(200):
        broken = bytearray(good)
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        try:
            expected = found(_PLAIN, bytes(broken))
        except (SubstrateDecodingFailedError, ValueError):
            continue
        assert found(_INDEXED, bytes(broken)) == expected
        compared += 1
    assert compared > 50

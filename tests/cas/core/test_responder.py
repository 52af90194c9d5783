"""The certificate of a delegated OCSP responder."""

from datetime import timedelta

import pytest
from cryptography import x509

from cas.core.keys import public_key_sha256
from cas.core.names import constraint_name, format_name, parse_name
from cas.core.responder import plan_responder
from kernel.errors import Invalid
from tests.pki import (
    DAY,
    NOW,
    a_key,
    extension_names,
    intermediate,
    make_intermediate,
    make_responder,
    make_root,
    purposes_of,
    root,
    urls_of,
    usages_of,
)


def _plan(under=None, **changes):
    values = {"public_key": a_key(number=5).public_key(), "validity": 30 * DAY, "serial": 2**100, "now": NOW}
    return plan_responder(issuer=(under or intermediate()).facts, **(values | changes))


def test_what_stands_in_a_responder():
    certificate = make_responder(intermediate()).certificate
    assert format_name(certificate.subject) == "CN=Test Issuing CA OCSP,O=Acme,C=DE"
    assert usages_of(certificate) == ("digital_signature",)
    assert purposes_of(certificate) == ["ocsp_signing"]
    assert set(urls_of(certificate)) == {"ca"}
    assert extension_names(certificate) == {
        "BasicConstraints": True,
        "KeyUsage": True,
        "ExtendedKeyUsage": False,
        "SubjectKeyIdentifier": False,
        "AuthorityKeyIdentifier": False,
        "OCSPNoCheck": False,
        "AuthorityInformationAccess": False,
    }


def test_a_responder_ends_with_its_issuer():
    issuer = make_intermediate(root(), validity=40 * DAY)
    ends = issuer.certificate.not_valid_after_utc
    assert _plan(issuer, validity=300 * DAY).not_after == ends
    assert _plan(issuer, validity=DAY).not_after == NOW + DAY - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("CN=" + "x" * 64, "CN=" + "x" * 59 + " OCSP"),
        ("CN=" + "ü" * 32, "CN=" + "ü" * 29 + " OCSP"),
        ("O=Acme", "CN=OCSP,O=Acme"),
    ],
)
def test_the_name_of_a_responder_fits_whatever_its_issuer_is_called(name, shown):
    assert format_name(_plan(make_root(subject=name)).subject) == shown


def test_a_responder_obeys_the_name_constraints_of_its_issuer():
    inside = x509.DirectoryName(parse_name("O=Acme,C=DE"))
    _plan(make_intermediate(root(), permitted=(inside, constraint_name("example.com"))))
    with pytest.raises(Invalid):
        _plan(make_intermediate(root(), excluded=(inside,)))


def test_a_forbidden_key_is_refused():
    with pytest.raises(Invalid):
        _plan(forbidden_keys={public_key_sha256(a_key(number=5).public_key())})


def test_an_expired_issuer_has_no_new_responder():
    with pytest.raises(Invalid) as caught:
        _plan(now=intermediate().certificate.not_valid_after_utc + DAY)
    assert "issuer-expired" in {error.code for error in caught.value.errors}

"""Planning roots and intermediates: what the chain above leaves room for."""

from datetime import timedelta

import pytest
from cryptography import x509

from cas.core.authority import AuthorityWish, plan_authority
from cas.core.keys import KeyAlgorithm, public_key_sha256
from cas.core.names import constraint_name, parse_name
from kernel.errors import Invalid
from tests.pki import (
    DAY,
    NOW,
    a_key,
    extension_names,
    intermediate,
    issue,
    make_intermediate,
    make_root,
    purposes_of,
    root,
    sans_of,
    urls_of,
    usages_of,
)

_SERVER, _CLIENT = x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH


def _plan(under=None, *, forbidden=(), now=NOW, **changes):
    values = {"subject": parse_name("CN=New CA,O=Acme"), "public_key": a_key(number=9).public_key(), "validity": DAY}
    return plan_authority(
        issuer=under.facts if under else None,
        wish=AuthorityWish(**(values | changes)),
        serial=x509.random_serial_number(),
        now=now,
        forbidden_keys=forbidden,
    )


def _refusals(under=None, **changes):
    with pytest.raises(Invalid) as caught:
        _plan(under, **changes)
    return {(error.field, error.code) for error in caught.value.errors}


def _path_length(certificate):
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


@pytest.mark.parametrize(
    ("what", "changes", "errors"),
    [
        ("no name", {"subject": x509.Name([])}, {("subject", "blank")}),
        (
            "a bad name",
            {"subject": x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a\nb")])},
            {("subject.common_name", "control-character")},
        ),
        ("no time", {"validity": timedelta(0)}, {("validity", "out-of-range")}),
        ("until after the year 9999", {"validity": timedelta(days=366 * 9000)}, {("validity", "out-of-range")}),
        ("a negative path length", {"path_length": -1}, {("path_length", "out-of-range")}),
        (
            "OCSP signing",
            {"extended_key_usage": (x509.ExtendedKeyUsageOID.OCSP_SIGNING,)},
            {("extended_key_usage", "forbidden-purpose")},
        ),
        (
            "any purpose",
            {"extended_key_usage": (x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)},
            {("extended_key_usage", "forbidden-purpose")},
        ),
        (
            "a constraint of a kind that nobody compares",
            {"permitted": (x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),)},
            {("permitted[0]", "unsupported-name")},
        ),
        (
            "a blocked key",
            {"forbidden": {public_key_sha256(a_key(number=9).public_key())}},
            {("public_key", "forbidden-key")},
        ),
    ],
)
def test_a_root_that_makes_no_sense_is_refused(what, changes, errors):
    assert _refusals(**changes) == errors


def test_what_stands_in_a_root():
    certificate = root().certificate
    assert certificate.issuer == certificate.subject
    assert usages_of(certificate) == ("key_cert_sign", "crl_sign")
    assert _path_length(certificate) is None
    assert extension_names(certificate) == {
        "BasicConstraints": True,
        "KeyUsage": True,
        "SubjectKeyIdentifier": False,
        "AuthorityKeyIdentifier": False,
    }


def test_what_stands_in_an_intermediate():
    certificate = intermediate().certificate
    assert certificate.issuer == root().certificate.subject
    assert usages_of(certificate) == ("key_cert_sign", "crl_sign")
    assert _path_length(certificate) == 0
    assert urls_of(certificate)["crl"] == root().facts.crl_url
    assert extension_names(certificate) == {
        "BasicConstraints": True,
        "KeyUsage": True,
        "SubjectKeyIdentifier": False,
        "AuthorityKeyIdentifier": False,
        "CRLDistributionPoints": False,
        "AuthorityInformationAccess": False,
    }


def test_name_constraints_are_critical_and_purposes_not():
    ca = make_intermediate(
        root(),
        permitted=(constraint_name("example.com"),),
        excluded=(constraint_name("0.0.0.0/0"),),
        extended_key_usage=(_SERVER,),
    )
    names = extension_names(ca.certificate)
    assert names["NameConstraints"] is True
    assert names["ExtendedKeyUsage"] is False
    assert purposes_of(ca.certificate) == ["server_auth"]


def test_the_path_length_is_what_the_chain_leaves_room_for():
    top = make_root(path_length=2)
    middle = make_intermediate(top, subject="CN=Middle")
    bottom = make_intermediate(middle, subject="CN=Bottom")
    assert [_path_length(each.certificate) for each in (top, middle, bottom)] == [2, 1, 0]
    assert _refusals(bottom) == {("issuer", "path-too-long")}
    assert _refusals(middle, path_length=1) == {("path_length", "beyond-issuer")}
    assert _plan(middle, path_length=0).path_length == 0
    issue(under=bottom)


def test_without_limits_above_there_is_none_below():
    middle = make_intermediate(root(), subject="CN=Middle")
    assert _path_length(middle.certificate) is None
    assert _plan(middle, path_length=7).path_length == 7


def test_an_issuing_ca_of_path_length_zero_has_no_room():
    assert ("issuer", "path-too-long") in _refusals(intermediate())


def test_an_intermediate_ends_within_its_chain():
    assert _refusals(root(), validity=3650 * DAY) == {("validity", "beyond-issuer")}


def test_an_intermediate_differs_from_its_issuer_in_name_and_key():
    parent = root()
    assert _refusals(parent, subject=parent.certificate.subject) == {("subject", "same-as-issuer")}
    assert _refusals(parent, public_key=parent.key.public_key()) == {("public_key", "same-as-issuer")}


def test_the_name_of_a_ca_obeys_the_constraints_above_it():
    inside = constraint_name("example.com"), x509.DirectoryName(parse_name("O=Acme"))
    parent = make_intermediate(root(), subject="CN=Parent", permitted=inside)
    assert _refusals(parent, subject=parse_name("CN=New,O=Evil")) == {("subject", "name-constraint")}
    _plan(parent, subject=parse_name("CN=New,O= ACME "))


def test_purposes_nest_and_may_be_left_to_the_ca_above():
    parent = make_intermediate(root(), subject="CN=Parent", extended_key_usage=(_SERVER,))
    assert _refusals(parent, extended_key_usage=(_CLIENT,)) == {("extended_key_usage", "beyond-issuer")}
    _plan(parent, extended_key_usage=(_SERVER,))
    _plan(parent)


def test_a_cross_certificate_has_the_name_and_key_of_its_ca():
    other = make_root(subject="CN=Other Root", algorithm=KeyAlgorithm.ED25519)
    plan = _plan(root(), subject=other.certificate.subject, public_key=other.key.public_key())
    assert (plan.subject, plan.serial) != (root().certificate.subject, other.certificate.serial_number)


def test_a_ca_carries_no_alternative_names():
    with pytest.raises(x509.ExtensionNotFound):
        sans_of(intermediate().certificate)

"""A profile is checked when it is built, and comes back from its document."""

from datetime import timedelta

import pytest

from cas.core.profile import Profile
from kernel.errors import Invalid
from tests.pki import profile


def _errors(role=None, template=None, **more):
    with pytest.raises(Invalid) as caught:
        Profile.from_document({"role": role or {}, "template": template or {}} | more)
    return {(error.field, error.code) for error in caught.value.errors}


def test_an_empty_document_is_the_defaults():
    made = Profile.from_document({})
    assert made.template.validity == timedelta(days=90)
    assert made.role.max_ttl == timedelta(days=397)
    assert made.template.key_algorithm == "ECDSA_P256"
    assert made.template.key_usage == ("digital_signature",)
    assert not made.role.names.allow_any_name
    assert not made.role.store_private_keys


FULL = {
    "role": {
        "allowed_domains": ["example.com", "web-*.internal", "bücher.de"],
        "allow_any_name": True,
        "allow_bare_domains": False,
        "allow_subdomains": True,
        "allow_wildcards": True,
        "allow_dns_sans": False,
        "allow_ip_sans": True,
        "allowed_ip_ranges": ["10.0.0.0/8", "2001:db8::/32"],
        "allow_email_sans": True,
        "allowed_email_domains": ["example.com"],
        "allow_uri_sans": True,
        "allowed_uri_prefixes": ["spiffe://example/"],
        "max_ttl": 86400,
        "key_algorithms": ["RSA_2048", "ML_DSA_87"],
        "common_name": "required",
        "subject_attributes": ["common_name", "organization"],
        "store_private_keys": True,
    },
    "template": {
        "key_algorithm": "ML_DSA_87",
        "any_key_algorithm": True,
        "validity": 3600,
        "backdate": 60,
        "key_usage": ["digitalSignature", "key_encipherment", "nonRepudiation"],
        "extended_key_usage": ["serverAuth", "client_auth", "1.2.3.4"],
        "certificate_policies": ["1.2.3.4.5"],
        "lint": "off",
        "add_common_name_to_sans": False,
        "include_cdp": False,
        "include_aia": False,
        "renew_same_key": True,
    },
}


def test_a_document_comes_back_in_its_canonical_form():
    made = Profile.from_document(FULL)
    document = made.to_document()
    assert Profile.from_document(document) == made
    assert document["role"] == FULL["role"] | {"allowed_domains": ["example.com", "web-*.internal", "xn--bcher-kva.de"]}
    assert document["template"] == FULL["template"] | {
        "key_usage": ["digital_signature", "content_commitment", "key_encipherment"],
        "extended_key_usage": ["server_auth", "client_auth", "1.2.3.4"],
    }


@pytest.mark.parametrize(
    ("role", "error"),
    [
        ({"allowed_domains": ["a b"]}, ("role.allowed_domains", "bad-pattern")),
        ({"allowed_domains": ["**.com"]}, ("role.allowed_domains", "bad-pattern")),
        ({"allowed_domains": ["a.[a-z]*"]}, ("role.allowed_domains", "bad-pattern")),
        ({"allowed_domains": "example.com"}, ("role.allowed_domains", "bad-type")),
        ({"allowed_domains": [1]}, ("role.allowed_domains", "bad-type")),
        ({"allow_any_name": "yes"}, ("role.allow_any_name", "bad-type")),
        ({"allowed_ip_ranges": ["10.0.0.1/8"]}, ("role.allowed_ip_ranges", "bad-range")),
        ({"allowed_uri_prefixes": ["example.com"]}, ("role.allowed_uri_prefixes", "bad-prefix")),
        ({"max_ttl": 0}, ("role.max_ttl", "out-of-range")),
        ({"max_ttl": 10**12}, ("role.max_ttl", "out-of-range")),
        ({"max_ttl": True}, ("role.max_ttl", "bad-type")),
        ({"max_ttl": "90d"}, ("role.max_ttl", "bad-type")),
        ({"key_algorithms": ["RSA_1024"]}, ("role.key_algorithms", "unknown-value")),
        ({"common_name": "maybe"}, ("role.common_name", "unknown-value")),
        ({"subject_attributes": ["cn"]}, ("role.subject_attributes", "unknown-attribute")),
        ({"common_name": "required", "subject_attributes": ["country"]}, ("role.common_name", "contradiction")),
        ({"key_algorithms": ["RSA_2048"]}, ("template.key_algorithm", "contradiction")),
        ({"allow_everything": True}, ("role.allow_everything", "unknown-field")),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(role, error):
    assert error in _errors(role=role)


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ({"key_algorithm": "DSA"}, ("template.key_algorithm", "unknown-value")),
        ({"validity": 398 * 86400}, ("template.validity", "too-long")),
        ({"validity": 0}, ("template.validity", "out-of-range")),
        ({"backdate": 3601}, ("template.backdate", "out-of-range")),
        ({"key_usage": ["key_cert_sign"]}, ("template.key_usage", "authority-usage")),
        ({"key_usage": ["cRLSign"]}, ("template.key_usage", "authority-usage")),
        ({"key_usage": ["fly"]}, ("template.key_usage", "unknown-value")),
        ({"key_usage": []}, ("template.key_usage", "contradiction")),
        ({"key_usage": ["digital_signature", "key_encipherment"]}, ("template.key_usage", "contradiction")),
        ({"key_algorithm": "ML_DSA_44", "key_usage": ["key_agreement"]}, ("template.key_usage", "contradiction")),
        ({"key_algorithm": "RSA_2048", "key_usage": ["key_agreement"]}, ("template.key_usage", "contradiction")),
        ({"key_usage": ["digital_signature", "encipher_only"]}, ("template.key_usage", "contradiction")),
        ({"extended_key_usage": ["any"]}, ("template.extended_key_usage", "forbidden-purpose")),
        ({"extended_key_usage": ["2.5.29.37.0"]}, ("template.extended_key_usage", "forbidden-purpose")),
        ({"extended_key_usage": ["OCSPSigning"]}, ("template.extended_key_usage", "forbidden-purpose")),
        ({"extended_key_usage": ["ocsp_signing"]}, ("template.extended_key_usage", "forbidden-purpose")),
        ({"extended_key_usage": ["1.3.6.1.5.5.7.3.9"]}, ("template.extended_key_usage", "forbidden-purpose")),
        ({"extended_key_usage": ["flying"]}, ("template.extended_key_usage", "unknown-value")),
        ({"extended_key_usage": ["1.2.3.4.05"]}, ("template.extended_key_usage", "unknown-value")),
        ({"extended_key_usage": ["time_stamping", "client_auth"]}, ("template.extended_key_usage", "contradiction")),
        (
            {"extended_key_usage": ["server_auth"], "key_usage": ["content_commitment"]},
            ("template.extended_key_usage", "contradiction"),
        ),
        ({"certificate_policies": ["2.5.29.32.0"]}, ("template.certificate_policies", "bad-oid")),
        ({"certificate_policies": ["policy"]}, ("template.certificate_policies", "bad-oid")),
        ({"lint": "warn"}, ("template.lint", "unknown-value")),
        ({"is_ca": True}, ("template.is_ca", "unknown-field")),
    ],
)
def test_a_template_that_makes_no_sense_is_refused(template, error):
    assert error in _errors(template=template)


def test_everything_wrong_is_said_at_once():
    found = _errors({"max_ttl": -1}, {"lint": "x"}, extra={})
    assert {field for field, _code in found} == {"role.max_ttl", "template.lint", "profile.extra"}


@pytest.mark.parametrize("document", [{"role": []}, {"template": "x"}])
def test_a_section_that_is_no_object_is_refused(document):
    with pytest.raises(Invalid) as caught:
        Profile.from_document(document)
    assert [error.code for error in caught.value.errors] == ["bad-type"]


def test_a_usage_that_one_allowed_family_can_carry_is_kept():
    made = profile(template={"any_key_algorithm": True, "key_usage": ["digital_signature", "key_encipherment"]})
    assert made.template.key_usage == ("digital_signature", "key_encipherment")

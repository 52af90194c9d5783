"""Planning a leaf: every way to be refused, and what stands in the certificate otherwise."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cas.core.keys import KeyAlgorithm, key_identifier, public_key_sha256
from cas.core.leaf import IssuerFacts, LeafWish, plan_leaf
from cas.core.names import constraint_name, format_name, general_name
from cas.core.profile import Profile
from kernel.errors import Invalid
from tests.pki import (
    DAY,
    NOW,
    Authority,
    a_key,
    a_plan,
    a_wish,
    extension_names,
    intermediate,
    issue,
    make_intermediate,
    make_root,
    profile,
    purposes_of,
    root,
    sans_of,
    urls_of,
    usages_of,
)

_ANY_NAME = profile(role={"allow_any_name": True, "allow_email_sans": True, "allow_ip_sans": True})


def _errors(wish=None, *, under=None, by=None, now=NOW, forbidden=()):
    with pytest.raises(Invalid) as caught:
        plan_leaf(
            profile=by or profile(),
            issuer=(under or intermediate()).facts,
            wish=wish or a_wish(),
            serial=x509.random_serial_number(),
            now=now,
            forbidden_keys=forbidden,
        )
    return caught.value.errors


def _refusals(*args, **options):
    return {(error.field, error.code) for error in _errors(*args, **options)}


def _odd_wish(**changes):
    """A wish with things in it that our own text forms would not let through."""
    values = {"subject": x509.Name([]), "sans": (), "public_key": a_key().public_key()} | changes
    return LeafWish(**values)


def _cn(value):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, value)])


_UPN = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a")


@pytest.mark.parametrize(
    ("what", "make", "errors"),
    [
        ("a name outside the role", lambda: a_wish("CN=api.evil.org"), {("subject.common_name", "name-not-allowed")}),
        ("a SAN outside", lambda: a_wish("", "a.example.com", "b.evil.org"), {("sans[1]", "name-not-allowed")}),
        ("a wildcard", lambda: a_wish("", "*.example.com"), {("sans[0]", "name-not-allowed")}),
        ("an address", lambda: a_wish("", "10.0.0.1"), {("sans[0]", "name-not-allowed")}),
        ("an address as name", lambda: a_wish("CN=10.0.0.1"), {("subject.common_name", "name-not-allowed")}),
        ("a person", lambda: a_wish("CN=Jane Doe"), {("subject.common_name", "name-not-allowed")}),
        ("e-mail in the subject", lambda: a_wish("emailAddress=a@b.c"), {("subject.email", "name-not-allowed")}),
        ("no name at all", _odd_wish, {("subject", "no-name")}),
        ("an unknown kind of SAN", lambda: _odd_wish(sans=(_UPN,)), {("sans[0]", "unsupported-name")}),
        (
            "a host that is none",
            lambda: _odd_wish(sans=(x509.DNSName("a_b.example.com"),)),
            {("sans[0]", "bad-name")},
        ),
        (
            "a control character",
            lambda: _odd_wish(subject=_cn("a\x00.example.com")),
            {("subject.common_name", "control-character")},
        ),
        (
            "two common names, one outside",
            lambda: a_wish("CN=a.example.com,CN=evil.org"),
            {("subject.common_name", "name-not-allowed")},
        ),
        ("too long", lambda: a_wish(validity=398 * DAY), {("validity", "too-long")}),
        ("no time", lambda: a_wish(validity=timedelta(0)), {("validity", "out-of-range")}),
        ("less than no time", lambda: a_wish(validity=-DAY), {("validity", "out-of-range")}),
        ("parts of a second", lambda: a_wish(validity=timedelta(seconds=1.5)), {("validity", "out-of-range")}),
        (
            "another algorithm",
            lambda: a_wish(public_key=a_key(KeyAlgorithm.ED25519).public_key()),
            {("public_key", "key-not-allowed")},
        ),
        (
            "an unsupported key",
            lambda: a_wish(public_key=ec.generate_private_key(ec.SECP256K1()).public_key()),
            {("public_key", "unsupported-key")},
        ),
        (
            "a weak key",
            lambda: a_wish(public_key=rsa.RSAPublicNumbers(65537, 3 * (2**2046 + 1)).public_key()),
            {("public_key", "weak-key"), ("public_key", "key-not-allowed")},
        ),
        (
            "1001 names",
            lambda: _odd_wish(sans=tuple(x509.DNSName(f"n{n}.example.com") for n in range(1001))),
            {("sans", "too-many-names")},
        ),
    ],
)
def test_a_wish_that_the_profile_forbids_is_refused(what, make, errors):
    assert _refusals(make()) == errors


def test_every_violation_is_listed_at_once():
    wish = LeafWish(
        subject=a_wish("CN=evil.org,C=DE").subject,
        sans=(general_name("10.0.0.1"), general_name("a.example.com"), general_name("x.org")),
        public_key=a_key(KeyAlgorithm.RSA_2048).public_key(),
        validity=1000 * DAY,
    )
    by = profile(role={"subject_attributes": ["common_name"]})
    assert _refusals(wish, by=by) == {
        ("subject.common_name", "name-not-allowed"),
        ("subject.country", "attribute-not-allowed"),
        ("sans[0]", "name-not-allowed"),
        ("sans[2]", "name-not-allowed"),
        ("public_key", "key-not-allowed"),
        ("validity", "too-long"),
    }


@pytest.mark.parametrize(
    ("longest", "told"), [(397 * 86_400, "the role's 397 days"), (5_400, "the role's 5400 seconds")]
)
def test_the_longest_lifetime_is_told_in_days_where_it_has_whole_ones(longest, told):
    by = profile(role={"max_ttl": longest}, template={"validity": longest})
    (error,) = _errors(a_wish(validity=timedelta(seconds=longest + 1)), by=by)
    assert str(error.message).endswith(told)


def test_a_forbidden_key_is_refused():
    key = a_key().public_key()
    assert _refusals(forbidden={public_key_sha256(key)}) == {("public_key", "forbidden-key")}


@pytest.mark.parametrize("authority", [root, intermediate])
def test_the_key_of_a_ca_of_the_chain_is_refused(authority):
    assert _refusals(a_wish(public_key=authority().key.public_key())) == {("public_key", "forbidden-key")}


@pytest.mark.parametrize(
    ("rule", "subject", "errors"),
    [
        ("required", "O=Acme", {("subject.common_name", "required")}),
        ("forbidden", "CN=a.example.com", {("subject.common_name", "forbidden")}),
    ],
)
def test_the_role_rules_over_the_common_name(rule, subject, errors):
    assert _refusals(a_wish(subject, "a.example.com"), by=profile(role={"common_name": rule})) == errors


def test_keys_outside_the_role_are_refused_even_where_the_template_takes_any():
    by = profile(role={"key_algorithms": ["ECDSA_P256", "ED25519"]}, template={"any_key_algorithm": True})
    a_plan(a_wish(public_key=a_key(KeyAlgorithm.ED25519).public_key()), by=by)
    refused = _refusals(a_wish(public_key=a_key(KeyAlgorithm.RSA_2048).public_key()), by=by)
    assert refused == {("public_key", "key-not-allowed")}


def test_a_key_that_can_carry_none_of_the_usages_is_refused():
    by = profile(template={"key_algorithm": "RSA_2048", "key_usage": ["key_encipherment"], "any_key_algorithm": True})
    assert _refusals(by=by) == {("public_key", "key-not-allowed")}


@pytest.fixture(scope="module")
def constrained() -> Authority:
    """A CA that may issue below example.com, but not for secret.example.com, for servers only, for a year."""
    return make_intermediate(
        make_root(),
        path_length=0,
        validity=365 * DAY,
        permitted=(constraint_name("example.com"), constraint_name("acme.example", "email")),
        excluded=(constraint_name("secret.example.com"),),
        extended_key_usage=(x509.ExtendedKeyUsageOID.SERVER_AUTH,),
    )


@pytest.mark.parametrize(
    ("what", "subject", "sans", "errors"),
    [
        ("a name elsewhere", "", ["a.example.org"], {("sans[0]", "name-constraint")}),
        ("an excluded name", "", ["a.secret.example.com"], {("sans[0]", "name-constraint")}),
        ("e-mail elsewhere", "", ["a@example.com"], {("sans[0]", "name-constraint")}),
        (
            "a common name that looks like a host",
            "CN=evil.example.org",
            ["a@acme.example"],
            {("subject.common_name", "name-constraint")},
        ),
    ],
)
def test_the_name_constraints_of_the_chain_hold(constrained, what, subject, sans, errors):
    by = profile(role={"allow_any_name": True, "allow_email_sans": True}, template={"add_common_name_to_sans": False})
    assert _refusals(a_wish(subject, *sans), under=constrained, by=by) == errors


def test_the_purposes_of_the_chain_nest(constrained):
    for purposes in (["client_auth"], ["server_auth", "client_auth"], []):
        by = profile(template={"extended_key_usage": purposes})
        assert _refusals(under=constrained, by=by) == {("issuer", "beyond-issuer")}
    a_plan(under=constrained)


def test_a_leaf_does_not_outlive_any_ca_above_it(constrained):
    lasts = constrained.certificate.not_valid_after_utc
    assert _refusals(under=constrained, now=lasts - 89 * DAY) == {("validity", "beyond-issuer")}
    plan = a_plan(a_wish(validity=DAY), under=constrained, now=lasts - DAY + timedelta(seconds=1))
    assert plan.not_after == lasts


def test_an_expired_issuer_and_one_of_tomorrow_sign_nothing(constrained):
    certificate = constrained.certificate
    late = certificate.not_valid_after_utc + timedelta(seconds=1)
    assert ("issuer", "issuer-expired") in _refusals(under=constrained, now=late)
    early = certificate.not_valid_before_utc - timedelta(seconds=1)
    assert ("issuer", "issuer-not-yet-valid") in _refusals(under=constrained, now=early)


def test_a_leaf_is_no_issuer():
    leaf = issue()
    facts = IssuerFacts(certificate=leaf, ancestors=intermediate().chain)
    with pytest.raises(Invalid) as caught:
        plan_leaf(profile=profile(), issuer=facts, wish=a_wish(), serial=2**100, now=NOW)
    assert {("issuer", "not-an-authority"), ("issuer", "path-too-long")} <= {
        (error.field, error.code) for error in caught.value.errors
    }


def test_a_chain_of_strangers_is_refused():
    facts = IssuerFacts(certificate=intermediate().certificate, ancestors=(intermediate().certificate,))
    with pytest.raises(Invalid) as caught:
        plan_leaf(profile=profile(), issuer=facts, wish=a_wish(), serial=2**100, now=NOW)
    assert ("issuer", "broken-chain") in {(error.field, error.code) for error in caught.value.errors}


def test_what_stands_in_a_server_certificate():
    certificate = issue(a_wish("CN=api.example.com,O=Acme,C=DE", "www.example.com"))
    issuer = intermediate()
    assert format_name(certificate.subject) == "CN=api.example.com,O=Acme,C=DE"
    assert certificate.issuer == issuer.certificate.subject
    assert sans_of(certificate) == ["api.example.com", "www.example.com"]
    assert usages_of(certificate) == ("digital_signature",)
    assert purposes_of(certificate) == ["server_auth"]
    assert (certificate.not_valid_before_utc, certificate.not_valid_after_utc) == (
        NOW,
        NOW + 90 * DAY - timedelta(seconds=1),
    )
    assert urls_of(certificate) == {
        "crl": issuer.facts.crl_url,
        "ocsp": issuer.facts.ocsp_url,
        "ca": issuer.facts.ca_issuers_url,
    }
    assert extension_names(certificate) == {
        "BasicConstraints": True,
        "KeyUsage": True,
        "ExtendedKeyUsage": False,
        "SubjectKeyIdentifier": False,
        "AuthorityKeyIdentifier": False,
        "SubjectAlternativeName": False,
        "CRLDistributionPoints": False,
        "AuthorityInformationAccess": False,
    }


def test_a_leaf_is_not_a_ca_whatever_the_csr_wished():
    constraints = issue().extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.value.ca, constraints.critical) == (False, True)


def test_key_identifiers_are_computed_for_the_subject_and_copied_from_the_issuer():
    certificate = issue()
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuers = intermediate().certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert own.digest == key_identifier(a_key().public_key())
    assert authority.key_identifier == issuers.digest
    assert authority.authority_cert_issuer is None


def test_without_a_subject_the_san_is_critical():
    certificate = issue(a_wish("", "a.example.com"))
    assert not certificate.subject.rdns
    assert extension_names(certificate)["SubjectAlternativeName"] is True


@pytest.mark.parametrize(
    ("algorithm", "usages"),
    [
        (KeyAlgorithm.RSA_2048, ("digital_signature", "key_encipherment")),
        (KeyAlgorithm.ECDSA_P256, ("digital_signature", "key_agreement")),
        (KeyAlgorithm.ED25519, ("digital_signature",)),
        (KeyAlgorithm.ML_DSA_44, ("digital_signature",)),
    ],
)
def test_each_key_family_gets_the_usages_it_can_carry(algorithm, usages):
    by = profile(
        template={
            "any_key_algorithm": True,
            "key_usage": ["digital_signature", "key_encipherment", "key_agreement"],
        }
    )
    assert usages_of(issue(a_wish(public_key=a_key(algorithm).public_key()), by=by)) == usages


@pytest.mark.parametrize(
    ("what", "subject", "purposes", "sans"),
    [
        ("a host", "CN=Api.Example.com", ["server_auth"], ["api.example.com"]),
        ("a single word in a server's certificate", "CN=localhost", ["server_auth"], ["localhost"]),
        ("a single word elsewhere", "CN=Alice", ["client_auth"], None),
        ("a person", "CN=Jane Doe", ["client_auth"], None),
        ("a mailbox", "CN=jane@example.com", ["client_auth"], ["jane@example.com"]),
        ("an address", "CN=10.0.0.1", ["server_auth"], ["10.0.0.1"]),
        ("e-mail of the subject", "CN=Jane Doe,emailAddress=jane@example.com", ["client_auth"], ["jane@example.com"]),
    ],
)
def test_names_in_the_subject_that_are_compared_stand_among_the_sans(what, subject, purposes, sans):
    by = Profile.from_document({"role": _ANY_NAME.to_document()["role"], "template": {"extended_key_usage": purposes}})
    certificate = issue(a_wish(subject), by=by)
    if sans is None:
        assert "SubjectAlternativeName" not in extension_names(certificate)
    else:
        assert sans_of(certificate) == sans


def test_a_name_asked_for_twice_stands_once():
    wish = _odd_wish(sans=(x509.DNSName("A.example.com"), x509.DNSName("a.EXAMPLE.com")))
    assert sans_of(issue(wish)) == ["a.example.com"]


def test_the_template_decides_over_pointers_policies_and_the_common_name():
    by = profile(
        template={
            "include_cdp": False,
            "include_aia": False,
            "certificate_policies": ["1.2.3.4"],
            "add_common_name_to_sans": False,
        }
    )
    names = extension_names(issue(by=by))
    assert "CertificatePolicies" in names
    assert not {"CRLDistributionPoints", "AuthorityInformationAccess", "SubjectAlternativeName"} & set(names)


def test_time_stamping_is_critical():
    by = profile(template={"extended_key_usage": ["time_stamping"]})
    assert extension_names(issue(by=by))["ExtendedKeyUsage"] is True


def test_backdating_stops_at_the_beginning_of_the_issuer():
    by = profile(template={"backdate": 3600})
    assert a_plan(by=by).not_before == NOW - timedelta(hours=1)
    begin = intermediate().certificate.not_valid_before_utc
    assert a_plan(by=by, now=begin + timedelta(minutes=5)).not_before == begin


def test_fractions_of_now_are_dropped():
    assert a_plan(now=NOW + timedelta(microseconds=999_999)).not_before == NOW


def test_a_root_may_issue_leaves_too():
    assert issue(under=root()).issuer == root().certificate.subject

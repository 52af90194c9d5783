"""The table of chains: what we say of each, and what OpenSSL and the verifier of `cryptography` say of it.

Each case is a leaf, the CAs shown with it, and the errors that must be found; no errors, and it must be valid. The
other two are asked too, and where they say otherwise the case says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from cryptography import x509
from cryptography.x509.oid import CertificatePoliciesOID, ExtendedKeyUsageOID, NameOID

from cas.core.usages import key_usage
from tests.cas.core.validation.making import (
    CLIENT,
    DAY,
    LEAF_BITS,
    NOW,
    SERVER,
    Made,
    issuing,
    key_of,
    make,
    make_ca,
    named,
    root,
    server,
    signed_with_sha1,
)

Errors = list[tuple[int | None, str]]
UNKNOWN_OID = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
POLICY, OTHER_POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.55555.2"), x509.ObjectIdentifier("1.3.6.1.4.1.55555.3")

LEAF_KEYS = "does not look at the key of a leaf"
SERVERS = "was asked about a server"


@dataclass(frozen=True, kw_only=True)
class Case:
    """`openssl` and `pyca` are what they say where that is not what we say, and why."""

    leaf: Made
    others: tuple[Made, ...] = ()
    anchors: tuple[Made, ...] = ()
    errors: Errors = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    question: dict[str, Any] = field(default_factory=dict)
    openssl: str = ""
    pyca: str = ""


CASES: dict[str, Callable[[], Case]] = {}


def case(function: Callable[[], Case]) -> Callable[[], Case]:
    CASES[function.__name__] = function
    return function


@case
def a_leaf_under_an_issuing_ca() -> Case:
    return Case(leaf=server(issuing()), others=(issuing(),))


@case
def a_leaf_under_the_root_itself() -> Case:
    return Case(leaf=server(root()))


@case
def ed25519_throughout() -> Case:
    top = make_ca("Ed Root", kind="ed25519")
    middle = make_ca("Ed Issuing", top, kind="ed25519")
    leaf = server(middle, key=key_of("ed leaf", "ed25519"))
    return Case(leaf=leaf, others=(middle,), anchors=(top,), pyca="knows no Ed25519 keys")


@case
def ed448_throughout() -> Case:
    top = make_ca("Ed448 Root", kind="ed448")
    return Case(leaf=server(top, key=key_of("ed448 leaf", "ed448")), anchors=(top,), pyca="knows no Ed448 keys")


@case
def ml_dsa_throughout() -> Case:
    top = make_ca("ML Root", kind="mldsa")
    leaf = server(top, key=key_of("ml leaf", "mldsa"))
    return Case(leaf=leaf, anchors=(top,), openssl="ML-DSA came with OpenSSL 3.5")


@case
def rsa_with_pss() -> Case:
    top = make_ca("RSA Root", kind="rsa")
    return Case(leaf=server(top, pss=True), anchors=(top,))


@case
def a_leaf_without_names() -> Case:
    leaf = make("no names", issuing(), purposes=[SERVER])
    return Case(leaf=leaf, others=(issuing(),), pyca="wants a SAN in every leaf")


@case
def a_ca_as_the_leaf() -> Case:
    return Case(leaf=make_ca("Another CA", root()), pyca="wants no CA as a leaf")


@case
def a_ca_below_a_path_that_is_full() -> Case:
    leaf = make_ca("One CA more", issuing())
    return Case(leaf=leaf, others=(issuing(),), warnings=("path-exhausted",), pyca="wants no CA as a leaf")


@case
def an_intermediate_as_anchor() -> Case:
    return Case(leaf=server(issuing()), anchors=(issuing(),), openssl="wants -partial_chain for it")


@case
def a_leaf_that_is_its_own_anchor() -> Case:
    alone = make("alone", sans=[x509.DNSName("www.example.com")], purposes=[SERVER])
    return Case(leaf=alone, anchors=(alone,))


@case
def an_expired_leaf() -> Case:
    leaf = server(issuing(), end=NOW - DAY)
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "expired")])


@case
def a_leaf_of_tomorrow() -> Case:
    leaf = server(issuing(), start=NOW + DAY)
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "not-yet-valid")])


@case
def an_expired_issuer() -> Case:
    old = make_ca("Old Issuing", root(), end=NOW - DAY)
    return Case(leaf=server(old), others=(old,), errors=[(1, "expired")])


@case
def an_expired_issuer_and_a_renewed_one() -> Case:
    old = make_ca("Renewed Issuing", root(), end=NOW - DAY)
    new = make_ca("Renewed Issuing", root())
    return Case(leaf=server(old), others=(old, new))


@case
def an_issuer_that_is_missing() -> Case:
    return Case(leaf=server(issuing()), errors=[(0, "issuer-missing")])


@case
def a_root_that_nobody_trusts() -> Case:
    stranger = make_ca("Stranger")
    return Case(leaf=server(stranger), others=(stranger,), errors=[(1, "untrusted-root")])


@case
def a_name_that_is_borrowed() -> Case:
    impostor = make_ca("Root", key=key_of("impostor"))
    return Case(leaf=server(impostor), errors=[(0, "bad-signature")])


@case
def a_signature_by_another_key() -> Case:
    leaf = server(issuing(), signed_by=key_of("impostor"))
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "bad-signature")])


@case
def a_leaf_that_signs() -> Case:
    leaf = make("a leaf", issuing())
    return Case(leaf=server(leaf), others=(leaf, issuing()), errors=[(1, "not-an-authority"), (2, "path-too-long")])


@case
def an_issuer_without_basic_constraints() -> Case:
    middle = make_ca("No constraints", root(), without=(x509.BasicConstraints,))
    return Case(leaf=server(middle), others=(middle,), errors=[(1, "not-an-authority")])


@case
def an_issuer_that_may_not_sign() -> Case:
    middle = make_ca("CRLs only", root(), usage=key_usage(["crl_sign"]))
    return Case(leaf=server(middle), others=(middle,), errors=[(1, "not-an-authority")])


@case
def a_path_that_is_too_long() -> Case:
    lower = make_ca("Lower", issuing())
    return Case(leaf=server(lower), others=(lower, issuing()), errors=[(2, "path-too-long")])


@case
def a_self_issued_ca_does_not_count() -> Case:
    rolled = make_ca("Issuing", issuing(), key=key_of("Issuing, new key"))
    return Case(leaf=server(rolled), others=(rolled, issuing()), pyca="counts it")


def _constrained(name: str, *, permitted: Any = None, excluded: Any = None) -> Made:
    limits = x509.NameConstraints(permitted, excluded)
    return make_ca(name, root(), extensions=((limits, True),))


@case
def a_name_that_is_permitted() -> Case:
    middle = _constrained("Permits example.com", permitted=[x509.DNSName("example.com")])
    return Case(leaf=server(middle), others=(middle,))


@case
def a_name_that_is_not_permitted() -> Case:
    middle = _constrained("Permits example.org", permitted=[x509.DNSName("example.org")])
    return Case(leaf=server(middle), others=(middle,), errors=[(0, "name-constraint")])


@case
def a_name_that_is_excluded() -> Case:
    middle = _constrained("Excludes www", excluded=[x509.DNSName("www.example.com")])
    return Case(leaf=server(middle), others=(middle,), errors=[(0, "name-constraint")])


@case
def a_ca_whose_common_name_looks_like_a_host() -> Case:
    middle = _constrained("Permits example.com for CAs too", permitted=[x509.DNSName("example.com")])
    lower = make_ca("pki.example.org", middle)
    return Case(leaf=server(lower), others=(lower, middle))


@case
def a_leaf_whose_common_name_looks_like_a_host() -> Case:
    middle = _constrained("Permits example.com for leaves", permitted=[x509.DNSName("example.com")])
    leaf = make("www.example.org", middle, sans=[x509.RFC822Name("ann@example.com")], purposes=[SERVER])
    return Case(leaf=leaf, others=(middle,), errors=[(0, "name-constraint")])


@case
def a_wildcard_that_holds_an_excluded_name() -> Case:
    middle = _constrained("Excludes a host", excluded=[x509.DNSName("www.example.com")])
    leaf = server(middle, "*.example.com")
    said = "compares the wildcard as if it were a name"
    return Case(leaf=leaf, others=(middle,), errors=[(0, "name-constraint")], openssl=said)


@case
def a_dot_that_leads_around_an_exclusion() -> Case:
    middle = _constrained("Excludes example.com", excluded=[x509.DNSName("example.com")])
    leaf = server(middle, "www.example.com.")
    said = "takes a name with a dot at its end for another one"
    return Case(leaf=leaf, others=(middle,), errors=[(0, "name-constraint")], openssl=said)


@case
def an_address_outside_the_network() -> Case:
    middle = _constrained("Permits a network", permitted=[x509.IPAddress(ip_network("10.0.0.0/8"))])
    leaf = make("address", middle, sans=[x509.IPAddress(ip_address("192.0.2.1"))], purposes=[SERVER])
    return Case(leaf=leaf, others=(middle,), errors=[(0, "name-constraint")])


@case
def an_address_inside_the_network() -> Case:
    middle = _constrained("Permits a network", permitted=[x509.IPAddress(ip_network("10.0.0.0/8"))])
    leaf = make("address", middle, sans=[x509.IPAddress(ip_address("10.1.2.3"))], purposes=[SERVER])
    return Case(leaf=leaf, others=(middle,))


@case
def a_directory_name_outside() -> Case:
    organization = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme")])
    middle = _constrained("Permits Acme", permitted=[x509.DirectoryName(organization)])
    return Case(leaf=server(middle), others=(middle,), errors=[(0, "name-constraint")])


@case
def a_directory_name_inside_in_other_letters() -> Case:
    organization = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme  Ltd")])
    middle = _constrained("Permits Acme Ltd", permitted=[x509.DirectoryName(organization)])
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ACME ltd"), *named("x")])
    leaf = make(subject, middle, sans=[x509.DNSName("www.example.com")], purposes=[SERVER])
    return Case(leaf=leaf, others=(middle,), pyca="knows no constraints on directory names")


@case
def an_e_mail_address_outside() -> Case:
    middle = _constrained("Permits mail", permitted=[x509.RFC822Name("example.org")])
    leaf = make("mail", middle, sans=[x509.RFC822Name("ann@example.com")])
    return Case(leaf=leaf, others=(middle,), errors=[(0, "name-constraint")])


@case
def a_constraint_of_a_kind_that_cannot_be_compared() -> Case:
    user = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01x")
    middle = _constrained("Permits users", permitted=[user])
    leaf = make("user", middle, sans=[x509.DNSName("www.example.com"), user], purposes=[SERVER])
    return Case(leaf=leaf, others=(middle,), errors=[(0, "name-constraint")])


@case
def a_purpose_that_the_issuer_does_not_have() -> Case:
    middle = make_ca("Clients only", root(), purposes=[CLIENT])
    return Case(
        leaf=server(middle),
        others=(middle,),
        errors=[(0, "purpose-not-allowed")],
        openssl="nests purposes only where it is asked for one",
    )


@case
def a_purpose_that_the_issuer_does_not_have_and_is_asked_for() -> Case:
    middle = make_ca("Clients only", root(), purposes=[CLIENT])
    leaf = server(middle, purposes=[SERVER, CLIENT])
    return Case(
        leaf=leaf,
        others=(middle,),
        question={"purpose": SERVER},
        errors=[(1, "wrong-purpose")],
        warnings=("purpose-not-allowed",),
    )


@case
def a_purpose_that_the_leaf_does_not_have() -> Case:
    leaf = server(issuing(), purposes=[CLIENT])
    return Case(leaf=leaf, others=(issuing(),), question={"purpose": SERVER}, errors=[(0, "wrong-purpose")])


@case
def a_key_usage_that_does_not_go_with_the_purpose() -> Case:
    leaf = server(issuing(), usage=key_usage(["data_encipherment"]))
    return Case(
        leaf=leaf,
        others=(issuing(),),
        question={"purpose": SERVER},
        errors=[(0, "wrong-key-usage")],
        pyca="does not look",
    )


@case
def a_critical_extension_that_nobody_knows() -> Case:
    leaf = server(issuing(), extensions=((x509.UnrecognizedExtension(UNKNOWN_OID, b"\x05\x00"), True),))
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "unknown-critical-extension")])


@case
def a_critical_extension_in_the_issuer_that_nobody_knows() -> Case:
    unknown = x509.UnrecognizedExtension(UNKNOWN_OID, b"\x05\x00")
    middle = make_ca("Strange", root(), extensions=((unknown, True),))
    return Case(leaf=server(middle), others=(middle,), errors=[(1, "unknown-critical-extension")])


@case
def an_extension_that_nobody_knows_and_need_not() -> Case:
    leaf = server(issuing(), extensions=((x509.UnrecognizedExtension(UNKNOWN_OID, b"\x05\x00"), False),))
    return Case(leaf=leaf, others=(issuing(),))


@case
def a_precertificate() -> Case:
    leaf = server(issuing(), extensions=((x509.PrecertPoison(), True),))
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "unknown-critical-extension")])


@case
def an_extension_that_cannot_be_read() -> Case:
    broken = x509.UnrecognizedExtension(x509.NameConstraints.oid, b"\x04\x00")
    middle = make_ca("Broken", root(), extensions=((broken, True),))
    return Case(leaf=server(middle), others=(middle,), errors=[(1, "unreadable-extension")])


@case
def a_signature_with_sha1() -> Case:
    leaf = signed_with_sha1(server(issuing()), issuing())
    said = "lets SHA-1 pass at its lowest level, which `openssl verify` has"
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "weak-signature")], openssl=said)


@case
def a_short_rsa_key() -> Case:
    leaf = server(issuing(), key=key_of("short", "rsa1024"))
    said = "lets short keys pass at its lowest level, which `openssl verify` has"
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "weak-key")], openssl=said, pyca=LEAF_KEYS)


@case
def a_small_curve() -> Case:
    leaf = server(issuing(), key=key_of("small", "p192"))
    said = "lets small curves pass at its lowest level, which `openssl verify` has"
    return Case(leaf=leaf, others=(issuing(),), errors=[(0, "weak-key")], openssl=said, pyca=LEAF_KEYS)


@case
def a_curve_that_we_do_not_issue_for() -> Case:
    leaf = server(issuing(), key=key_of("koblitz", "k256"))
    return Case(leaf=leaf, others=(issuing(),))


def _policies(*oids: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.CertificatePolicies([x509.PolicyInformation(oid, None) for oid in oids]), False


@case
def a_policy_that_is_required_and_there() -> Case:
    middle = make_ca("Policies", root(), extensions=(_policies(POLICY), (x509.PolicyConstraints(0, None), True)))
    return Case(leaf=server(middle, extensions=(_policies(POLICY),)), others=(middle,), pyca="knows no policies")


@case
def a_policy_that_is_required_and_missing() -> Case:
    middle = make_ca("Policies", root(), extensions=(_policies(POLICY), (x509.PolicyConstraints(0, None), True)))
    leaf = server(middle, extensions=(_policies(OTHER_POLICY),))
    return Case(leaf=leaf, others=(middle,), errors=[(0, "policy-required")])


@case
def any_policy_that_is_inhibited() -> Case:
    limits = (x509.PolicyConstraints(0, None), True), (x509.InhibitAnyPolicy(0), True)
    middle = make_ca("Inhibits", root(), extensions=(_policies(POLICY), *limits))
    leaf = server(middle, extensions=(_policies(CertificatePoliciesOID.ANY_POLICY),))
    return Case(leaf=leaf, others=(middle,), errors=[(0, "policy-required")])


@case
def a_key_identifier_of_another_key() -> Case:
    wrong = x509.AuthorityKeyIdentifier(b"\x01" * 20, None, None)
    return Case(
        leaf=server(issuing(), extensions=((wrong, False),)),
        others=(issuing(),),
        warnings=("key-identifier-mismatch",),
        openssl="does not look at an issuer with another key identifier",
    )


@case
def no_key_identifiers() -> Case:
    absent = (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier)
    middle = make_ca("No identifiers", root(), without=absent)
    return Case(
        leaf=server(middle, without=absent),
        others=(middle,),
        warnings=("no-authority-key-identifier", "no-subject-key-identifier"),
        pyca="wants key identifiers in CAs",
    )


@case
def a_name_of_the_issuer_in_other_letters() -> Case:
    middle = make_ca("Loud Issuing", root(), key=key_of("loud"))
    spoken = Made(subject=named("LOUD  issuing"), key=middle.key, certificate=middle.certificate)
    return Case(leaf=server(spoken), others=(middle,), pyca="compares names byte by byte")


@case
def another_name_than_asked_for() -> Case:
    question = {"peer_name": x509.DNSName("www.example.org")}
    return Case(leaf=server(issuing()), others=(issuing(),), question=question, errors=[(0, "name-mismatch")])


@case
def a_time_stamp_of_a_year_ago() -> Case:
    return Case(
        leaf=server(issuing()),
        others=(issuing(),),
        question={"at": NOW - timedelta(days=365)},
        errors=[(0, "not-yet-valid"), (1, "not-yet-valid"), (2, "not-yet-valid")],
    )


@case
def a_cross_certificate_beside_a_dead_end() -> Case:
    elsewhere = make_ca("Elsewhere")
    dead_end = make_ca("Crossed", elsewhere, key=key_of("crossed"))
    good = make_ca("Crossed", root(), key=key_of("crossed"))
    said = "follows the first issuer to the end"
    return Case(leaf=server(good), others=(dead_end, elsewhere, good), openssl=said)


@case
def a_responder_below_a_ca_of_other_purposes() -> Case:
    middle = make_ca("Servers only", root(), purposes=[SERVER])
    leaf = make("responder", middle, purposes=[ExtendedKeyUsageOID.OCSP_SIGNING], usage=LEAF_BITS)
    return Case(leaf=leaf, others=(middle,), question={"purpose": ExtendedKeyUsageOID.OCSP_SIGNING}, pyca=SERVERS)

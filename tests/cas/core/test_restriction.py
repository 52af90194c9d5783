"""What an issuance policy allows, on plans that were judged already."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cas.core.authority import AuthorityPlan
from cas.core.leaf import LeafPlan
from cas.core.names import parse_name
from cas.core.restriction import Restriction, Violation, type_of, violation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH

ALL = Restriction(
    certificate_types=frozenset({"server", "client", "dual_purpose", "ca"}),
    ca_ids=frozenset({7}),
    cn_patterns=("*.acme.test", "web-??"),
    dns_patterns=("*.acme.test",),
    ip_networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    email_domains=frozenset({"acme.test"}),
    longest=timedelta(days=90),
)


def plan(
    subject: str = "CN=www.acme.test",
    *sans: x509.GeneralName,
    purposes: tuple[x509.ObjectIdentifier, ...] = (SERVER,),
    days: int = 90,
) -> LeafPlan:
    return LeafPlan(
        issuer=SimpleNamespace(),  # type: ignore[arg-type]  of which nothing is asked
        subject=parse_name(subject),
        public_key=KEY,
        serial=1,
        not_before=NOW,
        not_after=NOW + timedelta(days=days) - timedelta(seconds=1),
        lint=False,
        sans=sans,
        key_usage=(),
        extended_key_usage=purposes,
        certificate_policies=(),
        include_cdp=False,
        include_aia=False,
    )


def authority_plan(subject: str = "CN=sub.acme.test", days: int = 90) -> AuthorityPlan:
    return AuthorityPlan(
        issuer=None,
        subject=parse_name(subject),
        public_key=KEY,
        serial=1,
        not_before=NOW,
        not_after=NOW + timedelta(days=days) - timedelta(seconds=1),
        lint=False,
        path_length=0,
        permitted=(),
        excluded=(),
        extended_key_usage=(),
        policies=(),
        key_identifier=b"",
    )


def dns(name: str) -> x509.DNSName:
    return x509.DNSName(name)


ALLOWED: dict[str, Any] = {
    "a name that fits": plan(),
    "every kind of name": plan(
        "CN=www.acme.test",
        dns("a.b.acme.test"),
        x509.IPAddress(ip_address("10.1.2.3")),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.RFC822Name("alice@ACME.test"),
    ),
    "case is nothing": plan("CN=WWW.Acme.TEST"),
    "a question mark is one sign": plan("CN=web-01"),
    "no common name at all": plan("O=Acme", dns("www.acme.test")),
    "both purposes": plan(purposes=(CLIENT, SERVER)),
    "a wildcard is a name like others": plan("CN=*.acme.test", dns("*.acme.test")),
}


@pytest.mark.parametrize("allowed", ALLOWED.values(), ids=ALLOWED)
def test_what_the_policy_allows_is_allowed(allowed):
    assert violation(ALL, allowed, ca_id=7) is None


NOT_ALLOWED: dict[str, tuple[Any, str, str]] = {
    "another common name": (plan("CN=evil.bank.com"), "cn_patterns", "evil.bank.com"),
    "a second common name": (plan("CN=www.acme.test,CN=evil.bank.com"), "cn_patterns", "evil.bank.com"),
    "a name that only ends alike": (plan("CN=acme.test.evil.com"), "cn_patterns", "acme.test.evil.com"),
    "a name without the star's part": (plan("CN=acme.test"), "cn_patterns", "acme.test"),
    "a dot is a dot": (plan("CN=www.acmextest"), "cn_patterns", "www.acmextest"),
    "a sign too many": (plan("CN=web-001"), "cn_patterns", "web-001"),
    "a DNS name": (plan("CN=www.acme.test", dns("evil.com")), "san_dns_patterns", "evil.com"),
    "an address": (plan("O=A", x509.IPAddress(ip_address("192.0.2.1"))), "san_ip_cidrs", "192.0.2.1"),
    "a mailbox": (plan("O=A", x509.RFC822Name("a@evil.com")), "san_email_domains", "a@evil.com"),
    "a mailbox below the domain": (plan("O=A", x509.RFC822Name("a@x.acme.test")), "san_email_domains", "a@x.acme.test"),
    "a kind that no list is about": (
        plan("O=A", x509.UniformResourceIdentifier("https://www.acme.test/")),
        "san_dns_patterns",
        "uri:https://www.acme.test/",
    ),
    "a day more": (plan(days=91), "max_validity_days", "91"),
    "other purposes": (plan(purposes=(ExtendedKeyUsageOID.CODE_SIGNING,)), "allowed_certificate_types", "other"),
    "purposes besides": (
        plan(purposes=(SERVER, ExtendedKeyUsageOID.CODE_SIGNING)),
        "allowed_certificate_types",
        "other",
    ),
    "no purpose, which is every purpose": (plan(purposes=()), "allowed_certificate_types", "other"),
}


@pytest.mark.parametrize(("wanted", "field", "value"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
def test_what_it_does_not_allow_is_named(wanted, field, value):
    assert violation(ALL, wanted, ca_id=7) == Violation(field, value)


def test_another_ca_is_not_allowed():
    assert violation(ALL, plan(), ca_id=8) == Violation("allowed_ca_ids", "8")


EMPTY: dict[str, tuple[str, Any]] = {
    "certificate_types": ("allowed_certificate_types", plan()),
    "ca_ids": ("allowed_ca_ids", plan()),
    "cn_patterns": ("cn_patterns", plan()),
    "dns_patterns": ("san_dns_patterns", plan("O=A", dns("www.acme.test"))),
    "ip_networks": ("san_ip_cidrs", plan("O=A", x509.IPAddress(ip_address("10.0.0.1")))),
    "email_domains": ("san_email_domains", plan("O=A", x509.RFC822Name("a@acme.test"))),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_list_allows_nothing(name):
    field, wanted = EMPTY[name]
    nothing: Any = () if isinstance(getattr(ALL, name), tuple) else frozenset()
    found = violation(replace(ALL, **{name: nothing}), wanted, ca_id=7)
    assert found is not None
    assert found.field == field


def test_a_ca_certificate_is_a_type_of_its_own_and_obeys_the_rest():
    assert type_of(authority_plan()) == "ca"
    assert violation(ALL, authority_plan(), ca_id=7) is None
    assert violation(ALL, authority_plan("CN=evil.bank.com"), ca_id=None) == Violation("cn_patterns", "evil.bank.com")
    without = replace(ALL, certificate_types=frozenset({"server"}))
    assert violation(without, authority_plan(), ca_id=7) == Violation("allowed_certificate_types", "ca")


def test_the_mailbox_of_a_subject_is_judged_too():
    subject = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@evil.com")])
    wanted = replace(authority_plan(), subject=subject)
    assert violation(ALL, wanted, ca_id=7) == Violation("san_email_domains", "a@evil.com")


PATTERNS: dict[str, tuple[str, str, bool]] = {
    "everything": ("*", "anything", True),
    "a star in the middle": ("a*z", "a-to-z", True),
    "parts do not overlap": ("aba*aba", "ababa", False),
    "several stars, in their order": ("*a*b*", "xaxbx", True),
    "not in another order": ("*a*b*", "xbxax", False),
    "signs of patterns elsewhere are themselves": ("[ab].test", "a.test", False),
    "one sign is not two": ("?", "ab", False),
}


@pytest.mark.parametrize(("pattern", "name", "fits"), PATTERNS.values(), ids=PATTERNS)
def test_patterns(pattern, name, fits):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    restriction = replace(ALL, cn_patterns=(pattern,))
    assert (violation(restriction, replace(plan(), subject=subject), ca_id=7) is None) is fits


def test_a_hostile_pattern_is_judged_at_once():
    restriction = replace(ALL, cn_patterns=("*a" * 120 + "b",))
    assert violation(restriction, plan("CN=" + "a" * 64), ca_id=7) is not None

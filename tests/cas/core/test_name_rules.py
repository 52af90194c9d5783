"""Which names a role lets in: a table of roles, names and verdicts."""

import pytest

from cas.core.general_names import general_name
from tests.pki import profile

_BARE = {"allowed_domains": ["example.com"], "allow_subdomains": False}
_BELOW = {"allowed_domains": ["example.com"], "allow_bare_domains": False, "allow_subdomains": True}
_STARS = {"allowed_domains": ["example.com"], "allow_subdomains": True, "allow_wildcards": True}
_GLOB = {"allowed_domains": ["web-*.example.com", "*.internal"], "allow_subdomains": False, "allow_wildcards": True}
_ANY = {"allow_any_name": True}
_IPS = {"allow_ip_sans": True, "allowed_ip_ranges": ["10.0.0.0/8", "2001:db8::/32"]}
_MAILS = {"allow_email_sans": True, "allowed_email_domains": ["example.com", "*.example.org"]}
_URIS = {"allow_uri_sans": True, "allowed_uri_prefixes": ["spiffe://example.com", "https://example.com/a/"]}


@pytest.mark.parametrize(
    ("role", "name", "is_allowed"),
    [
        (_BARE, "example.com", True),
        (_BARE, "EXAMPLE.com", True),
        (_BARE, "a.example.com", False),
        (_BARE, "badexample.com", False),
        (_BARE, "com", False),
        (_BELOW, "example.com", False),
        (_BELOW, "a.example.com", True),
        (_BELOW, "a.b.example.com", True),
        (_BELOW, "example.com.evil.org", False),
        (_BELOW, "*.example.com", False),
        (_STARS, "*.example.com", True),
        (_STARS, "*.a.example.com", True),
        (_STARS, "*.com", False),
        (_BARE | {"allow_wildcards": True}, "*.example.com", False),
        (_GLOB, "web-1.example.com", True),
        (_GLOB, "web-a.b.example.com", False),
        (_GLOB, "web.example.com", False),
        (_GLOB, "db.internal", True),
        (_GLOB, "a.db.internal", False),
        (_GLOB, "*.internal", True),
        (_GLOB, "*.example.com", False),
        ({"allowed_domains": ["*"]}, "localhost", True),
        ({"allowed_domains": ["*"], "allow_subdomains": False}, "a.b", False),
        ({"allowed_domains": []}, "example.com", False),
        (_ANY, "anything.at.all", True),
        (_ANY, "*.at.all", False),
        (_ANY, "10.0.0.1", False),
        (_ANY, "a@b.c", False),
        (_ANY, "https://b.c/", False),
        ({"allow_dns_sans": False}, "example.com", False),
        (_IPS, "10.255.0.1", True),
        (_IPS, "11.0.0.1", False),
        (_IPS, "2001:db8::1", True),
        (_IPS, "::1", False),
        ({"allow_ip_sans": True}, "11.0.0.1", True),
        ({}, "10.0.0.1", False),
        (_MAILS, "a@example.com", True),
        (_MAILS, "a@sub.example.com", False),
        (_MAILS, "a@x.example.org", True),
        (_MAILS, "a@example.org", False),
        ({"allow_email_sans": True}, "a@anywhere.org", True),
        ({}, "a@example.com", False),
        (_URIS, "spiffe://example.com", True),
        (_URIS, "spiffe://example.com/workload", True),
        (_URIS, "spiffe://example.com.evil.org/", False),
        (_URIS, "https://example.com/a/b", True),
        (_URIS, "https://example.com/ab", False),
        ({"allow_uri_sans": True}, "urn:x:y", True),
        ({}, "https://example.com/", False),
    ],
)
def test_a_san_is_judged_by_the_role(role, name, is_allowed):
    rules = profile(role=role).role.names
    assert (rules.san_error(general_name(name), "sans[0]") is None) == is_allowed


@pytest.mark.parametrize(
    ("role", "common_name", "is_allowed"),
    [
        (_BARE, "example.com", True),
        (_BARE, "Jane Doe", False),
        (_BARE, "evil.org", False),
        (_ANY, "Jane Doe", True),
        (_ANY, "10.0.0.1", True),
        ({"allow_dns_sans": False}, "a.example.com", True),
        (_MAILS, "jane@example.com", True),
        (_BARE, "jane@example.com", False),
        (_IPS, "10.0.0.1", True),
        (_BARE, "10.0.0.1", False),
        (_BARE, "dns:example.com", False),
    ],
)
def test_a_common_name_must_read_as_an_allowed_name(role, common_name, is_allowed):
    rules = profile(role=role).role.names
    assert (rules.common_name_error(common_name, "subject.common_name") is None) == is_allowed

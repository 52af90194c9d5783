"""Subject alternative names and subtrees of name constraints, from text."""

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from cas.core.general_names import canonical, constraint_name, general_name, general_name_text, kind_of
from kernel.errors import Invalid


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("API.Example.com", "dns", "api.example.com"),
        ("*.example.com", "dns", "*.example.com"),
        ("localhost", "dns", "localhost"),
        ("bücher.de", "dns", "xn--bcher-kva.de"),
        ("*.bücher.de", "dns", "*.xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "dns", "xn--bcher-kva.de"),
        ("1.example.com", "dns", "1.example.com"),
        ("10.0.0.1", "ip", "10.0.0.1"),
        ("2001:DB8:0:0::1", "ip", "2001:db8::1"),
        ("Jane.Doe@Example.COM", "email", "Jane.Doe@example.com"),
        ("https://example.com/a?b#c", "uri", "https://example.com/a?b#c"),
        ("spiffe://trust.domain/workload", "uri", "spiffe://trust.domain/workload"),
        ("https://[2001:db8::1]/", "uri", "https://[2001:db8::1]/"),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "uri", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("DNS:localhost", "dns", "localhost"),
        ("ip:::1", "ip", "::1"),
        ("email:a@b.c", "email", "a@b.c"),
        ("uri:tag:example.com", "uri", "tag:example.com"),
        (".".join(["x" * 63] * 3 + ["x" * 61]), "dns", ".".join(["x" * 63] * 3 + ["x" * 61])),
    ],
)
def test_a_name_is_read_in_its_canonical_form(text, kind, value):
    name = general_name(text)
    assert (kind_of(name), general_name_text(name)) == (kind, value)
    assert canonical(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "*.",
        "a.*.b",
        "a*.example.com",
        "*.*.example.com",
        "a..b",
        ".example.com",
        "example.com.",
        "-a.com",
        "a-.com",
        "under_score.com",
        "a b.com",
        "a\x00.com",
        "exa\nmple.com",
        "x" * 64 + ".com",
        ".".join(["x" * 63] * 4),
        "ab--cd.com",
        "xn--a.com",
        "192.168.1.300",
        "10.1",
        "1.2.3.4.5",
        "fe80::1%eth0",
        "10.0.0.0/8",
        "@example.com",
        "a@",
        "a@b@c",
        "a b@example.com",
        "é@example.com",
        "x" * 65 + "@example.com",
        "a@10.0.0.1",
        "https://",
        "https:///path",
        "https://user:secret@example.com/",
        "https://exa mple.com/",
        "https://example.com:99999/",
        "spiffe://trust/../other",
        "spiffe://trust/%2e%2e/other",
        "https://[zz]/",
        "uri:relative/path",
        "uri:https:",
        "ip:example.com",
        "dns:10.0.0.1",
        "https://example.com/" + "x" * 2048,
        "https://exämple.com/",
    ],
)
def test_what_is_not_a_name_is_refused(text):
    with pytest.raises(Invalid) as caught:
        general_name(text, field="sans[3]")
    assert [error.field for error in caught.value.errors] == ["sans[3]"]


@given(st.text(max_size=60))
def test_no_text_gives_another_error_than_ours(text):
    for read in (general_name, constraint_name):
        try:
            name = read(text)
        except Invalid:
            continue
        assert canonical(name) == name or read is constraint_name


@pytest.mark.parametrize(
    "name",
    [
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a"),
        x509.DirectoryName(x509.Name([])),
        x509.DNSName("under_score.example.com"),
        x509.RFC822Name("not an address"),
    ],
)
def test_foreign_names_that_we_do_not_issue_are_refused(name):
    with pytest.raises(Invalid):
        canonical(name)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Example.com", "dns", "example.com"),
        ("10.0.0.0/8", "ip", "10.0.0.0/8"),
        ("10.1.2.3", "ip", "10.1.2.3/32"),
        ("a@example.com", "email", "a@example.com"),
        ("email:example.com", "email", "example.com"),
        ("email:.example.com", "email", ".example.com"),
        ("uri:.example.com", "uri", ".example.com"),
    ],
)
def test_a_subtree_is_read(text, kind, value):
    name = constraint_name(text)
    assert (kind_of(name), general_name_text(name)) == (kind, value)


@pytest.mark.parametrize("text", [".example.com", "*.example.com", "10.0.0.1/8", "uri:https://example.com", "", "ip:x"])
def test_what_is_not_a_subtree_is_refused(text):
    with pytest.raises(Invalid):
        constraint_name(text)

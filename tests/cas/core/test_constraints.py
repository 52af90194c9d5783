"""Name constraints of every kind, permitted and excluded."""

import pytest
from cryptography import x509

from cas.core.constraints import name_errors, room_below
from cas.core.general_names import general_name
from cas.core.names import constraint_name, parse_name
from tests.pki import intermediate, make_intermediate, make_root, root


def _dir(text):
    return x509.DirectoryName(parse_name(text))


def _subtree(value):
    return _dir(value.removeprefix("dir:")) if value.startswith("dir:") else _raw(value)


def _raw(value):
    """A subtree as other CAs write them, leading dots and all."""
    kind, _colon, text = value.partition(":")
    makers = {"dns": x509.DNSName, "email": x509.RFC822Name, "uri": x509.UniformResourceIdentifier}
    return makers[kind](text) if kind in makers else constraint_name(value)


class _Ca:
    """As much of a certificate as name constraints need."""

    def __init__(self, permitted, excluded):
        self.subject = parse_name("CN=Constrained")
        names = x509.NameConstraints(permitted or None, excluded or None)
        self.extensions = x509.Extensions([x509.Extension(names.oid, True, names)])


def _allows(name, permitted=(), excluded=(), subject=""):
    chain = [_Ca([_subtree(each) for each in permitted], [_subtree(each) for each in excluded])]
    sans = [("sans[0]", general_name(name))] if name else []
    return name_errors(chain, parse_name(subject), sans) == []


@pytest.mark.parametrize(
    ("subtree", "name", "is_within"),
    [
        ("dns:example.com", "example.com", True),
        ("dns:example.com", "a.b.example.com", True),
        ("dns:example.com", "badexample.com", False),
        ("dns:example.com", "*.example.com", True),
        ("dns:a.example.com", "*.example.com", False),
        ("dns:.example.com", "a.example.com", True),
        ("dns:.example.com", "example.com", False),
        ("dns:.example.com", "*.example.com", True),
        ("dns:EXAMPLE.com", "a.example.com", True),
        ("dns:", "anything.org", True),
        ("ip:10.0.0.0/8", "10.1.2.3", True),
        ("ip:10.0.0.0/8", "11.1.2.3", False),
        ("ip:10.0.0.0/8", "::1", False),
        ("ip:2001:db8::/32", "2001:db8::1", True),
        ("email:example.com", "a@example.com", True),
        ("email:example.com", "a@sub.example.com", False),
        ("email:.example.com", "a@sub.example.com", True),
        ("email:.example.com", "a@example.com", False),
        ("email:jane@example.com", "jane@example.com", True),
        ("email:jane@example.com", "Jane@example.com", False),
        ("email:jane@EXAMPLE.com", "jane@example.com", True),
        ("uri:example.com", "https://example.com/x", True),
        ("uri:example.com", "https://a.example.com/x", False),
        ("uri:.example.com", "https://a.example.com:8443/x", True),
        ("uri:.example.com", "https://example.com/x", False),
    ],
)
def test_a_name_is_within_a_subtree_or_not(subtree, name, is_within):
    assert _allows(name, permitted=[subtree]) == is_within
    if "*" not in name:
        assert _allows(name, excluded=[subtree]) != is_within


@pytest.mark.parametrize("name", ["https://10.0.0.1/", "https://[::1]/", "urn:x:y"])
def test_a_uri_without_a_host_name_is_rejected_where_uris_are_constrained(name):
    assert not _allows(name, permitted=["uri:example.com"])
    assert not _allows(name, excluded=["uri:example.com"])
    assert _allows(name, permitted=["dns:example.com"])


def test_a_wildcard_that_reaches_into_an_excluded_subtree_is_rejected():
    assert not _allows("*.example.com", excluded=["dns:secret.example.com"])
    assert not _allows("*.example.com", excluded=["dns:deep.secret.example.com"])
    assert _allows("*.example.com", excluded=["dns:example.org"])


def test_names_of_other_kinds_are_not_touched():
    assert _allows("10.0.0.1", permitted=["dns:example.com"])


def test_excluded_beats_permitted():
    assert not _allows("a.example.com", permitted=["dns:example.com"], excluded=["dns:a.example.com"])


@pytest.mark.parametrize(
    ("subject", "is_within"),
    [
        ("CN=x,O=Acme,C=DE", True),
        ("CN=x,O=ACME  ,C=DE", True),
        ("CN=x,OU=y,O=Acme,C=DE", True),
        ("CN=x,O=Acme Evil,C=DE", False),
        ("CN=x,C=DE,O=Acme", False),
        ("C=DE", False),
    ],
)
def test_the_subject_is_a_directory_name(subject, is_within):
    assert _allows("", permitted=["dir:O=Acme,C=DE"], subject=subject) == is_within
    assert _allows("", excluded=["dir:O=Acme,C=DE"], subject=subject) != is_within


def test_an_empty_subject_is_not_constrained():
    assert _allows("a.example.com", permitted=["dir:O=Acme"])


def test_mail_in_the_subject_is_constrained_too():
    assert not _allows("", permitted=["email:example.com"], subject="emailAddress=a@evil.org")


def test_a_host_in_the_common_name_is_constrained_where_it_may_be_taken_for_one():
    assert not _allows("", permitted=["dns:example.com"], subject="CN=evil.org")
    assert _allows("a.example.com", permitted=["dns:example.com"], subject="CN=evil.org")
    assert _allows("", permitted=["dns:example.com"], subject="CN=Jane Doe")


def test_every_ca_of_the_chain_is_asked():
    chain = [_Ca([_raw("dns:a.example.com")], []), _Ca([_raw("dns:example.com")], [])]
    fields = [error.field for error in name_errors(chain, parse_name(""), [("sans[0]", general_name("b.org"))])]
    assert fields == ["sans[0]", "sans[0]"]


def test_room_counts_cas_that_are_not_self_issued():
    assert room_below(root().chain) is None
    assert room_below(intermediate().chain) == 0
    top = make_root(path_length=1)
    below = make_intermediate(top)
    assert room_below(below.chain) == 0
    assert room_below((below.certificate, below.certificate, top.certificate)) == -1

"""Distinguished names: text, mappings, and what must not stand in them."""

import contextlib

import pytest
from cryptography import x509
from cryptography.x509 import NameAttribute, NameOID
from cryptography.x509.name import _ASN1Type
from hypothesis import given
from hypothesis import strategies as st

from cas.core.attributes import BY_NAME, value_error
from cas.core.names import (
    common_name,
    format_name,
    name_errors,
    name_from_mapping,
    name_to_mapping,
    parse_name,
    rebuilt,
)
from kernel.errors import Invalid


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("CN=api.example.com", {"common_name": "api.example.com"}),
        ("CN=a,O=Acme\\, Inc.,C=US", {"country": "US", "organization": "Acme, Inc.", "common_name": "a"}),
        ("cn = a , o = b c ", {"organization": "b c", "common_name": "a"}),
        ("OU=Two,OU=One", {"organizational_unit": ["One", "Two"]}),
        ("CN=a+UID=b", {"common_name": "a", "user_id": "b"}),
        ("CN=\\C3\\BCber", {"common_name": "über"}),
        ("CN=#0C0161", {"common_name": "a"}),
        ('CN=\\#1\\+\\"\\\\', {"common_name": '#1+"\\'}),
        ("2.5.4.10=Acme", {"organization": "Acme"}),
        ("emailAddress=a@b.c,serialNumber=1", {"serial_number": "1", "email": "a@b.c"}),
        ("", {}),
    ],
)
def test_rfc_4514_text_is_read(text, mapping):
    assert name_to_mapping(parse_name(text)) == mapping


@pytest.mark.parametrize(
    ("text", "field", "code"),
    [
        ("CN", "subject", "unparsable-name"),
        ("=x", "subject", "unparsable-name"),
        ("CN=x,", "subject", "unparsable-name"),
        ("CN=a;b", "subject", "unparsable-name"),
        ('CN="a"', "subject", "unparsable-name"),
        ("CN=\\", "subject", "unparsable-name"),
        ("CN=\\FF", "subject", "unparsable-name"),
        ("CN=#30030C0161", "subject", "unparsable-name"),
        ("CN=x+CN=x", "subject", "unparsable-name"),
        ("CN=" + "x," * 3000, "subject", "unparsable-name"),
        ("FOO=x", "subject", "unknown-attribute"),
        ("1.2.3.4=x", "subject", "unknown-attribute"),
        ("CN=", "subject.common_name", "blank"),
        ("CN=a\\20", "subject.common_name", "blank"),
        ("CN=a\tb", "subject.common_name", "control-character"),
        ("CN=a\\00b", "subject.common_name", "control-character"),
        ("CN=a\u202eb", "subject.common_name", "control-character"),
        ("CN=" + "x" * 65, "subject.common_name", "too-long"),
        ("O=" + "ü" * 33, "subject.organization", "too-long"),
        ("C=us", "subject.country", "unknown-country"),
        ("C=QQQ", "subject.country", "too-long"),
        ("C=JJ", "subject.country", "unknown-country"),
        ("serialNumber=ü", "subject.serial_number", "bad-character"),
        ("DC=ü", "subject.domain_component", "bad-character"),
        (",".join(f"OU={n}" for n in range(33)), "subject", "too-long"),
    ],
)
def test_what_is_not_a_name_of_ours_is_refused_on_its_field(text, field, code):
    with pytest.raises(Invalid) as caught:
        parse_name(text)
    assert (field, code) in [(error.field, error.code) for error in caught.value.errors]


def test_everything_wrong_is_said_at_once():
    with pytest.raises(Invalid) as caught:
        parse_name("FOO=x,CN=,C=us")
    assert {error.field for error in caught.value.errors} == {"subject", "subject.common_name", "subject.country"}


def test_a_mapping_becomes_a_name_in_the_usual_order():
    name = name_from_mapping({"common_name": "a", "country": "DE", "organizational_unit": ["x", "y"], "state": ""})
    assert format_name(name) == "CN=a,OU=y,OU=x,C=DE"


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"cn": "a"}, "subject.cn"),
        ({"common_name": 5}, "subject.common_name"),
        ({"common_name": ["a", None]}, "subject.common_name"),
        ({"common_name": {"a": 1}}, "subject.common_name"),
        ({"country": "Germany"}, "subject.country"),
    ],
)
def test_a_mapping_with_something_else_is_refused(mapping, field):
    with pytest.raises(Invalid) as caught:
        name_from_mapping(mapping)
    assert [error.field for error in caught.value.errors] == [field]


_VALUES = st.text(min_size=1, max_size=20).filter(lambda text: value_error(BY_NAME["organization"], text, "") is None)


@given(st.lists(_VALUES, min_size=1, max_size=4), _VALUES)
def test_a_name_comes_back_from_its_text(units, organization):
    name = name_from_mapping({"organization": organization, "organizational_unit": units})
    assert parse_name(format_name(name)) == name
    assert "\n" not in format_name(name)


@given(st.text(max_size=80))
def test_no_text_gives_another_error_than_ours(text):
    with contextlib.suppress(Invalid):
        parse_name(text)


@pytest.mark.parametrize("value", ["a\r\nInjected: header", "a\x00b", " lead", "#1", "tail ", "a\u2028b"])
def test_a_foreign_name_is_shown_on_one_line(value):
    name = x509.Name([NameAttribute(NameOID.ORGANIZATION_NAME, value)])
    shown = format_name(name)
    assert shown.isprintable()
    assert x509.Name.from_rfc4514_string(shown) == name


def test_foreign_string_types_are_rebuilt():
    foreign = x509.Name([NameAttribute(NameOID.COMMON_NAME, "a", _ASN1Type.BMPString)])
    assert name_errors(foreign) == []
    assert rebuilt(foreign).public_bytes() == parse_name("CN=a").public_bytes()


def test_an_attribute_that_is_not_text_is_unknown_to_us():
    bits = NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x01", _ASN1Type.BitString)
    assert [error.code for error in name_errors(x509.Name([bits]))] == ["unknown-attribute"]
    assert format_name(x509.Name([bits])) == "2.5.4.45=#01"


def test_the_common_name_is_the_most_specific_one():
    assert common_name(parse_name("CN=inner,CN=outer")) == "inner"
    assert common_name(parse_name("O=x")) is None

"""Distinguished names: text and mappings to and from `x509.Name`; the functions on general names are named here too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.x509 import Name, NameAttribute, RelativeDistinguishedName

from cas.core import rfc4514
from cas.core.attributes import BY_LABEL, BY_NAME, BY_OID, KINDS, AttributeKind, value_error
from cas.core.general_names import NameKind, constraint_name, general_name, general_name_text, kind_of
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

__all__ = [
    "NameKind",
    "common_name",
    "constraint_name",
    "format_name",
    "general_name",
    "general_name_text",
    "kind_of",
    "name_errors",
    "name_from_mapping",
    "name_to_mapping",
    "parse_name",
    "rebuilt",
    "sound_part",
    "values_of",
]

_MOST_ATTRIBUTES: Final = 32
_LONGEST_TEXT: Final = 4096
_BY_DOTTED: Final = {kind.oid.dotted_string: kind for kind in KINDS}


def parse_name(text: str, *, field: str = "subject") -> Name:
    """A name from RFC 4514 text, such as `CN=api.example.com,O=Acme\\, Inc.,C=US`, most specific first.

    Empty text is the empty name. Raises Invalid: on `field` for what does not parse and for unknown attributes, on
    `field.<attribute>` for bad values, all of them at once.
    """
    if not text.strip():
        return Name([])
    try:
        if len(text) > _LONGEST_TEXT:
            raise ValueError("too long")
        rdns = rfc4514.parse(text)
    except ValueError:
        raise _unparsable(field) from None
    known = [[(_kind_of_label(label), label, value) for label, value in rdn] for rdn in reversed(rdns)]
    errors = [_unknown(label, field) for rdn in known for kind, label, _value in rdn if kind is None]
    pairs = [[(kind, value) for kind, _label, value in rdn if kind is not None] for rdn in known]
    errors += _value_errors((pair for rdn in pairs for pair in rdn), field)
    if errors:
        raise Invalid(errors=errors)
    try:
        return Name(RelativeDistinguishedName(NameAttribute(kind.oid, value) for kind, value in rdn) for rdn in pairs)
    except ValueError:  # the same attribute twice in one RDN
        raise _unparsable(field) from None


def name_from_mapping(values: Mapping[str, object], *, field: str = "subject") -> Name:
    """A name from our attribute names: `{"common_name": "api.example.com", "organizational_unit": ["A", "B"]}`.

    The order of the mapping does not matter; absent values (None, "", []) are left out. Raises Invalid on
    `field.<attribute>`, for every unknown attribute and bad value at once.
    """
    errors = [_unknown(name, f"{field}.{name}") for name in values if name not in BY_NAME]
    pairs: list[tuple[AttributeKind, str]] = []
    for kind in KINDS:
        value = values.get(kind.name)
        several = list(value) if isinstance(value, list | tuple) else [] if value in (None, "") else [value]
        texts = [each for each in several if isinstance(each, str)]
        if len(texts) != len(several):
            errors.append(field_error(f"{field}.{kind.name}", "bad-type", _("must be text, or a list of texts")))
        pairs += [(kind, text) for text in texts]
    errors += _value_errors(pairs, field)
    if errors:
        raise Invalid(errors=errors)
    return Name([NameAttribute(kind.oid, value) for kind, value in pairs])


def name_to_mapping(name: Name) -> dict[str, str | list[str]]:
    """The attributes by our names, dotted OIDs for those we have none for; several values of one become a list."""
    values: dict[str, list[str]] = {}
    for attribute in name:
        kind = BY_OID.get(attribute.oid)
        values.setdefault(kind.name if kind else attribute.oid.dotted_string, []).append(_text(attribute))
    return {key: each if len(each) > 1 else each[0] for key, each in values.items()}


def format_name(name: Name) -> str:
    """RFC 4514 text, most specific first, on one line whatever is in the name."""
    return ",".join("+".join(_format_attribute(attribute) for attribute in rdn) for rdn in reversed(name.rdns))


def name_errors(name: Name) -> list[FieldError]:
    """What is wrong with a name that came from outside (a CSR), on `subject`; empty for a good one."""
    known = [(BY_OID.get(attribute.oid), attribute) for attribute in name]
    pairs = [(kind, each.value) for kind, each in known if kind is not None and isinstance(each.value, str)]
    unknown = [_unknown(each.oid.dotted_string, "subject") for kind, each in known if kind is None]
    return unknown + _value_errors(pairs, "subject")


def rebuilt(name: Name) -> Name:
    """The same name in the string types that RFC 5280 4.1.2.4 asks for, whatever the CSR used.

    For names without `name_errors`.
    """
    return Name(RelativeDistinguishedName(NameAttribute(each.oid, _text(each)) for each in rdn) for rdn in name.rdns)


def sound_part(name: Name) -> Name:
    """The attributes that have no error of their own, each in an RDN."""
    return rebuilt(Name([attribute for attribute in name if not name_errors(Name([attribute]))]))


def common_name(name: Name) -> str | None:
    """The last common name in the order of the certificate, which is the most specific one."""
    values = values_of(name, "common_name")
    return values[-1] if values else None


def values_of(name: Name, attribute: str) -> list[str]:
    """All values of an attribute, by our name for it, in the order of the certificate."""
    return [_text(each) for each in name.get_attributes_for_oid(BY_NAME[attribute].oid)]


def _kind_of_label(label: str) -> AttributeKind | None:
    return BY_LABEL.get(label.lower()) or _BY_DOTTED.get(label)


def _value_errors(pairs: Iterable[tuple[AttributeKind, str]], field: str) -> list[FieldError]:
    several = list(pairs)
    errors = [error for kind, value in several if (error := value_error(kind, value, f"{field}.{kind.name}"))]
    if len(several) > _MOST_ATTRIBUTES:
        errors.append(field_error(field, "too-long", _("has more than %(limit)s attributes"), limit=_MOST_ATTRIBUTES))
    return errors


def _unknown(attribute: str, field: str) -> FieldError:
    return field_error(
        field, "unknown-attribute", _("%(attribute)s is not a known attribute"), attribute=repr(attribute)[:80]
    )


def _unparsable(field: str) -> Invalid:
    return Invalid.of(field, "unparsable-name", _("this is not a distinguished name (RFC 4514)"))


def _text(attribute: NameAttribute[str | bytes]) -> str:
    """The value; hexadecimal with a leading # where it is not text at all."""
    return attribute.value if isinstance(attribute.value, str) else f"#{attribute.value.hex()}"


def _format_attribute(attribute: NameAttribute[str | bytes]) -> str:
    kind = BY_OID.get(attribute.oid)
    label = kind.label if kind else attribute.oid.dotted_string
    value = rfc4514.escape(attribute.value) if isinstance(attribute.value, str) else _text(attribute)
    return f"{label}={value}"

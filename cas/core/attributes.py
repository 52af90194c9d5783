"""The attributes that a distinguished name may have, and what each of them may hold."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import NameOID, ObjectIdentifier
from iso3166 import countries_by_alpha2

from kernel.errors import FieldError, field_error
from kernel.text import _


@dataclass(frozen=True, slots=True)
class AttributeKind:
    """One kind of attribute: our name for it, its name in RFC 4514 text, and its upper bound in octets."""

    name: str
    label: str
    oid: ObjectIdentifier
    longest: int


# In the order in which a name is built from a mapping. Upper bounds: RFC 5280 appendix A.1 and X.520, and never more
# than 255. They count UTF-8 octets, as `cryptography` does, so that the strictest reader agrees.
KINDS: Final = (
    AttributeKind("domain_component", "DC", NameOID.DOMAIN_COMPONENT, 63),
    AttributeKind("country", "C", NameOID.COUNTRY_NAME, 2),
    AttributeKind("state", "ST", NameOID.STATE_OR_PROVINCE_NAME, 128),
    AttributeKind("locality", "L", NameOID.LOCALITY_NAME, 128),
    AttributeKind("postal_code", "postalCode", NameOID.POSTAL_CODE, 40),
    AttributeKind("street_address", "STREET", NameOID.STREET_ADDRESS, 128),
    AttributeKind("organization", "O", NameOID.ORGANIZATION_NAME, 64),
    AttributeKind("organization_identifier", "organizationIdentifier", NameOID.ORGANIZATION_IDENTIFIER, 255),
    AttributeKind("organizational_unit", "OU", NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    AttributeKind("business_category", "businessCategory", NameOID.BUSINESS_CATEGORY, 128),
    AttributeKind("title", "title", NameOID.TITLE, 64),
    AttributeKind("common_name", "CN", NameOID.COMMON_NAME, 64),
    AttributeKind("surname", "SN", NameOID.SURNAME, 255),
    AttributeKind("given_name", "givenName", NameOID.GIVEN_NAME, 255),
    AttributeKind("initials", "initials", NameOID.INITIALS, 255),
    AttributeKind("generation_qualifier", "generationQualifier", NameOID.GENERATION_QUALIFIER, 255),
    AttributeKind("pseudonym", "pseudonym", NameOID.PSEUDONYM, 128),
    AttributeKind("dn_qualifier", "dnQualifier", NameOID.DN_QUALIFIER, 64),
    AttributeKind("serial_number", "serialNumber", NameOID.SERIAL_NUMBER, 64),
    AttributeKind("user_id", "UID", NameOID.USER_ID, 255),
    AttributeKind("email", "emailAddress", NameOID.EMAIL_ADDRESS, 255),
)

BY_NAME: Final = {kind.name: kind for kind in KINDS}
BY_OID: Final = {kind.oid: kind for kind in KINDS}

# Attribute keywords are case-insensitive (RFC 4514 section 3); these are the other spellings in use.
BY_LABEL: Final = {kind.label.lower(): kind for kind in KINDS} | {
    "commonname": BY_NAME["common_name"],
    "countryname": BY_NAME["country"],
    "s": BY_NAME["state"],
    "stateorprovincename": BY_NAME["state"],
    "localityname": BY_NAME["locality"],
    "organizationname": BY_NAME["organization"],
    "organizationalunitname": BY_NAME["organizational_unit"],
    "streetaddress": BY_NAME["street_address"],
    "surname": BY_NAME["surname"],
    "gn": BY_NAME["given_name"],
    "e": BY_NAME["email"],
    "email": BY_NAME["email"],
    "userid": BY_NAME["user_id"],
    "domaincomponent": BY_NAME["domain_component"],
}

_PRINTABLE: Final = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*")  # X.680 41.4
_PRINTABLE_ONLY: Final = frozenset({"serial_number", "dn_qualifier"})
_ASCII_ONLY: Final = frozenset({"domain_component", "email"})
# ISO 3166-1 8.1.3: these codes are never assigned to a country, so that users may agree on them.
_USER_ASSIGNED: Final = re.compile(r"AA|Q[M-Z]|X[A-Z]|ZZ")
# Control characters, line and paragraph separators, surrogates and unassigned code points have no place in a name. Nor
# have formatting characters (Cf): they turn the direction of text or are not seen at all, and whoever compares names by
# RFC 4518 section 2.2 leaves most of them out, so that two names look like one.
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def is_plain(text: str) -> bool:
    """Whether text is free of characters that are not seen, or make others be seen elsewhere."""
    return not any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text)


def value_error(kind: AttributeKind, value: str, field: str) -> FieldError | None:
    """What is wrong with a value of this kind, said about `field`; None for a good one."""
    if not value or value != value.strip():
        return field_error(field, "blank", _("must not be empty, nor begin or end with a space"))
    if not is_plain(value):
        return field_error(field, "control-character", _("holds a character that is not text"))
    if len(value.encode()) > kind.longest:
        return field_error(field, "too-long", _("is longer than %(limit)s octets"), limit=kind.longest)
    if kind.name == "country" and value not in countries_by_alpha2 and not _USER_ASSIGNED.fullmatch(value):
        return field_error(field, "unknown-country", _("is not a two-letter country code of ISO 3166, in capitals"))
    if kind.name in _PRINTABLE_ONLY and not _PRINTABLE.fullmatch(value):
        return field_error(field, "bad-character", _("may hold letters, digits and '()+,-./:=? only"))
    if kind.name in _ASCII_ONLY and not value.isascii():
        return field_error(field, "bad-character", _("may hold ASCII characters only"))
    return None

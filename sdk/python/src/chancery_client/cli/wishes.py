"""What is wished of a certificate, from the options of a command to the arguments of the client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from chancery_client.cli.failures import WrongUsage
from chancery_client.cli.keys import read_subject
from chancery_client.cli.options import read_length

_LONGEST_COMMON_NAME = 64
# What the API calls the attributes of a subject.
_ATTRIBUTES = {
    NameOID.DOMAIN_COMPONENT: "domain_component",
    NameOID.COUNTRY_NAME: "country",
    NameOID.STATE_OR_PROVINCE_NAME: "state",
    NameOID.LOCALITY_NAME: "locality",
    NameOID.POSTAL_CODE: "postal_code",
    NameOID.STREET_ADDRESS: "street_address",
    NameOID.ORGANIZATION_NAME: "organization",
    NameOID.ORGANIZATION_IDENTIFIER: "organization_identifier",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "organizational_unit",
    NameOID.BUSINESS_CATEGORY: "business_category",
    NameOID.TITLE: "title",
    NameOID.COMMON_NAME: "common_name",
    NameOID.SURNAME: "surname",
    NameOID.GIVEN_NAME: "given_name",
    NameOID.INITIALS: "initials",
    NameOID.GENERATION_QUALIFIER: "generation_qualifier",
    NameOID.PSEUDONYM: "pseudonym",
    NameOID.DN_QUALIFIER: "dn_qualifier",
    NameOID.SERIAL_NUMBER: "serial_number",
    NameOID.USER_ID: "user_id",
    NameOID.EMAIL_ADDRESS: "email",
}


@dataclass(frozen=True)
class Identity:
    """For whom a certificate is."""

    subject: x509.Name
    sans: tuple[str, ...]

    @property
    def label(self) -> str:
        """The common name, else the first of the names; for people, and for files."""
        found = self.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else (self.sans or ("certificate",))[0]

    def as_arguments(self) -> dict[str, Any]:
        """`subject` and `sans`, as far as there are any."""
        found: dict[str, Any] = {"subject": _mapping(self.subject)} if list(self.subject) else {}
        return found | ({"sans": list(self.sans)} if self.sans else {})


def read_identity(subject: str | None, common_name: str | None, sans: Sequence[str] | None) -> Identity:
    """Raises WrongUsage: nobody is named, or the same thing is said twice."""
    names = tuple(sans or ())
    if subject and common_name:
        raise WrongUsage("Give --subject or --common-name, not both.")
    if subject:
        return Identity(read_subject(subject), names)
    common = common_name or _first_host(names)
    if not common and not names:
        raise WrongUsage("For whom? Say it with --san www.example.com, once for each name.")
    try:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else []
    except ValueError as error:
        raise WrongUsage(f"--common-name '{common}' cannot be one: {error}.".replace("..", ".")) from error
    return Identity(x509.Name(attributes), names)


def validity_argument(text: str | None) -> dict[str, str]:
    """Raises WrongUsage for what is no length of time."""
    if text is None:
        return {}
    read_length(text, option="--validity")
    return {"validity": text.strip()}


def given(**arguments: Any) -> dict[str, Any]:
    """Those that are there: what is left out is left to the server."""
    return {name: value for name, value in arguments.items() if value is not None and value != []}


def _first_host(names: Sequence[str]) -> str:
    """The first name that can be a common name, as most people want it."""
    for name in names:
        text = name.removeprefix("dns:")
        if ":" not in text and "@" not in text and "/" not in text and len(text) <= _LONGEST_COMMON_NAME:
            return text
    return ""


def _mapping(subject: x509.Name) -> dict[str, Any]:
    """`{"common_name": "www.example.com", "organizational_unit": ["A", "B"]}`. Raises WrongUsage."""
    found: dict[str, list[str]] = {}
    for attribute in subject:
        name = _ATTRIBUTES.get(attribute.oid)
        if name is None:
            raise WrongUsage(f"--subject: {attribute.rfc4514_string()} is of a kind that Chancery does not take.")
        found.setdefault(name, []).append(str(attribute.value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

"""What the first run is to make: what was answered, and a good default for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings

from cas.core.attributes import is_plain
from cas.core.general_names import NameKind, constraint_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import name_from_mapping
from kernel.errors import Invalid

# RFC 5280 appendix A: ub-organization-name and ub-common-name, in octets.
LONGEST_PART: Final = 64
_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    organization: str
    common_name: str
    root_name: str
    root_key: str = KeyAlgorithm.ECDSA_P384.value
    root_years: int = 10
    issuing_name: str
    issuing_key: str = KeyAlgorithm.ECDSA_P256.value
    issuing_years: int = 5
    role: str = "web"
    template: str = "web-tls"
    domains: tuple[str, ...]
    allow_subdomains: bool = True
    days: int = 90

    @classmethod
    def of(cls, answers: Mapping[str, Any], *, organization: str = "") -> Wishes:
        """`organization` is the name of the one that there is."""
        name = organization or answers.get("organization", "")
        stem = fitting(name, LONGEST_PART - len(" Issuing CA"))
        host = answers.get("common_name") or this_host()
        defaults = {
            "common_name": host,
            "root_name": f"{stem} Root CA".strip(),
            "issuing_name": f"{stem} Issuing CA".strip(),
            "domains": [host],
        }
        known = {key: value for key, value in answers.items() if key in cls.__dataclass_fields__}
        values = defaults | known | {"organization": name}
        return cls(**values | {"domains": tuple(values["domains"])})

    @property
    def root_lifetime(self) -> timedelta:
        return self.root_years * _YEAR

    @property
    def issuing_lifetime(self) -> timedelta:
        return self.issuing_years * _YEAR

    def subject(self, common_name: str) -> x509.Name:
        """Of a CA of this organization."""
        named = {"organization": fitting(self.organization, LONGEST_PART), "common_name": common_name}
        return name_from_mapping({attribute: value for attribute, value in named.items() if value})


def fitting(name: str, longest: int) -> str:
    """As much of a name as a certificate can say in so many octets of UTF-8."""
    plain = "".join(sign for sign in name if is_plain(sign)).strip()
    return plain.encode()[:longest].decode(errors="ignore").strip()


def this_host() -> str:
    """What people call this server, as a first name to have certified; no address, for which no domain could stand."""
    host = urlsplit(settings.BASE_URL).hostname or ""
    return host if is_host(host) else "localhost"


def is_host(name: str) -> bool:
    """Whether it names one host, by which also a role can know it."""
    try:
        constraint_name(name, NameKind.DNS)
    except Invalid:
        return False
    return True

"""Which names a role lets into a certificate."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Final

from cryptography.x509 import DNSName, GeneralName, IPAddress, RFC822Name, UniformResourceIdentifier

from cas.core.documents import Section
from cas.core.general_names import general_name, general_name_text, inferred_kind
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

_PATTERN_LABEL: Final = re.compile(r"(?!.*\*\*)[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRules:
    """The naming part of a role; the fields are those of its document.

    A domain pattern is a host name in which `*` stands for any part of one label: "example.com",
    "web-*.example.com", "*.internal". `allow_bare_domains` lets the pattern's own names in, `allow_subdomains` all
    names below them. Empty lists of ranges, e-mail domains and prefixes mean any, where the kind is allowed at all.
    """

    allowed_domains: tuple[str, ...] = ()
    allow_any_name: bool = False
    allow_bare_domains: bool = True
    allow_subdomains: bool = False
    allow_wildcards: bool = False
    allow_dns_sans: bool = True
    allow_ip_sans: bool = False
    allowed_ip_ranges: tuple[str, ...] = ()
    allow_email_sans: bool = False
    allowed_email_domains: tuple[str, ...] = ()
    allow_uri_sans: bool = False
    allowed_uri_prefixes: tuple[str, ...] = ()

    @classmethod
    def read(cls, section: Section) -> NameRules:
        """The rules in a role's document; what is wrong is said to the section."""
        return cls(
            allowed_domains=_patterns(section, "allowed_domains"),
            allow_any_name=section.flag("allow_any_name", False),
            allow_bare_domains=section.flag("allow_bare_domains", True),
            allow_subdomains=section.flag("allow_subdomains", False),
            allow_wildcards=section.flag("allow_wildcards", False),
            allow_dns_sans=section.flag("allow_dns_sans", True),
            allow_ip_sans=section.flag("allow_ip_sans", False),
            allowed_ip_ranges=_ranges(section, "allowed_ip_ranges"),
            allow_email_sans=section.flag("allow_email_sans", False),
            allowed_email_domains=_patterns(section, "allowed_email_domains"),
            allow_uri_sans=section.flag("allow_uri_sans", False),
            allowed_uri_prefixes=_prefixes(section, "allowed_uri_prefixes"),
        )

    def to_document(self) -> dict[str, object]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def san_error(self, name: GeneralName, field: str) -> FieldError | None:
        """Why the role does not let this name (canonical) into the SANs; None where it does."""
        if isinstance(name, DNSName) and not self.allow_dns_sans:
            return _refusal(field, _("the role allows no DNS names"), name)
        return self._error(name, field)

    def common_name_error(self, text: str, field: str) -> FieldError | None:
        """Why the role does not let this common name in: it must read as a name that the role allows."""
        if self.allow_any_name:
            return None
        try:
            name = general_name(text, inferred_kind(text))
        except Invalid:
            return field_error(
                field, "name-not-allowed", _("%(name)s is not a name that the role allows"), name=repr(text)[:120]
            )
        return self._error(name, field)

    def _error(self, name: GeneralName, field: str) -> FieldError | None:
        match name:
            case DNSName():
                return self._dns_error(name, field)
            case IPAddress():
                is_allowed, is_within = self.allow_ip_sans, self._allows_address(name)
            case RFC822Name():
                is_allowed, is_within = self.allow_email_sans, self._allows_email(name.value)
            case UniformResourceIdentifier():
                is_allowed, is_within = self.allow_uri_sans, self._allows_uri(name.value)
            case _other:
                is_allowed = is_within = False
        if not is_allowed:
            return _refusal(field, _("the role does not allow names of this kind: %(name)s"), name)
        return None if is_within else _refusal(field, _("the role does not allow %(name)s"), name)

    def _dns_error(self, name: DNSName, field: str) -> FieldError | None:
        if name.value.startswith("*.") and not self.allow_wildcards:
            return _refusal(field, _("the role allows no wildcards: %(name)s"), name)
        if self.allow_any_name or any(self._allows_domain(pattern, name.value) for pattern in self.allowed_domains):
            return None
        return _refusal(field, _("the role does not allow %(name)s"), name)

    def _allows_domain(self, pattern: str, name: str) -> bool:
        wanted, labels = pattern.split("."), name.split(".")
        if len(labels) == len(wanted):
            return self.allow_bare_domains and _labels_match(wanted, labels)
        return self.allow_subdomains and len(labels) > len(wanted) and _labels_match(wanted, labels[-len(wanted) :])

    def _allows_address(self, name: IPAddress) -> bool:
        if not self.allowed_ip_ranges:
            return True
        ranges = [ipaddress.ip_network(each) for each in self.allowed_ip_ranges]
        return any(name.value.version == each.version and name.value in each for each in ranges)

    def _allows_email(self, address: str) -> bool:
        labels = address.rpartition("@")[2].split(".")
        patterns = [pattern.split(".") for pattern in self.allowed_email_domains]
        return not patterns or any(len(each) == len(labels) and _labels_match(each, labels) for each in patterns)

    def _allows_uri(self, uri: str) -> bool:
        return not self.allowed_uri_prefixes or any(_starts(uri, each) for each in self.allowed_uri_prefixes)


def _labels_match(patterns: Sequence[str], labels: Sequence[str]) -> bool:
    """Label by label. The `*` of a wildcard name stands for every label, so only a whole `*` covers it."""
    return all(
        pattern == "*" if label == "*" else fnmatchcase(label, pattern)
        for pattern, label in zip(patterns, labels, strict=True)
    )


def _starts(uri: str, prefix: str) -> bool:
    """Whether a URI is the prefix, or goes on after it where a part of a URI ends: never in the middle of a host."""
    rest = uri.removeprefix(prefix)
    return uri.startswith(prefix) and (not rest or prefix[-1] in "/:?#" or rest[0] in "/?#")


def _refusal(field: str, template: str, name: GeneralName) -> FieldError:
    return field_error(field, "name-not-allowed", template, name=repr(general_name_text(name))[:120])


def _patterns(section: Section, field: str) -> tuple[str, ...]:
    patterns = []
    for text in section.texts(field):
        try:
            patterns.append(_pattern(text))
        except (Invalid, ValueError):
            section.error(field, "bad-pattern", _("%(pattern)s is not a domain pattern"), pattern=repr(text)[:120])
    return tuple(patterns)


def _pattern(text: str) -> str:
    if "*" not in text:
        return general_name_text(general_name(text, "dns"))
    pattern = text.lower()
    if not all(_PATTERN_LABEL.fullmatch(label) for label in pattern.split(".")):
        raise ValueError("not a pattern")
    return pattern


def _ranges(section: Section, field: str) -> tuple[str, ...]:
    ranges = []
    for text in section.texts(field):
        try:
            ranges.append(str(ipaddress.ip_network(text)))
        except ValueError:
            section.error(field, "bad-range", _("%(range)s is not an IP network"), range=repr(text)[:80])
    return tuple(ranges)


def _prefixes(section: Section, field: str) -> tuple[str, ...]:
    prefixes = section.texts(field)
    for text in prefixes:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+", text):
            section.error(field, "bad-prefix", _("%(prefix)s does not begin like a URI"), prefix=repr(text)[:120])
    return prefixes

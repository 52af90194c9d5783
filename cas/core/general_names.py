"""General names (RFC 5280 4.2.1.6): text to and from `x509.GeneralName`, and the subtrees of name constraints."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import idna
from cryptography.x509 import (
    DirectoryName,
    DNSName,
    GeneralName,
    IPAddress,
    OtherName,
    RegisteredID,
    RFC822Name,
    UniformResourceIdentifier,
)

from kernel.errors import Invalid
from kernel.text import _


class NameKind(StrEnum):
    DNS = "dns"
    IP = "ip"
    EMAIL = "email"
    URI = "uri"
    DIRECTORY = "dirname"
    REGISTERED_ID = "rid"
    OTHER = "other"


_KIND_OF_TYPE: Final = {
    DNSName: NameKind.DNS,
    IPAddress: NameKind.IP,
    RFC822Name: NameKind.EMAIL,
    UniformResourceIdentifier: NameKind.URI,
    DirectoryName: NameKind.DIRECTORY,
    RegisteredID: NameKind.REGISTERED_ID,
    OtherName: NameKind.OTHER,
}

_LONGEST_DNS: Final = 253  # RFC 1035 2.3.4, without the root's dot
_LONGEST_EMAIL: Final = 254  # RFC 5321 4.5.3.1.3, without the brackets
_LONGEST_LOCAL_PART: Final = 64  # RFC 5321 4.5.3.1.1
_LONGEST_URI: Final = 2048

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 2.1; no underscore
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # RFC 3986, section 2
_DOT_SEGMENT: Final = re.compile(r"/(?:\.|%2e){1,2}(?:[/?#]|$)", re.IGNORECASE)
_PREFIX: Final = re.compile(r"(dns|ip|email|uri):(.*)", re.IGNORECASE | re.DOTALL)


def kind_of(name: GeneralName) -> NameKind:
    return _KIND_OF_TYPE[type(name)]


def inferred_kind(text: str) -> NameKind:
    """What text without a prefix looks like; a host name where it looks like nothing else."""
    if _is_ip(text):
        return NameKind.IP
    if "://" in text or text.lower().startswith("urn:"):
        return NameKind.URI
    return NameKind.EMAIL if "@" in text else NameKind.DNS


# A name is read several times on its way into a certificate: as common name, as SAN, in the draft, by the lint.
@lru_cache(maxsize=1024)
def general_name(text: str, kind: NameKind | str | None = None, *, field: str = "sans") -> GeneralName:
    """A name from text, in its canonical form: lower case, IDNA A-labels, compressed addresses.

    The kind is `kind`, else a prefix ("dns:", "ip:", "email:", "uri:"), else inferred. Raises Invalid on `field`.
    """
    if kind is None and (prefixed := _PREFIX.fullmatch(text)):
        kind, text = prefixed[1].lower(), prefixed[2]
    match NameKind(kind) if kind else inferred_kind(text):
        case NameKind.DNS:
            return DNSName(_dns(text, field))
        case NameKind.IP:
            return IPAddress(_ip(text, field))
        case NameKind.EMAIL:
            return RFC822Name(_email(text, field))
        case NameKind.URI:
            return UniformResourceIdentifier(_uri(text, field))
        case other:
            raise Invalid.of(field, "unsupported-name", _("a name of type %(kind)s is not supported"), kind=other.value)


def general_name_text(name: GeneralName) -> str:
    """The value alone; of names that are not one of our four kinds, something to show."""
    match name:
        case DNSName() | RFC822Name() | UniformResourceIdentifier():
            return name.value
        case IPAddress():
            return str(name.value)
        case DirectoryName():
            return name.value.rfc4514_string()
        case RegisteredID():
            return name.value.dotted_string
        case OtherName():
            return name.type_id.dotted_string
    raise TypeError(f"not a general name: {type(name).__name__}")


def canonical(name: GeneralName, *, field: str = "sans") -> GeneralName:
    """A name that came from outside (a CSR), checked as text would be, and in canonical form.

    Raises Invalid on `field`, also for kinds that we do not issue.
    """
    return general_name(general_name_text(name), kind_of(name), field=field)


def constraint_name(text: str, kind: NameKind | str | None = None, *, field: str = "permitted") -> GeneralName:
    """A subtree of a name constraint (RFC 5280 4.2.1.10) from text: "example.com" or "dns:example.com",
    "ip:10.0.0.0/8", "email:example.com", "uri:example.com".

    A host name stands for itself and everything below it (for URIs and e-mail, ".example.com" means below only).
    Raises Invalid on `field`.
    """
    if kind is None and (prefixed := _PREFIX.fullmatch(text)):
        kind, text = prefixed[1].lower(), prefixed[2]
    if kind is None:
        kind = NameKind.IP if _is_network(text) else NameKind.EMAIL if "@" in text else NameKind.DNS
    match NameKind(kind):
        case NameKind.DNS:
            return DNSName(_host(text, field))
        case NameKind.IP:
            return IPAddress(_network(text, field))
        case NameKind.EMAIL if "@" in text:
            return RFC822Name(_email(text, field))
        case NameKind.EMAIL:
            return RFC822Name(_host_or_below(text, field))
        case NameKind.URI:
            return UniformResourceIdentifier(_host_or_below(text, field))
        case other:
            raise Invalid.of(field, "unsupported-name", _("a name of type %(kind)s is not supported"), kind=other.value)


def uri_host(uri: str) -> str | None:
    """The host of a URI, lower case; None where it has none (RFC 3986 3.2.2)."""
    try:
        return urlsplit(uri).hostname
    except ValueError:
        return None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _invalid(field: str, what: str, text: str) -> Invalid:
    return Invalid.of(field, "bad-name", what, name=repr(text)[:120])


def _dns(text: str, field: str) -> str:
    star, host = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    return star + _host(host, field, longest=_LONGEST_DNS - len(star))


def _host(text: str, field: str, longest: int = _LONGEST_DNS) -> str:
    if len(text) > _LONGEST_DNS:
        raise _not_a_host(field, text)  # before IDNA, whose work grows with the square of the length
    try:
        host = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
        labels = host.split(".")
        for label in labels:
            if label.startswith("xn--"):
                idna.ulabel(label)
    except UnicodeError:
        raise _not_a_host(field, text) from None
    is_sound = len(host) <= longest and all(_LABEL.fullmatch(label) for label in labels)
    # RFC 5890 2.3.1: hyphens in the third and fourth place are reserved; A-labels alone use them.
    has_reserved_label = any(label[2:4] == "--" and not label.startswith("xn--") for label in labels)
    # A last label of digits is read as an address by some (WHATWG URL 3.5): "192.168.1.300", "10.1".
    if not is_sound or has_reserved_label or labels[-1].isdigit():
        raise _not_a_host(field, text)
    return host


def _not_a_host(field: str, text: str) -> Invalid:
    return _invalid(field, _("%(name)s is not a host name"), text)


def _host_or_below(text: str, field: str) -> str:
    dot, host = (".", text[1:]) if text.startswith(".") else ("", text)
    return dot + _host(host, field)


def _ip(text: str, field: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if not _is_ip(text) or "%" in text:
        raise _invalid(field, _("%(name)s is not an IP address"), text)
    return ipaddress.ip_address(text)


def _network(text: str, field: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise _invalid(field, _("%(name)s is not an IP network, such as 10.0.0.0/8"), text) from None


def _email(text: str, field: str) -> str:
    local, _at, host = text.rpartition("@")
    wrong = _invalid(field, _("%(name)s is not an e-mail address"), text)
    if not _LOCAL_PART.fullmatch(local) or len(local) > _LONGEST_LOCAL_PART:
        raise wrong
    address = f"{local}@{_host(host, field)}"
    if len(address) > _LONGEST_EMAIL:
        raise wrong
    return address


def _uri(text: str, field: str) -> str:
    """An absolute URI; where it has an authority, a host name or an address, and no user (RFC 5280 4.2.1.6)."""
    wrong = _invalid(field, _("%(name)s is not an absolute URI"), text)
    if not _URI.fullmatch(text) or len(text) > _LONGEST_URI or _DOT_SEGMENT.search(text):
        raise wrong
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    has_authority = text.partition(":")[2].startswith("//")
    if has_authority and (not host or "@" in parts.netloc):
        raise wrong
    if host and not _is_ip(host):
        _host(host, field)
    return text

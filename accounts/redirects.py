"""Where the answer to an authorization request may be sent. Pure functions.

RFC 9700 section 2.1: compared character by character; RFC 8252 section 7.3: but for the port of a loopback address,
which an application on the person's own machine does not know beforehand.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, urlsplit

LONGEST: Final = 500


def is_acceptable(uri: str) -> bool:
    """Whether an application may register it: https anywhere, or http to a loopback address."""
    if len(uri) > LONGEST or not _is_plain(uri):
        return False
    parts = _split(uri)
    if parts is None or not parts.hostname or "@" in parts.netloc or "#" in uri or "*" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def matches(uri: str, registered: Iterable[str]) -> bool:
    """Whether an answer may be sent there."""
    if not is_acceptable(uri):
        return False
    return any(uri == each or _differ_by_port(uri, each) for each in registered)


def origin_of(uri: str) -> str:
    """`scheme://host:port` of an acceptable one, for people and for Content-Security-Policy."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _differ_by_port(uri: str, registered: str) -> bool:
    one, other = urlsplit(uri), urlsplit(registered)
    if one.scheme != "http" or not _is_loopback(one.hostname or ""):
        return False
    return (one.scheme, one.hostname, one.path, one.query) == (other.scheme, other.hostname, other.path, other.query)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_plain(uri: str) -> bool:
    """Printable ASCII, without what browsers read otherwise than we do."""
    return uri.isascii() and uri.isprintable() and not any(sign in uri for sign in ' \\"<>^`{|};,')


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:
        return None

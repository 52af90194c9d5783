"""What an issuer of OpenID Connect may look like."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from kernel.errors import FieldError, field_error
from kernel.limits import text_errors
from kernel.text import _

LONGEST_ISSUER: Final = 300
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def issuer_errors(issuer: str) -> list[FieldError]:
    """What is wrong with it: an https address without query or fragment (OpenID Connect Discovery 1.0 section 3)."""
    if errors := text_errors("issuer", issuer, longest=LONGEST_ISSUER, required=True):
        return errors
    try:
        parts = urlsplit(issuer)
        bare = not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        return [_bad_issuer()]
    return [] if parts.hostname and bare and may_be_asked(parts) else [_bad_issuer()]


def may_be_asked(parts: SplitResult) -> bool:
    """Over TLS; without it only a server on this machine, beside a Chancery that has none either: for trying it out."""
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK and settings.BASE_URL.startswith("http://")
    return parts.scheme == "https" or plain


def _bad_issuer() -> FieldError:
    return field_error("issuer", "invalid", _("An issuer is an address such as https://id.example.com."))

"""What proxies of ours say of a request: where it came from, and which certificate its client has shown."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from kernel.secret import Secret

# What proxies call the certificate of a client, and what else they say of it, with underscores and without.
_ABOUT_CLIENTS: Final = re.compile(r"HTTP_(X_)?(FORWARDED_)?(SSL_|TLS_)?CLIENT_?(CERT|VERIFY|DN|SDN|IDN|S_DN|I_DN).*")
_SECRET: Final = "HTTP_X_PROXY_SECRET"  # noqa: S105  a header
# RFC 9440; and the escaped PEM that nginx has.
_STANDARD, _ESCAPED = "HTTP_CLIENT_CERT", "HTTP_X_SSL_CLIENT_CERT"
_BYTE_SEQUENCE: Final = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
_LONGEST: Final = 32_768


class ClientAddress:
    """Puts the client's address in `REMOTE_ADDR`, where there are `TRUSTED_PROXIES`; else it is there already.

    Each proxy adds the address that it was asked from to the end of `X-Forwarded-For`, so that as many entries are
    true as there are proxies, and the first of these is the client. Everything before it is the client's own word.
    Where it is missing or no address, nobody knows: the address is empty, never that of a proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.TRUSTED_PROXIES:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        request.META["REMOTE_ADDR"] = client_address(forwarded, settings.TRUSTED_PROXIES)
        return self.get_response(request)


def client_address(forwarded: str, proxies: int) -> str:
    """The entry of `X-Forwarded-For` that the outermost of so many proxies wrote; empty where that is no address."""
    entries = forwarded.split(",")
    if len(entries) < proxies:
        return ""
    try:
        return str(ipaddress.ip_address(entries[-proxies].strip()))
    except ValueError:
        return ""


class ClientCertificate:
    """Puts the certificate that a client has shown to a proxy of ours in `request.client_certificate`, as DER.

    It is believed of those in `CLIENT_CERTIFICATE_PROXIES` that also send the secret they share with us. Empty bytes:
    the proxy says something, and it is no certificate. None: nothing was said, or by nobody who is believed. Nothing
    below finds any such header, in whatever spelling it came. To stand before `ClientAddress`, which forgets the proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = take_headers(request.META)
        # Whoever has asked for them before has kept them.
        request.__dict__.pop("headers", None)
        believed = told and is_believed(request.META.get("REMOTE_ADDR", ""), told.pop(_SECRET, ""))
        request.client_certificate = shown_certificate(told) if believed else None  # type: ignore[attr-defined]
        return self.get_response(request)


def take_headers(meta: dict[str, str]) -> dict[str, str]:
    """Everything that is said of a client's certificate, and the secret; it is not in `meta` any more."""
    names = [name for name in meta if _is_about_clients(name)]
    return {name: meta.pop(name) for name in names}


def is_believed(peer: str, secret: str) -> bool:
    """Whether this is a proxy of ours."""
    expected: Secret | None = settings.PROXY_SECRET
    if expected is None or not hmac.compare_digest(secret.encode(), expected.reveal()):
        return False
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in settings.CLIENT_CERTIFICATE_PROXIES)


def shown_certificate(told: Mapping[str, str]) -> bytes | None:
    """The certificate in these headers; empty bytes where they hold none, or several."""
    values = [(name, told[name]) for name in (_STANDARD, _ESCAPED) if told.get(name)]
    if not values:
        return None
    if len(values) > 1 or len(values[0][1]) > _LONGEST:
        return b""
    name, value = values[0]
    try:
        return _from_byte_sequence(value) if name == _STANDARD else _from_escaped_pem(value)
    except ValueError:
        return b""


def _is_about_clients(name: str) -> bool:
    plain = name.upper().replace("-", "_")
    return plain == _SECRET or _ABOUT_CLIENTS.fullmatch(plain) is not None


def _from_byte_sequence(value: str) -> bytes:
    """RFC 9440 section 2.2, RFC 8941 section 3.3.5. Raises ValueError."""
    found = _BYTE_SEQUENCE.fullmatch(value.strip())
    if found is None:
        raise ValueError("no byte sequence")
    try:
        der = base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.DER)


def _from_escaped_pem(value: str) -> bytes:
    """Exactly one. Raises ValueError."""
    (certificate,) = x509.load_pem_x509_certificates(unquote_to_bytes(value))
    return certificate.public_bytes(Encoding.DER)

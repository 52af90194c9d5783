"""What a server shows to those who speak TLS to it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from accounts.outbound import Network, OutboundError
from accounts.outbound_guard import guarded
from cas.core.formats import to_pem

_PATIENCE: Final = 8.0


@dataclass(frozen=True, slots=True)
class Shown:
    """The DER of the certificate that was shown. `is_chain_complete`: whether what came with it leads to the root that
    was asked for; None where none was.
    """

    der: bytes
    is_chain_complete: bool | None


def look_at(host: str, port: int, *, root: x509.Certificate | None, private_ranges: Collection[Network] = ()) -> Shown:
    """Shake hands with a server under its name, and hang up. Nothing is believed of what it shows.

    Raises OutboundError: it has no address that may be asked, does not answer, or does not speak TLS.
    """
    try:
        with guarded(private_ranges, patience=2 * _PATIENCE):
            der = _shake_hands(host, port, _believing_all())
            return Shown(der, None if root is None else _leads_to(root, host, port))
    except OSError as error:
        raise OutboundError(f"{host} cannot be asked: {error.strerror or type(error).__name__}") from error


def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((host, port), timeout=_PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _leads_to(root: x509.Certificate, host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=to_pem(root))
    try:
        _shake_hands(host, port, context)
    except ssl.SSLCertVerificationError:
        return False
    return True


def _believing_all() -> ssl.SSLContext:
    """It is to be seen what is there; who stands behind it is judged by the bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

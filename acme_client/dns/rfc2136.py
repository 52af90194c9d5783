"""TXT records by dynamic updates (RFC 2136), signed by TSIG (RFC 8945)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import socket
from collections.abc import Mapping
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update
from dns.rdtypes.ANY.TXT import TXT

from acme_client.dns.errors import DnsError
from kernel.errors import FieldError, field_error
from kernel.secret import Secret
from kernel.text import _

ALGORITHMS: Final = ("hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224", "hmac-sha1")
_PORT: Final = 53
_TTL_SECONDS: Final = 60
_PATIENCE: Final = 15.0


def create_txt(config: Mapping[str, Secret], *, zone: str, name: str, value: str) -> None:
    """Add one TXT record; others of the same name stay. Call it inside the guard. Raises DnsError."""
    update = _update(config, zone)
    update.add(dns.name.from_text(name), _TTL_SECONDS, _txt(value))
    _send(config, update, zone)


def delete_txt(config: Mapping[str, Secret], *, zone: str, name: str, value: str) -> None:
    """Take this one TXT record away, if it is there. Call it inside the guard. Raises DnsError."""
    update = _update(config, zone)
    update.delete(dns.name.from_text(name), _txt(value))
    _send(config, update, zone)


def value_errors(place: str, field: str, value: str) -> list[FieldError]:
    """What is wrong with one value of a configuration."""
    if field == "port" and not (value.isascii() and value.isdigit() and 0 < int(value[:6]) < 65536):
        return [field_error(place, "bad-format", _("A port is a number from 1 to 65535."))]
    if field == "key_secret" and not _is_key(value):
        return [field_error(place, "bad-format", _("A TSIG key is written in base64."))]
    if field in ("server", "key_name") and not _is_name(value):
        return [field_error(place, "bad-format", _("This is no name."))]
    return []


def _update(config: Mapping[str, Secret], zone: str) -> dns.update.UpdateMessage:
    key_name = dns.name.from_text(_text(config, "key_name"))
    algorithm = dns.name.from_text(_text(config, "key_algorithm") or ALGORITHMS[0])
    key = dns.tsig.Key(key_name, base64.b64decode(_text(config, "key_secret")), algorithm)
    return dns.update.UpdateMessage(dns.name.from_text(zone), keyring=key)


def _send(config: Mapping[str, Secret], update: dns.update.UpdateMessage, zone: str) -> None:
    server, port = _text(config, "server"), int(_text(config, "port") or _PORT)
    try:
        answer = dns.query.tcp(update, _address_of(server, port), timeout=_PATIENCE, port=port)
    except dns.tsig.PeerError as error:
        text = _("%(server)s refuses the key (%(reason)s).")
        raise DnsError(text, server=server, reason=type(error).__name__) from None
    except dns.exception.FormError:
        # Of a zone that they do not have some servers answer without its name, which the library does not read.
        raise DnsError(_("%(server)s does not seem to have the zone %(zone)s."), server=server, zone=zone) from None
    except dns.exception.DNSException as error:
        text = _("What %(server)s answers is not understood (%(reason)s).")
        raise DnsError(text, server=server, reason=type(error).__name__) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DnsError(_("%(server)s cannot be asked: %(reason)s."), server=server, reason=reason) from None
    if answer.rcode() != dns.rcode.NOERROR:
        text = _("%(server)s does not change %(zone)s: it answers %(reason)s.")
        raise DnsError(text, server=server, zone=zone, reason=dns.rcode.to_text(answer.rcode()))


def _address_of(server: str, port: int) -> str:
    return str(socket.getaddrinfo(server, port, type=socket.SOCK_STREAM)[0][4][0])


def _txt(value: str) -> TXT:
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, [value])


def _text(config: Mapping[str, Secret], field: str) -> str:
    value = config.get(field)
    return value.reveal().decode().strip() if value is not None else ""


def _is_key(value: str) -> bool:
    try:
        return bool(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False


def _is_name(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        try:
            dns.name.from_text(value)
        except (dns.exception.DNSException, UnicodeError):
            return False
        return " " not in value
    return True

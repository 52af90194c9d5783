"""Whatever somebody shows: certificates, requests, revocation lists, alone or several, told apart and put into words.

A private key is refused before anything of it is read, and nothing here keeps what it was shown.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cas.core import der
from cas.core.names import format_name
from cas.core.reading import UNREADABLE, extension_of
from cas.describe import (
    CertificateText,
    ExtensionText,
    alternative_names,
    describe,
    extensions_of,
    key_of,
    oid_words,
    pairs,
)
from kernel.errors import Invalid
from kernel.text import _

# Forms up to this stay in memory while they are read.
LONGEST: Final = 1024 * 1024
_FIELD: Final = "content"
_MOST_ITEMS: Final = 50
_MOST_ENTRIES: Final = 50
# In bits: the 20 octets of RFC 5280 5.2.3.
_LONGEST_NUMBER: Final = 160
_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
# PEM of every kind, OpenSSH's and PuTTY's among it; keystores of Java, of both generations.
_KEY_MARKS: Final = (b"PRIVATE KEY", b"PuTTY-User-Key-File")
_KEYSTORES: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")


@dataclass(frozen=True, slots=True)
class RequestText:
    """A certificate signing request. `is_proven`: the key in it has signed it (RFC 2986 section 3)."""

    subject: str
    names: tuple[tuple[str, str], ...]
    key: str
    signature_algorithm: str
    is_proven: bool
    extensions: tuple[ExtensionText, ...]
    pem: str


@dataclass(frozen=True, slots=True)
class EntryText:
    """One revocation of a list."""

    serial: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ListText:
    """A CRL, with its first entries."""

    issuer: str
    number: str | None
    this_update: datetime
    next_update: datetime | None
    signature_algorithm: str
    entries: int
    first: tuple[EntryText, ...]
    extensions: tuple[ExtensionText, ...]


Shown = x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList
Words = CertificateText | RequestText | ListText


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was shown, and the same in words."""

    shown: Shown
    words: Words

    @property
    def kind(self) -> str:
        """certificate, request or list."""
        return {CertificateText: "certificate", RequestText: "request"}.get(type(self.words), "list")


def inspect(data: bytes) -> tuple[Item, ...]:
    """What is in PEM (several blocks, text between them ignored), DER, bare base64 of it, or PKCS#7.

    Raises Invalid on `content`: for a private key, or what may hold one; for nothing that is known; for more than 1 MB
    and more than fifty things.
    """
    if len(data) > LONGEST:
        raise Invalid.of(_FIELD, "too-long", _("is longer than %(limit)s bytes"), limit=LONGEST)
    if any(mark in data for mark in _KEY_MARKS):
        raise _private_key()
    shown = [each for label, encoded in _encoded(data) for each in _read(label, encoded)]
    if len(shown) > _MOST_ITEMS:
        raise Invalid.of(_FIELD, "too-many", _("holds more than %(limit)s things"), limit=_MOST_ITEMS)
    try:
        return tuple(Item(each, _in_words(each)) for each in shown)
    except UNREADABLE as error:
        raise _unknown() from error


def _encoded(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The DER of each part, with the label that it has in PEM; none outside of PEM."""
    if b"-----BEGIN " not in data:
        yield b"", _bare(data)
        return
    blocks = _PEM_BLOCK.findall(data)
    if len(blocks) != data.count(b"-----BEGIN "):
        raise _unknown()
    for label, content in blocks:
        yield label, _debase(content)


def _bare(data: bytes) -> bytes:
    """DER as it is, or written in base64 without its frame."""
    return _debase(data) if _BASE64.fullmatch(b"".join(data.split())) else data


def _debase(content: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error


def _read(label: bytes, encoded: bytes) -> list[Shown]:
    if _may_hold_a_key(encoded):
        raise _private_key()
    for readable, read in _READERS:
        if label and label not in readable:
            continue
        try:
            return read(encoded)
        except UNREADABLE:
            continue
    raise _unknown()


def _may_hold_a_key(encoded: bytes) -> bool:
    """Every form of a private key and PKCS#12 begin with a number; an encrypted key with an algorithm; what is public
    with another sequence (RFC 5958, 5915, 8017 A.1.2, 7292). PKCS#7 begins with an OID, and holds none here.
    """
    if encoded.startswith(_KEYSTORES):
        return True
    try:
        content = der.Reader(encoded).enter()
        if content.next_is(der.INTEGER):
            return True
        return content.next_is(der.SEQUENCE) and content.enter().next_is(der.OBJECT_IDENTIFIER)
    except der.DerError:
        return False


_READERS: Final[tuple[tuple[frozenset[bytes], Callable[[bytes], list[Shown]]], ...]] = (
    (frozenset({b"PKCS7", b"CMS"}), lambda data: list(pkcs7.load_der_pkcs7_certificates(data))),
    (frozenset({b"CERTIFICATE", b"X509 CERTIFICATE"}), lambda data: [x509.load_der_x509_certificate(data)]),
    (
        frozenset({b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"}),
        lambda data: [x509.load_der_x509_csr(data)],
    ),
    (frozenset({b"X509 CRL"}), lambda data: [x509.load_der_x509_crl(data)]),
)


def _in_words(shown: Shown) -> Words:
    if isinstance(shown, x509.Certificate):
        return describe(shown)
    if isinstance(shown, x509.CertificateSigningRequest):
        return _request(shown)
    return _list(shown)


def _request(request: x509.CertificateSigningRequest) -> RequestText:
    return RequestText(
        subject=format_name(request.subject),
        names=alternative_names(request),
        key=key_of(request),
        signature_algorithm=oid_words(request.signature_algorithm_oid),
        is_proven=_is_proven(request),
        extensions=extensions_of(request),
        pem=request.public_bytes(Encoding.PEM).decode(),
    )


def _is_proven(request: x509.CertificateSigningRequest) -> bool:
    try:
        return request.is_signature_valid
    except UNREADABLE:
        return False


def _list(crl: x509.CertificateRevocationList) -> ListText:
    number = extension_of(crl.extensions, x509.CRLNumber)
    return ListText(
        issuer=format_name(crl.issuer),
        number=_number_text(number.crl_number) if number else None,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        signature_algorithm=oid_words(crl.signature_algorithm_oid),
        entries=len(crl),
        first=tuple(_entry(each) for each in islice(crl, _MOST_ENTRIES)),
        extensions=extensions_of(crl),
    )


def _number_text(number: int) -> str:
    """In decimal; one that no CRL may have in hexadecimal, in which Python writes numbers of any length."""
    return str(number) if number.bit_length() <= _LONGEST_NUMBER else f"0x{number:x}"


def _entry(entry: x509.RevokedCertificate) -> EntryText:
    reason = extension_of(entry.extensions, x509.CRLReason)
    return EntryText(
        pairs(f"{entry.serial_number:x}"), entry.revocation_date_utc, reason.reason.value if reason else "–"
    )


def _private_key() -> Invalid:
    text = _("This is a private key, or may hold one. It was not read and not kept: show it to nobody.")
    return Invalid.of(_FIELD, "private-key", text)


def _unknown() -> Invalid:
    text = _("This is no certificate, request, CRL or PKCS#7 that can be read.")
    return Invalid.of(_FIELD, "unreadable", text)

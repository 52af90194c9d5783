"""As much DER (X.690) as CRLs, OCSP and certificate assembly need: a writer of values and a strict reader.

`cryptography` builds a CRL entry by entry and an OCSP answer for one CertID only; with these few
functions a CRL of a million entries is a join of bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

_CONTEXT: Final = 0x80
_CONSTRUCTED: Final = 0x20
_LAST_UTC_TIME_YEAR: Final = 2049


class DerError(ValueError):
    """The bytes are not DER, or not of the expected shape."""


def header(tag: int, length: int) -> bytes:
    """Tag and length octets, the length in its shortest form (X.690 10.1)."""
    if length < 0x80:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets


def tlv(tag: int, content: bytes) -> bytes:
    return header(tag, len(content)) + content


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, b"".join(parts))


def explicit(number: int, content: bytes) -> bytes:
    """`[number] EXPLICIT`, or an implicit tag on constructed content."""
    return tlv(context_tag(number, constructed=True), content)


def context_tag(number: int, *, constructed: bool) -> int:
    return _CONTEXT | (_CONSTRUCTED if constructed else 0) | number


def boolean(value: bool) -> bytes:
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A number of zero or more."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def enumerated(value: int) -> bytes:
    return integer(value, ENUMERATED)


def octet_string(content: bytes) -> bytes:
    return tlv(OCTET_STRING, content)


def bit_string(content: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return tlv(BIT_STRING, b"\x00" + content)


def null() -> bytes:
    return tlv(NULL, b"")


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OBJECT_IDENTIFIER, b"".join(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(value: int) -> bytes:
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(value & 0x7F | 0x80)
    return bytes(reversed(septets))


def time(at: datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5 and 5.1.2.4)."""
    utc = _utc(at)
    if utc.year > _LAST_UTC_TIME_YEAR:
        return generalized_time(utc)
    return tlv(UTC_TIME, utc.strftime("%y%m%d%H%M%SZ").encode("ascii"))


def generalized_time(at: datetime) -> bytes:
    """Whole seconds, no fraction (RFC 5280 4.1.2.5.2, RFC 6960 4.2.2.1)."""
    return tlv(GENERALIZED_TIME, f"{_utc(at):%Y%m%d%H%M%SZ}".encode("ascii"))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    """One Extension (RFC 5280 4.1); `critical` FALSE is the default and so is left out."""
    flag = boolean(True) if critical else b""
    return sequence(oid(dotted), flag, octet_string(value))


class Reader:
    """Reads values one after another. Every method raises DerError on anything but strict DER."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def next_is(self, tag: int) -> bool:
        return not self.at_end and self._data[self._at] == tag

    def read(self, tag: int) -> bytes:
        """The content of the next value, which must carry this tag."""
        _, content = self._value(tag)
        return content

    def read_whole(self, tag: int) -> bytes:
        """The next value with its tag and length."""
        whole, _ = self._value(tag)
        return whole

    def enter(self, tag: int = SEQUENCE) -> Reader:
        return Reader(self.read(tag))

    def read_integer(self) -> int:
        content = self.read(INTEGER)
        value = int.from_bytes(content, signed=True)
        if len(content) != (value if value >= 0 else ~value).bit_length() // 8 + 1:
            raise DerError("an INTEGER not in its shortest form")
        return value

    def read_boolean(self) -> bool:
        content = self.read(BOOLEAN)
        if content not in (b"\x00", b"\xff"):
            raise DerError("a BOOLEAN that is neither TRUE nor FALSE")
        return content == b"\xff"

    def read_bits(self) -> bytes:
        """A BIT STRING of whole octets."""
        content = self.read(BIT_STRING)
        if content[:1] != b"\x00":
            raise DerError("a BIT STRING with unused bits")
        return content[1:]

    def read_oid(self) -> str:
        content = self.read(OBJECT_IDENTIFIER)
        if not content or content[-1] & 0x80:
            raise DerError("an OBJECT IDENTIFIER that does not end")
        arcs, value = [], 0
        for octet in content:
            if value == 0 and octet == 0x80:
                raise DerError("an OBJECT IDENTIFIER not in its shortest form")
            value = value << 7 | octet & 0x7F
            if not octet & 0x80:
                arcs.append(value)
                value = 0
        root = min(arcs[0] // 40, 2)
        return ".".join(str(arc) for arc in (root, arcs[0] - 40 * root, *arcs[1:]))

    def finish(self) -> None:
        if not self.at_end:
            raise DerError("bytes after the end")

    def _value(self, tag: int) -> tuple[bytes, bytes]:
        if not self.next_is(tag):
            raise DerError(f"expected the tag {tag:#04x}")
        start, length = self._length()
        end = start + length
        if end > len(self._data):
            raise DerError("the bytes end too early")
        whole, content = self._data[self._at : end], self._data[start:end]
        self._at = end
        return whole, content

    def _length(self) -> tuple[int, int]:
        """Where the content starts, and how long it is."""
        start = self._at + 2
        if start > len(self._data):
            raise DerError("the bytes end too early")
        first = self._data[start - 1]
        if first < 0x80:
            return start, first
        count = first & 0x7F
        octets = self._data[start : start + count]
        length = int.from_bytes(octets)
        if not 1 <= count <= 4 or len(octets) != count or length < 0x80 or octets[0] == 0:
            raise DerError("a length not in its shortest form")
        return start + count, length

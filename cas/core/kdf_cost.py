"""How much work a file asks for before its password is known to be right: whoever made it has chosen that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

# What all keys and the seal of a file may take together: three by today's advice (OWASP: 600,000 each) are below it.
MOST_ITERATIONS: Final = 2_000_000
# Of scrypt (RFC 7914), N times r times p; 128 bytes of memory for each.
MOST_SCRYPT: Final = 1 << 19
_DEEPEST: Final = 40
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30
_CONSTRUCTED: Final = 0x20
_HIGH_TAG: Final = 0x1F
_SCRYPT_NUMBERS: Final = 3


def is_too_much(data: bytes) -> bool:
    """Whether a PKCS#12 file or an encrypted PKCS#8 key (DER) asks for more than a second or two.

    Every scheme for passwords (RFC 8018, RFC 7292, RFC 7914) has its numbers right after its salt. So that nothing is
    hidden from this and shown to a library that is less strict, lengths may be written in any way, and of what cannot
    be read to its end the beginning counts.
    """
    iterations = 0
    for numbers in _after_salts(data, 0):
        if len(numbers) >= _SCRYPT_NUMBERS:
            cost, block, parallel, *_length = numbers
            if cost * block * parallel > MOST_SCRYPT:
                return True
        else:
            iterations += numbers[0]
    return iterations > MOST_ITERATIONS


def _after_salts(data: bytes, depth: int) -> Iterator[list[int]]:
    """Of each sequence anywhere inside: the integers that follow its first octet string directly."""
    for tag, content in _elements(data):
        if tag == _SEQUENCE and (numbers := _numbers(content)):
            yield numbers
        if (tag & _CONSTRUCTED or tag == _OCTETS) and depth < _DEEPEST:
            yield from _after_salts(content, depth + 1)


def _numbers(content: bytes) -> list[int]:
    numbers: list[int] = []
    has_salt = False
    for tag, value in _elements(content):
        if tag == _INTEGER and has_salt:
            numbers.append(int.from_bytes(value, "big"))
        elif numbers:
            break
        else:
            has_salt = tag == _OCTETS
    return numbers


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The first octet of each tag, and its content, as far as they can be read."""
    place = 0
    while place + 1 < len(data):
        tag = data[place]
        place += 1
        if tag & _HIGH_TAG == _HIGH_TAG:
            while place < len(data) and data[place] & 0x80:
                place += 1
            place += 1
        if place >= len(data):
            return
        length, place = data[place], place + 1
        if length & 0x80:
            octets = length & 0x7F
            # Indefinite: what is in it begins here, and its end is an element of its own.
            length = int.from_bytes(data[place : place + octets], "big") if octets else len(data) - place
            place += octets
        yield tag, data[place : place + length]
        place += length

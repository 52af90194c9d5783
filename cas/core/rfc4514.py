"""The text form of a distinguished name (RFC 4514): its grammar, and nothing about what attributes mean."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from cas.core import der

_KEYWORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+")
_ESCAPED: Final = re.compile(r"""((?:\\[0-9A-Fa-f]{2})+)|\\(["+,;<>\\= \#])""")  # section 3: pair
_MUST_ESCAPE: Final = re.compile(r'["+,;<>\\]')
_STRING_TAGS: Final = (der.UTF8_STRING, der.PRINTABLE_STRING, der.IA5_STRING)


def parse(text: str) -> list[list[tuple[str, str]]]:
    """The RDNs in the order of the text (most specific first), each a list of (keyword, value).

    Spaces around separators are dropped, as RFC 2253 readers do. Raises ValueError.
    """
    return [[_parse_pair(pair) for pair in _split(rdn, "+")] for rdn in _split(text, ",")]


def escape(value: str) -> str:
    """A value as it stands in the text (section 2.4); control characters as hexadecimal pairs."""
    escaped = _MUST_ESCAPE.sub(r"\\\g<0>", value)
    if escaped.startswith((" ", "#")):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and len(value) > 1:
        escaped = escaped[:-1] + "\\ "
    return "".join(_visible(character) for character in escaped)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp"):
        return character
    return "".join(f"\\{octet:02X}" for octet in character.encode())


def _split(text: str, separator: str) -> list[str]:
    parts, start, is_escaped = [], 0, False
    for position, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == separator:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _parse_pair(pair: str) -> tuple[str, str]:
    keyword, equals, value = pair.partition("=")
    if not equals or not _KEYWORD.fullmatch(keyword.strip()):
        raise ValueError("not an attribute and a value")
    value = _trimmed(value)
    return keyword.strip(), _from_hexadecimal(value[1:]) if value.startswith("#") else _unescape(value)


def _trimmed(value: str) -> str:
    """Without the spaces around it, except the one that a backslash keeps."""
    stripped = value.strip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if backslashes % 2 and len(value.lstrip(" ")) > len(stripped) else stripped


def _unescape(value: str) -> str:
    plain = _ESCAPED.sub("", value)
    if _MUST_ESCAPE.search(plain):
        raise ValueError("a character that must be escaped")
    return _ESCAPED.sub(_meaning, value)


def _meaning(match: re.Match[str]) -> str:
    if match[2] is not None:
        return match[2]
    return bytes.fromhex(match[1].replace("\\", "")).decode()


def _from_hexadecimal(digits: str) -> str:
    """`#0403…`: the value's own encoding (section 2.4), accepted for strings that are UTF-8."""
    encoded = bytes.fromhex(digits)
    reader = der.Reader(encoded)
    tag = encoded[0] if encoded else 0
    if tag not in _STRING_TAGS:
        raise ValueError("not a string")
    content = reader.read(tag)
    reader.finish()
    return content.decode()

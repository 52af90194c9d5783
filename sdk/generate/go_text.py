"""Names and comments as Go has them, and columns as gofmt lays them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

_WIDTH: Final = 117
# Words that Go writes in capitals; of several, the s stays small.
_CAPITALS: Final = frozenset(
    {"acme", "aia", "api", "ca", "cdp", "cn", "crl", "csr", "dns", "eab", "hsm", "html", "http", "id", "ip", "json"}
    | {"mfa", "ocsp", "oidc", "pem", "pki", "san", "spki", "tls", "ttl", "uri", "url", "uuid"}
)
_ODD: Final = {"oauth": "OAuth"}
_PART: Final = re.compile(r"OAuth|[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# What "is" may stand before.
_NOUNS: Final = frozenset(
    {"A", "An", "Another", "How", "One", "Something", "Somebody", "The", "What", "Where", "Whether", "Why"}
)


def exported(name: str) -> str:
    """`MaxTTL` of `max_ttl`, `ACMEOrder` of `AcmeOrder`."""
    return "".join(_word(part) for part in _PART.findall(name))


def unexported(name: str) -> str:
    """`eventID` of `event_id`."""
    first, *others = _PART.findall(name)
    return str(first).lower() + "".join(_word(part) for part in others)


def _word(part: str) -> str:
    plain = part.lower()
    if plain in _ODD:
        return _ODD[plain]
    if plain in _CAPITALS:
        return plain.upper()
    if plain.endswith("s") and plain[:-1] in _CAPITALS:
        return plain[:-1].upper() + "s"
    return plain.capitalize()


def singular(name: str) -> str:
    """`delivery` of `deliveries`."""
    if name.endswith("ies"):
        return name.removesuffix("ies") + "y"
    return name if name in ("stats", "whoami") else name.removesuffix("s")


def third_person(sentence: str) -> str:
    """`issues a certificate` of `Issue a certificate`."""
    verb, _, rest = sentence.partition(" ")
    verb = verb.lower()
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        verb += "es"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        verb = verb[:-1] + "ies"
    else:
        verb += "s"
    return f"{verb} {rest}".rstrip()


def about(name: str, description: str) -> str:
    """The first sentence of a comment, which begins with what it is about."""
    if not description:
        return ""
    first = description.split(maxsplit=1)[0]
    if first in _NOUNS:
        return f"{name} is {first.lower()}{description.removeprefix(first)}"
    return f"{name}: {description}"


def comment(paragraphs: Iterable[str], indent: str = "") -> list[str]:
    """The lines of a comment; each paragraph is filled anew."""
    lines: list[str] = []
    width = _WIDTH - 4 * len(indent)
    for paragraph in paragraphs:
        for text in re.split(r"\n\s*\n", paragraph.strip()):
            if text.strip():
                words = " ".join(text.split())
                lines += ["", *textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)]
    return [f"{indent}// {line}".rstrip() for line in lines[1:]]


def columns(rows: Sequence[Sequence[str]], indent: str) -> list[str]:
    """Rows whose cells stand below each other; the last cell of a row is as long as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        indent + " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]

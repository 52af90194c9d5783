"""The text of API keys: made, recognized, hashed. Pure functions."""

from __future__ import annotations

import hmac
import secrets
import string
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from kernel.secret import Secret

_ALPHABET: Final = string.ascii_letters + string.digits
_RANDOM_LENGTH: Final = 32
_LOOKUP_LENGTH: Final = 8
KINDS: Final = ("pkf", "cm")


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token, and the part of it by which its row is found."""

    token: Secret
    prefix: str


def mint(kind: str) -> Minted:
    """`<kind>_` and 32 random letters and digits: 190 bits, so that a keyed hash without salt is enough."""
    text = f"{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return Minted(Secret(text), text[: len(kind) + 1 + _LOOKUP_LENGTH])


def lookup_prefix(token: str) -> str | None:
    """The part that finds the row; None where this cannot be one of our API keys."""
    kind, separator, rest = token.partition("_")
    if not separator or kind not in KINDS or len(rest) != _RANDOM_LENGTH or not rest.isascii() or not rest.isalnum():
        return None
    return token[: len(kind) + 1 + _LOOKUP_LENGTH]


def digest(token: Secret, key: Secret) -> bytes:
    """HMAC-SHA256 of the token under a key of the server (RFC 2104)."""
    return hmac.digest(key.reveal(), token.reveal(), sha256)


def matches(token: Secret, key: Secret, expected: bytes) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(digest(token, key), expected)

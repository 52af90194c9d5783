"""The text of the tokens that people and service accounts sign in with from programs. Pure functions."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass
from typing import Final

from kernel.secret import Secret

ACCESS: Final = "fpki_at_"
REFRESH: Final = "fpki_rt_"
SERVICE: Final = "fpki_sa_"
_KINDS: Final = (ACCESS, REFRESH, SERVICE)
_ALPHABET: Final = string.ascii_letters + string.digits
_PREFIX_LENGTH: Final = 16
_SECRET_LENGTH: Final = 43
_SERVICE_TOKEN: Final = re.compile(rf"{SERVICE}([A-Za-z0-9]{{{_PREFIX_LENGTH}}})\.[A-Za-z0-9_-]{{{_SECRET_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """A new token, and the part of it by which its row is found."""

    token: Secret
    prefix: str


def is_program_token(text: str) -> bool:
    """Whether a credential is one of these, good or not: who shows it speaks the words of FastPKI."""
    return text.startswith(_KINDS)


def mint_sign_in_token(kind: str) -> Secret:
    """`kind` and 43 random signs of base64url: 256 bits."""
    return Secret(kind + secrets.token_urlsafe(32))


def mint_service_token() -> ServiceToken:
    """`fpki_sa_`, 16 letters and digits, a dot, and 43 signs of base64url."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(_PREFIX_LENGTH))
    return ServiceToken(Secret(f"{SERVICE}{prefix}.{secrets.token_urlsafe(32)}"), prefix)


def service_token_prefix(token: Secret) -> str | None:
    """The part that finds the row; None where this cannot be one."""
    match = _SERVICE_TOKEN.fullmatch(token.reveal().decode(errors="replace"))
    return match[1] if match else None

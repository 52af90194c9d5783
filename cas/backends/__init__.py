"""Where CA keys live. Each backend is one file with one class; only `cas.keystore` opens one.

A backend answers three questions: what is the public key, what is the signature of these bytes, and
are you well. `tests/cas/backends.py` holds the behaviour that every one of them must show.
"""

from __future__ import annotations

from typing import Protocol

from cas.core.keys import PublicKey


class KeyBackend(Protocol):
    """An opened CA key."""

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, data: bytes) -> bytes:
        """The signature over `data` with the algorithm that the kind of key prescribes (`cas.core.signing`)."""
        ...

    def health(self) -> None:
        """Raises Unavailable where the key could not sign now."""
        ...

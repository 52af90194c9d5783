"""What a client of ACME signs: requests, by the account's key or by the next one, and bindings, by a MAC key.

The only file that imports the `acme` library.
"""

from __future__ import annotations

import josepy as jose
from acme import jws


def signed_request(
    content: bytes, key: jose.JWK, url: str, *, nonce: bytes | None = None, kid: str | None = None
) -> bytes:
    """A JWS (RFC 8555 section 6.2). `kid` None: the key itself stands in it."""
    return jws.JWS.sign(content, key, jose.ES256, nonce, url=url, kid=kid).json_dumps().encode()


def signed_binding(public_key: bytes, mac_key: bytes, url: str, *, kid: str) -> str:
    """The account's key, bound to an account elsewhere (RFC 8555 section 7.3.4)."""
    return str(jws.JWS.sign(public_key, jose.JWKOct(key=mac_key), jose.HS256, None, url=url, kid=kid).json_dumps())

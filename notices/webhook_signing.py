"""How a receiver knows that a message is ours, and new.

    Chancery-Event-Id: 5f0c…             the same at each attempt
    Chancery-Timestamp: 1795356000       when this attempt was made; what is older than minutes is somebody's replay
    Chancery-Signature: v1=<hex>[,v1=<hex>]

The signature is HMAC-SHA-256 (RFC 2104) over `id.timestamp.body`, under the text of the secret as it was shown. While
the secret is being changed there are two, and one that is right is enough.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from kernel.secret import Secret

EVENT_ID: Final = "Chancery-Event-Id"
TIMESTAMP: Final = "Chancery-Timestamp"
SIGNATURE: Final = "Chancery-Signature"


def signed_headers(event_id: str, timestamp: int, body: bytes, secrets: Iterable[Secret]) -> dict[str, str]:
    """The three headers; without a secret, no signature among them."""
    headers = {EVENT_ID: event_id, TIMESTAMP: str(timestamp)}
    signatures = [f"v1={signature(event_id, timestamp, body, secret)}" for secret in secrets]
    return headers | ({SIGNATURE: ",".join(signatures)} if signatures else {})


def signature(event_id: str, timestamp: int, body: bytes, secret: Secret) -> str:
    """In hex."""
    return hmac.new(secret.reveal(), b"%s.%d.%s" % (event_id.encode(), timestamp, body), sha256).hexdigest()

"""What of a channel is secret: where it goes, and what its messages are signed with. Sealed for its row, and opened
where a message is sent.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from accounts import vault
from kernel.secret import Secret
from notices.models import Channel

_TABLE: Final = Channel._meta.db_table
_SECRET_SIZE: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  it says what the rest is


def new_signing_secret() -> Secret:
    """What a webhook's messages are signed with: the whole text is the key."""
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_SIZE)).decode())


def seal(channel: Channel, secret: Secret) -> bytes:
    return vault.seal_secret(secret, organization_id=channel.organization_id, table=_TABLE, row=channel.public_id)


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a channel's messages go, and what they are signed with: the newest secret first."""

    url: str
    signing_secrets: tuple[Secret, ...]


def open_channel(channel: Channel, *, at: datetime) -> Opened:
    """Raises SealBroken."""
    old_is_good = channel.old_secret_ends_at is not None and at < channel.old_secret_ends_at
    sealed = [channel.sealed_secret, channel.sealed_old_secret if old_is_good else None]
    url = _unsealed(channel, channel.sealed_url).reveal().decode() if channel.sealed_url is not None else ""
    return Opened(url, tuple(_unsealed(channel, blob) for blob in sealed if blob is not None))


def _unsealed(channel: Channel, blob: bytes | memoryview) -> Secret:
    return vault.open_secret(bytes(blob), organization_id=channel.organization_id, table=_TABLE, row=channel.public_id)

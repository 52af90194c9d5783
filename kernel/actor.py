"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.permissions import Grant, Permission


class ActorKind(StrEnum):
    USER = "user"
    API_KEY = "api_key"
    SERVICE_ACCOUNT = "service_account"
    OAUTH_CLIENT = "oauth_client"
    CONSOLE = "console"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A credential, understood once at the edge; below it nobody asks how the actor came in.

    `person_id` is the user who answers for the actor (the one signed in, or the owner of the key): four-eyes rules
    compare persons. `maker_id` is the user who made the credential, where that was another one: whoever made it may
    have kept a copy, or be behind the subject that was bound, so what it does may be the maker's doing. `grants`
    narrows the actor to listed CAs; None means all of its organization. `expires_at` is when the credential ends, where
    that is known.
    """

    kind: ActorKind
    id: int
    label: str
    organization_id: int | None
    permissions: frozenset[Permission]
    person_id: int | None = None
    maker_id: int | None = None
    grants: tuple[Grant, ...] | None = None
    is_superuser: bool = False
    expires_at: datetime | None = None
    ip: str | None = None
    trace_id: str = ""

    @property
    def doer_id(self) -> int | None:
        """Whose doing it may be: of whoever made the credential, where that was another one, else of the person."""
        return self.person_id if self.maker_id is None else self.maker_id

    # DRF asks the request's user for these two.
    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def pk(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM: Final = Actor(
    kind=ActorKind.SYSTEM,
    id=0,
    label="system",
    organization_id=None,
    permissions=frozenset({Permission.CRLS_PUBLISH, Permission.AUDIT_SEAL}),
)

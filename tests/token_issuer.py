"""What an OpenID Connect provider signs for programs: access tokens, true unless a test asks for a lie."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jwt

from accounts.models import OidcIssuer, Organization
from accounts.services.oidc_issuers import IssuerOrder, create_oidc_issuer
from accounts.services.private_ranges import allow_private_range
from kernel.actor import Actor
from tests import cast
from tests.identity_provider import KEY, IdentityProvider, identity_provider

AUDIENCE = "https://pki.acme.example/api"
BY_GROUP = IssuerOrder(
    name="Example ID",
    audience=AUDIENCE,
    algorithms=("RS256",),
    role_claim="groups",
    role_map={"pki-operators": "operator", "pki-auditors": "auditor"},
    makes_members=True,
)


@dataclass
class TokenIssuer:
    """A provider on this machine that signs tokens for one subject."""

    provider: IdentityProvider
    subject: str = "248289761001"
    groups: tuple[str, ...] = ("pki-operators",)

    @property
    def address(self) -> str:
        return self.provider.address

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.address,
            "sub": self.subject,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "email": f"{self.subject}@elsewhere.example",
            "groups": list(self.groups),
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(
        self,
        *,
        key: Any = KEY,
        algorithm: str = "RS256",
        headers: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A token with these claims in place of the true ones; None leaves one out."""
        header = {"typ": "at+jwt", "kid": "1"} | (headers or {})
        if header["kid"] is None:
            del header["kid"]
        return jwt.encode(self.claims(**changes), key, algorithm=algorithm, headers=header)

    def configured(self, organization: Organization, actor: Actor, **changes: Any) -> OidcIssuer:
        """The row of an organization that believes it, and may ask it on this machine."""
        allow_private_range(actor=cast.SUPERUSER, organization=organization, network="127.0.0.0/8")
        allow_private_range(actor=cast.SUPERUSER, organization=organization, network="::1")
        order = replace(BY_GROUP, **changes)
        return create_oidc_issuer(actor=actor, organization=organization, issuer=self.address, order=order)


@contextmanager
def token_issuer() -> Iterator[TokenIssuer]:
    with identity_provider() as provider:
        yield TokenIssuer(provider)

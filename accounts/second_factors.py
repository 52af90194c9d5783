"""Second factors as django-allauth keeps them, with their secrets sealed."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from accounts import vault
from accounts.models import ServerSecret
from kernel.seal import context, seal, unseal
from kernel.secret import Secret

# It is not told whose secret it seals, so a blob is bound to its purpose alone.
_BOUND_TO: Final = context("second-factor")


class SecondFactorAdapter(DefaultMFAAdapter):
    """What `MFA_ADAPTER` names."""

    def encrypt(self, text: str) -> str:
        return seal(_key(), Secret(text), _BOUND_TO).hex()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SealBroken."""
        return unseal(_key(), bytes.fromhex(encrypted_text), _BOUND_TO).reveal().decode()

    def get_totp_issuer(self) -> str:
        return f"Chancery ({_host()})"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The configured host: a passkey is never bound to whatever a request calls us."""
        return {"id": _host(), "name": "Chancery"}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return entity | {"display_name": getattr(user, "name", "") or entity["name"]}


def _key() -> Secret:
    return vault.server_secret(ServerSecret.Purpose.SECOND_FACTOR)


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"

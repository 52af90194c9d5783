"""Signing in step by step, as a browser without scripts does."""

from __future__ import annotations

import json
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.internal.auth import WebAuthn, begin_registration
from django.test import Client

from accounts.models import User
from tests import cast
from tests.architecture.people import at_a_page
from tests.passkeys import SoftPasskey


def sign_in(client: Client, name: str, password: str = cast.PASSWORD, **more: str) -> Any:
    return client.post("/sign-in/", {"username": name, "password": password, **more})


def browser_of(user: User) -> Client:
    """A browser in which this person has just signed in."""
    client = Client()
    response = sign_in(client, user.email)
    assert response.status_code == 302, response.content
    return client


def give_app(user: User) -> str:
    """An authenticator app; its secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def give_passkey(user: User, **changes: Any) -> SoftPasskey:
    passkey = SoftPasskey(**changes)
    with at_a_page(user):
        WebAuthn.add(user, "laptop", passkey.create(begin_registration(user, passwordless=True)))
    return passkey


def options_at_sign_in(client: Client) -> dict[str, Any]:
    return client.get("/sign-in/passkey/", headers={"accept": "application/json"}).json()["request_options"]


def answer(credential: dict[str, Any]) -> dict[str, str]:
    return {"credential": json.dumps(credential)}


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200

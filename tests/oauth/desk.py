"""Both ends of OAuth in a test: a person's browser, and an application that talks to the endpoints."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from accounts.models import User
from tests import cast
from tests.office import Office, open_office

REDIRECT = "https://app.example/callback"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Desk:
    """The office, its owner's browser, and a public client."""

    office: Office
    browser: Client
    client_id: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    machine: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def challenge(self) -> str:
        return challenge_of(self.verifier)

    def asked(self, **changed: str | None) -> str:
        """The address of an authorization request; a parameter that is None is left out."""
        fields = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "state": "af0ifjsldkj",
            **changed,
        }
        return "/oauth/authorize?" + urlencode({name: value for name, value in fields.items() if value is not None})

    def ticks(self, *names: str) -> dict[str, str]:
        """Of the issuing CA; `read` where nothing is named."""
        return {f"can_{name}-{self.office.issuing.pk}": "on" for name in names or ("read",)}

    def allow(self, *names: str, browser: Client | None = None, **changed: str | None) -> Any:
        """The person says yes; the answer leads back to the application."""
        decision = {"decision": "allow", **self.ticks(*names)}
        return (browser or self.browser).post(self.asked(**changed), decision)

    def code(self, *names: str, **changed: str | None) -> str:
        answer = self.allow(*names, **changed)
        assert answer.status_code == 303, answer.content
        return answered(answer)["code"]

    def post(self, path: str, **fields: str | None) -> Any:
        body = urlencode({name: value for name, value in fields.items() if value is not None})
        return self.machine.post(path, body, content_type=FORM)

    def exchange(self, code: str, /, **changed: str | None) -> Any:
        fields = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
            **changed,
        }
        return self.post("/oauth/token", **fields)

    def tokens(self, *names: str, **changed: str | None) -> dict[str, Any]:
        answer = self.exchange(self.code(*names, **changed))
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def refresh(self, token: str, **changed: str | None) -> Any:
        fields = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": token, **changed}
        return self.post("/oauth/token", **fields)

    def get(self, token: str, path: str = "/api/v2/cas") -> Any:
        return self.machine.get(path, headers={"authorization": f"Bearer {token}"})

    def works(self, token: str) -> bool:
        return bool(self.get(token).status_code == 200)


def open_desk() -> Desk:
    office = open_office()
    client = register(Client(), redirect_uris=[REDIRECT], client_name="Deploy tool").json()
    return Desk(office, browser_of(office.person.user), client["client_id"])


def register(machine: Client, **fields: Any) -> Any:
    return machine.post("/oauth/register", json.dumps(fields), content_type="application/json")


def browser_of(user: User, *, ago: float = 0) -> Client:
    """Signed in by password; so many seconds ago."""
    browser = Client(raise_request_exception=False)
    answer = browser.post("/sign-in/", {"username": user.email, "password": cast.PASSWORD})
    assert answer.status_code == 302, answer.content
    session = browser.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= ago
    session.save()
    return browser


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def answered(response: Any) -> dict[str, str]:
    """The parameters with which a browser is sent back."""
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}

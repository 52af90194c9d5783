"""The endpoints of the authorization server, without HTTP: what is asked, and the answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from oauthlib.common import Request
from oauthlib.oauth2 import (
    AuthorizationEndpoint,
    BearerToken,
    FatalClientError,
    OAuth2Error,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError

from accounts import tokens
from accounts.address_ranges import network_of
from accounts.models import OAuthClient, OAuthDevice
from accounts.services.credentials import digest_key
from accounts.services.oauth_protocol import DEVICE_GRANT, POLLING_INTERVAL, Protocol, read_resource
from accounts.services.oauth_tokens import ACCESS_LIFETIME
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import TooMany
from kernel.secret import Secret
from kernel.text import _

DEVICE_LIFETIME: Final = timedelta(minutes=15)
# Anybody may begin, so nobody may take all the room with it: from one address, and all together.
_MOST_OF_ADDRESS: Final = 50
_MOST_WAITING: Final = 1000
# Without vowels and what looks alike: no words, no misreading (RFC 8628 section 6.1).
_USER_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_USER_CODE_LENGTH: Final = 8

Fields = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says: a status and a document, which may be empty."""

    status: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What an application asks a person for, after every check."""

    client: OAuthClient
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    resource: str
    challenge: str

    def answer(self, code: str) -> str:
        """The address that the browser goes to with the code."""
        return self._location([("code", code)])

    def refuse(self, error: str, description: str = "") -> str:
        """The address that the browser goes to without one (RFC 6749 section 4.1.2.1)."""
        details = [("error_description", description)] if description else []
        return self._location([("error", error), *details])

    def _location(self, fields: list[tuple[str, str]]) -> str:
        return answer_location(self.redirect_uri, fields, self.state)


class Misdirected(Exception):
    """The application or the address of its answer is not known: nobody is sent anywhere (RFC 6749 4.1.2.1)."""


class Refused(Exception):
    """The request is not acceptable, and the application may be told so at its own address."""

    def __init__(self, client: OAuthClient, error: str, description: str, location: str) -> None:
        self.client, self.error, self.description, self.location = client, error, description, location
        super().__init__(error)


def read_authorization(fields: Fields) -> AuthorizationRequest:
    """An authorization request, from the parameters of its address. Raises Misdirected, Refused."""
    protocol, pairs = Protocol(), list(fields)
    uri = f"{settings.BASE_URL}/oauth/authorize?{urlencode(pairs)}"
    request: Any = Request(uri)
    try:
        if request.duplicate_params:
            raise Misdirected(", ".join(request.duplicate_params))
        _scopes, details = _authorization(protocol).validate_authorization_request(uri)
    except FatalClientError as error:
        raise Misdirected(error.error) from error
    except OAuth2Error as error:
        client = OAuthClient.objects.get(client_id=request.client_id)
        fields_of_error = [("error", error.error), ("error_description", error.description or "")]
        location = answer_location(request.redirect_uri, fields_of_error, request.state)
        raise Refused(client, error.error, error.description or "", location) from error
    asked = details["request"]
    return AuthorizationRequest(
        client=asked.client,
        redirect_uri=asked.redirect_uri,
        state=asked.state,
        scopes=tuple(asked.scopes),
        resource=details["resource"],
        challenge=asked.code_challenge,
    )


@transaction.atomic
def answer_token_request(*, actor: Actor, body: str, headers: Mapping[str, str]) -> Answer:
    """Tokens for a code, a refresh token or a device code, or the error of RFC 6749 section 5.2.

    `actor` is nobody: who asks is in the body. What a second use of a code ends, is ended though the answer is an
    error.
    """
    protocol = Protocol(actor)
    grants = {
        "authorization_code": protocol.code_grant(),
        "refresh_token": protocol.refresh_grant(),
        DEVICE_GRANT: protocol.device_grant(),
    }
    endpoint = TokenEndpoint("authorization_code", _bearer(protocol), grants)
    return _answer(endpoint.create_token_response, "/oauth/token", body, headers)


@transaction.atomic
def answer_revocation(*, actor: Actor, body: str, headers: Mapping[str, str]) -> Answer:
    """200 for a token that is ended now, and for one that never was (RFC 7009 section 2.2). `actor` is nobody."""
    endpoint = RevocationEndpoint(Protocol(actor))
    return _answer(endpoint.create_revocation_response, "/oauth/revoke", body, headers)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What a device is told, and shows to its person (RFC 8628 section 3.2). The codes are shown this once."""

    device_code: Secret
    user_code: Secret
    lifetime: timedelta
    interval: timedelta


@transaction.atomic
def begin_device(*, actor: Actor, body: str, headers: Mapping[str, str]) -> NewDevice:
    """A device that waits for a person. `actor` is nobody.

    Raises oauthlib's OAuth2Error (an unknown client, scope or resource), TooMany.
    """
    protocol = Protocol(actor)
    request: Any = Request("/oauth/device", "POST", body, dict(headers))
    _refuse_repetition(request)
    protocol.device_grant().validate_device_authorization_request(request)
    network = network_of(actor.ip)
    _require_room(network)
    made = NewDevice(tokens.mint("cm_device").token, _new_user_code(), DEVICE_LIFETIME, POLLING_INTERVAL)
    OAuthDevice.objects.create(
        client=request.client,
        device_digest=tokens.digest(made.device_code, digest_key()),
        user_digest=tokens.digest(made.user_code, digest_key()),
        scopes=list(request.scopes),
        resource=read_resource(request),
        begun_from=network,
        expires_at=timezone.now() + DEVICE_LIFETIME,
    )
    resource = Resource("oauth_client", request.client.pk, request.client.name)
    audit.record(actor, EventName.OAUTH_DEVICE_BEGUN, resource, organization_id=request.client.organization_id)
    return made


def _require_room(network: str) -> None:
    waiting = OAuthDevice.objects.filter(expires_at__gt=timezone.now(), consent=None, denied_at=None)
    if waiting.count() >= _MOST_WAITING or waiting.filter(begun_from=network).count() >= _MOST_OF_ADDRESS:
        raise TooMany(_("Too many devices wait already."), retry_after=int(DEVICE_LIFETIME.total_seconds()))


def answer_location(redirect_uri: str, fields: list[tuple[str, str]], state: str | None) -> str:
    """The redirect address with these parameters, the state as it came, and who answers (RFC 9207)."""
    more = [("state", state)] if state else []
    parts = urlsplit(redirect_uri)
    query = urlencode([*fields, *more, ("iss", settings.BASE_URL)])
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def _answer(endpoint: Any, path: str, body: str, headers: Mapping[str, str]) -> Answer:
    try:
        _refuse_repetition(Request(path, "POST", body, dict(headers)))
        _headers, text, status = endpoint(path, "POST", body, dict(headers))
    except OAuth2Error as error:
        return Answer(error.status_code, dict(error.twotuples))
    return Answer(status, json.loads(text) if text else {})


def _refuse_repetition(request: Any) -> None:
    """Of no parameter twice (RFC 6749 section 3.2); a resource more than once is more than one token is for."""
    if request.duplicate_params:
        raise InvalidRequestError(f"Given twice: {', '.join(request.duplicate_params)[:100]}", request=request)


def _authorization(protocol: Protocol) -> Any:
    return AuthorizationEndpoint(
        default_response_type="code",
        default_token_type=_bearer(protocol),
        response_types={"code": protocol.code_grant()},
    )


def _bearer(protocol: Protocol) -> Any:
    return BearerToken(
        protocol,
        token_generator=lambda request: _text("cm_oauth"),
        refresh_token_generator=lambda request: _text("cm_refresh"),
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
    )


def _text(kind: str) -> str:
    return tokens.mint(kind).token.reveal().decode()


def _new_user_code() -> Secret:
    return Secret("".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(_USER_CODE_LENGTH)))

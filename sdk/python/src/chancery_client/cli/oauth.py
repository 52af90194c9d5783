"""Signing in as an application that acts for a person, and giving it back; the client itself renews the tokens.

RFC 8414 (where everything is), RFC 7591 (registration), RFC 8628 (devices), RFC 7636 (PKCE), RFC 8252 (loopback
redirects), RFC 9207 (who has answered), RFC 7009 (giving back).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from chancery_client.cli.failures import ExitCode, Failure, NotSignedIn, WrongUsage
from chancery_client.cli.profiles import Tokens, is_loopback
from chancery_client.cli.transport import get_json, post_form, post_json

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
METADATA_PATH = "/.well-known/oauth-authorization-server"
REDIRECT_PATH = "/callback"
_USUAL_INTERVAL = 5.0
_SLOWER_BY = 5.0
_USUAL_LIFETIME = 3600.0


@dataclass(frozen=True)
class AuthorizationServer:
    """Its addresses, as its metadata says them."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str
    revocation_endpoint: str
    device_authorization_endpoint: str


@dataclass(frozen=True)
class Device:
    """What a person types, and where."""

    user_code: str
    address: str
    complete_address: str
    minutes: int


def discover(http: httpx.Client, url: str) -> AuthorizationServer:
    """The authorization server of the Chancery at this address.

    Raises:
        Failure: there is none.
        WrongUsage: it calls itself otherwise (RFC 8414 section 3.3).
    """
    status, found = get_json(http, url + METADATA_PATH)
    if status != httpx.codes.OK or not found:
        raise Failure(
            f"{url} does not say how to sign in there: is it the address of a Chancery?", code=ExitCode.NOT_FOUND
        )
    issuer = str(found.get("issuer", ""))
    if issuer != url:
        raise WrongUsage(f"The server at {url} calls itself {issuer or 'nothing'}: sign in to it by that address.")
    addresses = {name: str(found.get(name, "")) for name in AuthorizationServer.__annotations__ if name != "issuer"}
    for name, address in addresses.items():
        _require_protected(name, address)
    return AuthorizationServer(issuer=issuer, **addresses)


def register(http: httpx.Client, server: AuthorizationServer) -> str:
    """The id of a new public client, for this machine.

    Raises:
        Failure: the server takes no registrations, or no more of them now.
    """
    wanted = {
        "client_name": f"Chancery command line on {socket.gethostname()}"[:80],
        "redirect_uris": [f"http://127.0.0.1{REDIRECT_PATH}"],
        "grant_types": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "token_endpoint_auth_method": "none",
    }
    status, found = post_json(http, server.registration_endpoint, wanted)
    if status != httpx.codes.CREATED or not found.get("client_id"):
        raise _refused("The server does not let this program register itself", status, found)
    return str(found["client_id"])


def by_device(
    http: httpx.Client,
    server: AuthorizationServer,
    client_id: str,
    *,
    scope: str = "",
    show: Callable[[Device], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Tokens:
    """Tokens, after a person has typed what is shown into a browser anywhere (RFC 8628).

    Raises:
        NotSignedIn: the person said no, or nothing in time.
        Failure: the server does not answer as it should.
    """
    fields = {"client_id": client_id, **({"scope": scope} if scope else {})}
    status, begun = post_form(http, server.device_authorization_endpoint, fields)
    if status != httpx.codes.OK or not {"device_code", "user_code", "verification_uri"} <= begun.keys():
        raise _refused("The server does not begin a sign-in by device", status, begun)
    lifetime = _number(begun.get("expires_in"), 900.0)
    address = str(begun["verification_uri"])
    complete = str(begun.get("verification_uri_complete", address))
    show(Device(str(begun["user_code"]), address, complete, int(lifetime // 60)))
    asked = {"grant_type": DEVICE_GRANT, "client_id": client_id, "device_code": str(begun["device_code"])}
    interval, waited = _number(begun.get("interval"), _USUAL_INTERVAL), 0.0
    while waited < lifetime:
        sleep(interval)
        waited += interval
        status, answer = post_form(http, server.token_endpoint, asked)
        error = answer.get("error")
        if status == httpx.codes.OK:
            return _tokens(server, client_id, answer)
        if error == "slow_down":
            interval += _SLOWER_BY
        elif error == "access_denied":
            raise NotSignedIn("The person in the browser said no.", hint="")
        elif error == "expired_token":
            break
        elif error != "authorization_pending" and status < httpx.codes.INTERNAL_SERVER_ERROR:
            raise _refused("The server refuses the sign-in", status, answer)
    raise NotSignedIn("Nobody typed the code in time.", hint="Run the command again for a new code.")


def exchange_code(
    http: httpx.Client, server: AuthorizationServer, client_id: str, *, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """The tokens for what the browser came back with. Raises Failure."""
    fields = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": redirect_uri,
    }
    status, answer = post_form(http, server.token_endpoint, fields)
    if status != httpx.codes.OK:
        raise _refused("The server refuses the sign-in", status, answer)
    return _tokens(server, client_id, answer)


def give_back(http: httpx.Client, tokens: Tokens) -> bool:
    """Ends the consent at the server; whether it said that it has."""
    if not tokens.revocation_endpoint:
        return False
    fields = {"client_id": tokens.client_id, "token": tokens.refresh_token, "token_type_hint": "refresh_token"}
    status, _answer = post_form(http, tokens.revocation_endpoint, fields)
    return status == httpx.codes.OK


def _tokens(server: AuthorizationServer, client_id: str, answer: Mapping[str, Any]) -> Tokens:
    return Tokens(
        client_id=client_id,
        token_endpoint=server.token_endpoint,
        revocation_endpoint=server.revocation_endpoint,
        **_pair(answer),
    )


def _pair(answer: Mapping[str, Any]) -> dict[str, Any]:
    access, following = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not isinstance(following, str) or not access or not following:
        raise Failure("The server's answer to the sign-in holds no tokens.")
    ends = time.time() + _number(answer.get("expires_in"), _USUAL_LIFETIME)
    return {"access_token": access, "refresh_token": following, "expires_at": ends}


def _refused(sentence: str, status: int, answer: Mapping[str, Any]) -> Failure:
    """What the server said of it, in one sentence."""
    is_passing = status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR
    code = ExitCode.TRY_LATER if is_passing else ExitCode.NOT_ALLOWED
    said = str(answer.get("error_description") or answer.get("error") or f"status {status}").rstrip(".")
    return Failure(f"{sentence}: {said[:300]}.", code=code)


def _require_protected(name: str, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise Failure(f"The server names no protected address as its {name.replace('_', ' ')}.")


def _number(value: Any, usual: float) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and value > 0 else usual

"""A small OpenID Connect provider on this machine, which tells the truth unless a test asks it to lie.

It checks what a provider must check of its clients: code, redirect address, secret, and the PKCE verifier.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "chancery", "what only the two know"

Claims = dict[str, Any]


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


KEY, OTHER_KEY = new_key(), new_key()


@dataclass
class IdentityProvider:
    """`claims` are whoever signs in next; the rest is how the provider behaves."""

    address: str = ""
    claims: Claims = field(default_factory=lambda: {"sub": "248289761001", "email": "jane@elsewhere.example"})
    info: Claims = field(default_factory=dict)
    # What stands in the ID token in place of the truth, and how it is signed.
    changes: Claims = field(default_factory=dict)
    sign: Callable[[Claims], str] = field(
        default=lambda claims: jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "1"})
    )
    keys: Mapping[str, Any] = field(default_factory=lambda: {"1": KEY})
    discovery: Claims = field(default_factory=dict)
    codes: dict[str, Claims] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def configuration(self) -> Claims:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/me",
            "jwks_uri": f"{self.address}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        } | self.discovery

    def jwks(self) -> Claims:
        keys = [
            json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256", "use": "sig"}
            for kid, key in self.keys.items()
        ]
        return {"keys": keys}

    def authorize(self, query: Claims) -> str:
        """Everybody who comes is signed in; the address that they are sent back to."""
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: Claims) -> Claims | None:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET)
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return None
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        told = {key: value for key, value in (claims | self.claims | self.changes).items() if value is not None}
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": self.sign(told)}


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(provider))
    provider.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = self._asked()
            provider.asked.append(path)
            if path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
                return
            info = {"sub": provider.claims.get("sub")} | provider.info
            documents = {"/.well-known/openid-configuration": provider.configuration(), "/jwks": provider.jwks()}
            self._answer(200, (documents | {"/me": info}).get(path, {}))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            answer = provider.token({key: values[0] for key, values in form.items()})
            self._answer(400 if answer is None else 200, answer or {"error": "invalid_grant"})

        def _asked(self) -> tuple[str, Claims]:
            parts = urlsplit(self.path)
            return parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}

        def _answer(self, status: int, document: Claims) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    return Handler

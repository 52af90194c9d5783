"""The browser flow: a person is asked in a browser on this machine, which brings the answer to a loopback address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from chancery_client.cli.failures import Failure, NotSignedIn
from chancery_client.cli.oauth import REDIRECT_PATH, AuthorizationServer, exchange_code
from chancery_client.cli.profiles import Tokens

_PATIENCE_SECONDS = 600.0
_LOOK_EVERY_SECONDS = 0.2
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Chancery</title>"
    "<body style='font: 1.1rem system-ui; max-width: 32rem; margin: 4rem auto'><p>{text}</p>"
)


def by_browser(
    http: httpx.Client,
    server: AuthorizationServer,
    client_id: str,
    *,
    scope: str = "",
    open_page: Callable[[str], None],
    patience: float = _PATIENCE_SECONDS,
) -> Tokens:
    """Tokens, after a person has said yes in the page that `open_page` is given.

    Raises:
        NotSignedIn: the person said no, or nothing in time.
        Failure: the server does not answer as it should.
    """
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    with _Listener(state, server.issuer) as listener:
        redirect_uri = f"http://127.0.0.1:{listener.server_port}{REDIRECT_PATH}"
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "state": state,
            **({"scope": scope} if scope else {}),
        }
        address = f"{server.authorization_endpoint}?{urlencode(asked)}"
        # Some browsers come back only when they are closed, and none shows the answer before it is taken.
        threading.Thread(target=open_page, args=(address,), daemon=True).start()
        answer = listener.wait(patience)
    if answer.get("error") == "access_denied":
        raise NotSignedIn("The person in the browser said no.", hint="")
    if "code" not in answer:
        said = answer.get("error_description") or answer.get("error") or "there is no code in its answer"
        raise Failure(f"The server refuses the sign-in: {said[:300].rstrip('.')}.")
    return exchange_code(http, server, client_id, code=answer["code"], verifier=verifier, redirect_uri=redirect_uri)


class _Listener(ThreadingHTTPServer):
    """Takes one answer: the one with our state, from our server. Whatever else comes is told off and forgotten."""

    # Browsers open connections that they may never use: each has a thread, and none is waited for.
    daemon_threads = True

    def __init__(self, state: str, issuer: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state, self.issuer = state, issuer
        self.answer: dict[str, str] = {}

    def wait(self, patience: float) -> dict[str, str]:
        deadline = time.monotonic() + patience
        self.timeout = _LOOK_EVERY_SECONDS
        while not self.answer:
            if time.monotonic() > deadline:
                raise NotSignedIn("Nobody answered in the browser in time.")
            self.handle_request()
        return self.answer

    def is_ours(self, fields: dict[str, str]) -> bool:
        is_known = hmac.compare_digest(fields.get("state", "").encode(), self.state.encode())
        return is_known and fields.get("iss", self.issuer) == self.issuer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up early is nobody's concern."""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 10

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        fields = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != REDIRECT_PATH or not self.server.is_ours(fields):
            self._say(404, "This is not the answer that the command line waits for.")
            return
        self._say(200, "Done. You can close this page and go back to the command line.")
        self.server.answer = fields

    def log_message(self, *arguments: Any) -> None:
        """Nothing: the address holds the code."""

    def _say(self, status: int, text: str) -> None:
        content = _PAGE.format(text=text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")

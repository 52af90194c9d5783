"""Clients that nobody here wrote, a real browser, and a listener on loopback that waits for the answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.cache import cache
from playwright.sync_api import Page

from tests import cast
from tests.office import Office, open_office
from tests.web.test_browser import PHONE, Watched, _axe, browser

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True), pytest.mark.any_database]

__all__ = ["browser"]
PATIENCE = 240


@dataclass
class Listener:
    """Where an application on the person's machine gets its answer (RFC 8252 section 7.3)."""

    server: HTTPServer
    answers: Queue[str] = field(default_factory=Queue)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/callback"

    def answer(self) -> str:
        return self.address.removesuffix("/callback") + self.answers.get(timeout=PATIENCE)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback"):
                found.answers.put(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(b"Go back to the application.")

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    found = Listener(HTTPServer(("127.0.0.1", 0), Handler))
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    yield found
    found.server.shutdown()


@pytest.fixture
def office() -> Office:
    cache.clear()
    return open_office()


@pytest.fixture
def host(live_server, settings) -> str:
    """Metadata and audiences name the configured address."""
    settings.BASE_URL = live_server.url
    return str(live_server.url)


def consent(page: Page, address: str, office: Office, *ticks: str) -> None:
    """Sign in on the way, tick, and allow."""
    page.goto(address)
    page.fill("[name=username]", office.person.user.email)
    page.fill("[name=password]", cast.PASSWORD)
    page.click("main form[action='/sign-in/'] button.primary")
    page.wait_for_selector("text=Allow what is ticked")
    for tick in ticks:
        page.check(f"[name={tick}-{office.issuing.pk}]")
    page.click("text=Allow what is ticked")
    page.wait_for_selector("text=Go back to the application.")


@pytest.mark.row("C5", "C6", "C7", "C9", "C11", "C12", "C13", "C15", "C17", "C19")
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_authlib_registers_asks_exchanges_refreshes_and_is_caught_reusing(
    browser, host, office, listener, monkeypatch, scripts
):
    session_module = pytest.importorskip("authlib.integrations.requests_client")
    errors = pytest.importorskip("authlib.integrations.base_client.errors")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    found = requests.get(f"{host}/.well-known/oauth-authorization-server", timeout=PATIENCE).json()
    wanted = {"client_name": "authlib", "redirect_uris": ["http://127.0.0.1/callback"]}
    client = requests.post(found["registration_endpoint"], json=wanted, timeout=PATIENCE).json()
    session = session_module.OAuth2Session(
        client["client_id"],
        redirect_uri=listener.address,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    )
    verifier = "v" * 50
    address, state = session.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier)
    watched = Watched.open(browser, host, java_script_enabled=scripts)
    consent(watched.page, address, office, "can_issue")
    answer = listener.answer()
    token = session.fetch_token(
        found["token_endpoint"], authorization_response=answer, state=state, code_verifier=verifier
    )
    api = f"{host}/api/v2/cas"
    assert session.get(api, timeout=PATIENCE).status_code == 200
    assert parse_qs(urlsplit(answer).query)["iss"] == [host]
    second = session.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"])
    assert session.get(api, timeout=PATIENCE).status_code == 200
    with pytest.raises(errors.OAuthError) as refused:
        session.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"])
    assert refused.value.error == "invalid_grant"
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert requests.get(api, headers=headers, timeout=PATIENCE).status_code == 401


@pytest.mark.row("C5", "C6", "C7", "C9", "C10", "C13")
def test_the_official_mcp_client_finds_its_way_from_a_401_to_a_token(browser, host, office, listener):
    auth = pytest.importorskip("mcp.client.auth")
    shapes = pytest.importorskip("mcp.shared.auth")
    httpx2 = pytest.importorskip("httpx2")
    addresses: Queue[str] = Queue()

    class Memory:
        tokens: Any = None
        client: Any = None

        async def get_tokens(self) -> Any:
            return self.tokens

        async def set_tokens(self, tokens: Any) -> None:
            self.tokens = tokens

        async def get_client_info(self) -> Any:
            return self.client

        async def set_client_info(self, client_info: Any) -> None:
            self.client = client_info

    async def redirect(address: str) -> None:
        addresses.put(address)

    async def callback() -> Any:
        answer = await asyncio.to_thread(listener.answer)
        fields = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
        return auth.AuthorizationCodeResult.model_validate(fields)

    memory = Memory()
    provider = auth.OAuthClientProvider(
        server_url=f"{host}/api/v2/cas",
        client_metadata=shapes.OAuthClientMetadata(
            client_name="mcp", redirect_uris=[listener.address], token_endpoint_auth_method="none"
        ),
        storage=memory,
        redirect_handler=redirect,
        callback_handler=callback,
    )

    async def ask() -> int:
        async with httpx2.AsyncClient(auth=provider, timeout=PATIENCE) as client:
            return int((await client.get(f"{host}/api/v2/cas")).status_code)

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(lambda: asyncio.run(ask()))
        consent(Watched.open(browser, host).page, addresses.get(timeout=PATIENCE), office)
        assert asking.result(PATIENCE) == 200
    assert memory.tokens.access_token.startswith("cm_oauth_")
    assert memory.tokens.expires_in == 3600


def test_the_pages_are_accessible_narrow_and_silent(browser, host, office):
    wanted = {
        "client_name": "A tool with quite a long name that goes on and on",
        "redirect_uris": ["https://a.example/"],
    }
    client = requests.post(f"{host}/oauth/register", json=wanted, timeout=PATIENCE).json()
    asked = (
        f"/oauth/authorize?response_type=code&client_id={client['client_id']}&redirect_uri=https://a.example/"
        f"&code_challenge={'c' * 43}&code_challenge_method=S256&scope=pki:admin"
    )
    faults = []
    for scheme in ("light", "dark"):
        watched = Watched.open(browser, host, color_scheme=scheme)
        page = watched.page
        page.goto(f"{host}/sign-in/")
        page.fill("[name=username]", office.person.user.email)
        page.fill("[name=password]", cast.PASSWORD)
        page.click("main form[action='/sign-in/'] button.primary")
        page.wait_for_selector("h1")
        for path in (asked, asked + "x", "/device/", "/account/applications/", "/organization/applications/"):
            watched.complaints.clear()
            page.set_viewport_size(PHONE)
            page.goto(host + path)
            if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
                faults.append(f"{path}: too wide for a phone")
            faults += [f"{path} {scheme}: {complaint}" for complaint in watched.complaints]
            faults += [f"{path} {scheme}: {violation}" for violation in _axe(page)]
    assert not faults, "\n".join(faults)

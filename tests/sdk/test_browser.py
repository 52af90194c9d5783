"""The TypeScript client in a page of another origin, in a real browser."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from tests import cast
from tests.office import Office, open_office
from tests.processes import PATIENCE_SECONDS
from tests.sdk.workshop import TypeScript

pytestmark = [
    pytest.mark.needs("chromium", "node", "tsc"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
]

USE = """
async ({ baseUrl, apiKey, template }) => {
  const { ChanceryClient, NotFound } = await import("/client/index.js");
  const client = new ChanceryClient({ baseUrl, apiKey, retries: 0 });
  const issued = await client.certificates.issue({ templateCode: template, commonName: "www.acme.test" });
  const serials = [];
  for await (const each of client.certificates.list()) {
    serials.push(each.serial);
  }
  await client.certificates.revoke(issued.id, { reason: "superseded" });
  const file = await client.certificates.download(issued.id, { fmt: "pem" });
  const nothing = await client.certificates.get("00000000-0000-4000-8000-000000000000").catch((error) => error);
  return {
    serial: issued.serial,
    hasKey: issued.privateKey?.reveal().includes("PRIVATE KEY"),
    serials,
    status: (await client.certificates.get(issued.id)).status,
    file: new TextDecoder().decode(file).slice(0, 27),
    missed: nothing instanceof NotFound && nothing.traceId.length,
  };
}
"""
TRY = """
async ({ baseUrl, apiKey }) => {
  const { ChanceryClient } = await import("/client/index.js");
  const client = new ChanceryClient({ baseUrl, apiKey, retries: 0 });
  return client.whoami.get().then(() => "answered", (error) => error.name);
}
"""
ASK = """
async ({ url, init }) => {
  try {
    const answer = await fetch(url, init);
    return { status: answer.status, traceId: answer.headers.get("X-Trace-Id"), etag: answer.headers.get("ETag") };
  } catch (error) {
    return { failed: error.name };
  }
}
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Not on the terminal."""


@pytest.fixture(scope="module")
def elsewhere(typescript: TypeScript, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a page that can load the client."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!doctype html><title>An application</title>")
    (folder / "client").symlink_to(typescript.package / "dist" / "esm")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        # By this name it is of the same site as the server: the browser sends its cookie as it would to nobody else.
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, in which Django would not touch the database.
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            yield playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
            )


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def page(browser: Browser, elsewhere: str) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    page.goto(elsewhere)
    yield page
    context.close()


def test_a_page_of_an_origin_that_is_named_uses_the_client(page, elsewhere, office, live_server, settings):
    settings.CORS_ALLOWED_ORIGINS = [elsewhere]
    _row, key = cast.api_key(office.person)
    done = page.evaluate(USE, {"baseUrl": live_server.url, "apiKey": key, "template": office.template.code})
    assert done.pop("serial") in done.pop("serials")
    assert done == {
        "hasKey": True,
        "status": "revoked",
        "file": "-----BEGIN CERTIFICATE-----",
        "missed": 26,
    }


def test_a_page_of_any_other_origin_cannot(page, office, live_server, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    _row, key = cast.api_key(office.person)
    assert page.evaluate(TRY, {"baseUrl": live_server.url, "apiKey": key}) == "ConnectionFailed"


def test_the_cookie_of_somebody_who_is_signed_in_opens_nothing(page, elsewhere, office, live_server, settings):
    settings.CORS_ALLOWED_ORIGINS = [elsewhere]
    signed_in = Client()
    signed_in.force_login(office.person.user, backend="accounts.sessions.PasswordBackend")
    cookie = signed_in.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    asked = {"url": f"{live_server.url}/api/v2/whoami", "init": {"credentials": "include"}}
    assert page.evaluate(ASK, asked) == {"failed": "TypeError"}
    # Without the cookie the same is answered: who it is, is not known.
    assert page.evaluate(ASK, asked | {"init": {"credentials": "omit"}})["status"] == 401


def test_a_page_reads_what_clients_want_to_know(page, elsewhere, office, live_server, settings):
    settings.CORS_ALLOWED_ORIGINS = [elsewhere]
    _row, key = cast.api_key(office.person)
    row = office.issue().certificate
    url = f"{live_server.url}/api/v2/certificates/{row.public_id}/download"
    headers = {"Authorization": f"Bearer {key}"}
    first = page.evaluate(ASK, {"url": url, "init": {"headers": headers}})
    assert first["status"] == 200
    assert len(first["traceId"]) == 26
    known = {"headers": headers | {"If-None-Match": first["etag"]}, "cache": "no-store"}
    assert page.evaluate(ASK, {"url": url, "init": known})["status"] == 304

"""The pages in a real browser: accessible, narrow, silent, and usable without scripts."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, Response, sync_playwright

from certificates.models import Certificate
from tests import cast
from tests.office import open_office
from tests.processes import PATIENCE_SECONDS
from tests.security.whole import whole_organization
from tests.web.pages import OPEN_PAGES, desk_pages, every_page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True), pytest.mark.any_database]

PHONE = {"width": 375, "height": 720}
DESK = {"width": 1280, "height": 860}
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
SERIOUS = ("serious", "critical")
EVERYTHING: Mapping[str, object] = {}
# And that what is touched is large enough (WCAG 2.2, 2.5.8), which Django's own lists are not everywhere.
SIZES = {"rules": {"target-size": {"enabled": True}}}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# What a translation could have taken away.
WORDS = {"runOnly": {"type": "rule", "values": ["valid-lang", "label", "link-name", "button-name", "image-alt"]}}
# Where there are scripts, the rows of a list are blocks on a phone.
SIDEWAYS = "[...document.querySelectorAll(':has(> .labelled)')].some(each => each.scrollWidth > each.clientWidth)"
HEAVIEST_PAGE = 100 * 1024
HEAVIEST_OWN_PAGE = 25 * 1024
MOST_TABS = 120


@dataclass
class Watched:
    """A page, with everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, host: str, **options: object) -> Watched:
        context = browser.new_context(viewport=DESK, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        watched = cls(context.new_page())
        watched.page.on("console", lambda message: watched._hear(message.type, message.text))
        watched.page.on("pageerror", lambda error: watched.complaints.append(f"script error: {error}"))
        watched.page.on("request", lambda request: watched._see(request.url, host))
        watched.page.on("response", watched._got)
        return watched

    def _hear(self, kind: str, text: str) -> None:
        # That a page is meant to be a 404 or a 409 is said by its test.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(f"{kind}: {text}")

    def _see(self, url: str, host: str) -> None:
        if not url.startswith((host, "data:")):
            self.complaints.append(f"asked another host: {url}")

    def _got(self, response: Response) -> None:
        if response.status >= 400 and "/static/" in response.url:
            self.complaints.append(f"missing: {response.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, in which Django would not touch the database.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def house():
    """A superuser, and a little of everything to look at."""
    cache.clear()
    cast.superuser("root@localhost")
    office = open_office()
    office.issue("www.acme.test", "www.acme.test", "a-very-long-name-that-goes-on-and-on.internal.services.acme.test")
    return office


def test_every_page_is_accessible_silent_and_narrow(browser, live_server, house):
    watched = Watched.open(browser, live_server.url)
    _sign_in(watched.page, live_server.url)
    pages = [*every_page(), *OPEN_PAGES]
    faults = [fault for path in pages for fault in _look_at(watched, live_server.url, path, EVERYTHING)]
    assert not faults, "\n".join(faults)


def test_every_page_of_an_organization_is_accessible_silent_and_narrow(browser, live_server):
    cache.clear()
    whole = whole_organization()
    watched = Watched.open(browser, live_server.url)
    _sign_in(watched.page, live_server.url, whole.office.person.user.email)
    faults = [fault for path in desk_pages(whole.names) for fault in _look_at(watched, live_server.url, path)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "most"),
    [("/sign-in/", HEAVIEST_OWN_PAGE), ("/", HEAVIEST_OWN_PAGE), ("/admin/certificates/certificate/", HEAVIEST_PAGE)],
)
def test_pages_are_light(browser, live_server, house, path, most):
    visit = Watched.open(browser, live_server.url).page
    _sign_in(visit, live_server.url)
    state = visit.context.storage_state() if path != "/sign-in/" else None
    cold = Watched.open(browser, live_server.url, storage_state=state).page
    responses = []
    cold.on("response", lambda response: responses.append(response))
    cold.goto(live_server.url + path, wait_until="networkidle")
    weight = sum(len(gzip.compress(response.body())) for response in responses)
    assert 0 < weight < most


def test_german_fits_a_phone(browser, live_server):
    """Its words are the longest of our languages."""
    cache.clear()
    whole = whole_organization()
    page = Watched.open(browser, live_server.url, locale="de").page
    _sign_in(page, live_server.url, whole.office.person.user.email)
    page.set_viewport_size(PHONE)
    for path in desk_pages(whole.names):
        page.goto(live_server.url + path)
        assert page.locator("html").get_attribute("lang") == "de"
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert not _axe(page, WORDS), path


def test_without_scripts_people_sign_in_issue_and_revoke(browser, live_server, house):
    page = Watched.open(browser, live_server.url, java_script_enabled=False, accept_downloads=True).page
    _sign_in(page, live_server.url)
    page.goto(f"{live_server.url}/admin/certificates/certificate/issue/")
    page.fill("[name=common_name]", "no.script.acme.test")
    page.fill("[name=names]", "no.script.acme.test")
    page.click("main form button.primary")
    page.get_by_role("link", name="Collect the private key").click()
    with page.expect_download() as download:
        page.click("main form button.primary")
    assert download.value.suggested_filename == "no.script.acme.test.zip"
    page.goto(f"{live_server.url}/admin/certificates/certificate/")
    page.click("text=no.script.acme.test")
    page.click("main .doors >> text=Revoke")
    page.check("[value=superseded]")
    page.click("main form button.danger")
    assert page.locator("h1 .badge").inner_text() == "Revoked"


def test_the_menu_of_a_phone_opens_without_scripts(browser, live_server):
    cache.clear()
    page = Watched.open(browser, live_server.url, java_script_enabled=False).page
    _sign_in(page, live_server.url, open_office().person.user.email)
    page.set_viewport_size(PHONE)
    link = page.get_by_role("link", name="Templates")
    assert not link.is_visible()
    page.get_by_role("link", name="Open the menu").click()
    link.click()
    assert page.url == f"{live_server.url}/templates/"


def test_keys_go_through_a_list_and_tick_its_rows(browser, live_server):
    cache.clear()
    office = open_office()
    rows = [office.issue(name).certificate for name in ("a.acme.test", "b.acme.test")]
    page = Watched.open(browser, live_server.url).page
    _sign_in(page, live_server.url, office.person.user.email)
    page.goto(f"{live_server.url}/certificates/?sort=name")
    for keys, row in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
        page.keyboard.press(keys)
        assert page.evaluate("document.activeElement.textContent") == str(rows[row])
    page.keyboard.press("x")
    assert page.locator("[data-row] [type=checkbox]:checked").get_attribute("value") == str(rows[0].public_id)
    page.keyboard.press("/")
    page.keyboard.type("jkx")
    assert page.locator("#q").input_value() == "jkx"
    assert page.locator("[data-row] [type=checkbox]:checked").count() == 1


def test_by_keys_alone_people_sign_in_ask_and_revoke(browser, live_server):
    cache.clear()
    office = open_office()
    page = Watched.open(browser, live_server.url).page
    page.goto(f"{live_server.url}/sign-in/")
    _tab_to(page, "[name=username]", types=office.person.user.email)
    _tab_to(page, "[name=password]", types=cast.PASSWORD, then="Enter")
    _tab_to(page, "a[href='/certificates/']", then="Enter")
    _tab_to(page, "a[href='/certificates/new/']", then="Enter")
    _tab_to(page, "[name=common_name]", types="keys.acme.test")
    _tab_to(page, "main form button.primary", then="Enter")
    row = Certificate.objects.get(common_name="keys.acme.test")
    page.goto(f"{live_server.url}/certificates/")
    page.keyboard.press("j")
    _tab_to(page, f"a[href='/certificates/{row.public_id}/']", then="Enter")
    _tab_to(page, f"a[href$='/{row.public_id}/revoke/']", then="Enter")
    _tab_to(page, "[name=reason]")
    page.keyboard.press("ArrowDown")
    _tab_to(page, "main form button.danger", then="Enter")
    row.refresh_from_db()
    assert row.state == Certificate.State.REVOKED


def test_the_theme_stays_when_it_was_chosen(browser, live_server, house):
    page = Watched.open(browser, live_server.url).page
    _sign_in(page, live_server.url)
    page.get_by_role("button", name="Change between light and dark").click()
    page.goto(f"{live_server.url}/admin/")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def _sign_in(page: Page, host: str, name: str = "root@localhost") -> None:
    page.goto(f"{host}/sign-in/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", cast.PASSWORD)
    page.click("main button.primary")
    assert page.url.startswith(host)
    assert "/sign-in/" not in page.url


def _tab_to(page: Page, selector: str, *, types: str = "", then: str = "") -> None:
    """By Tab alone, from wherever the focus is; whoever looks at the page sees where it stands."""
    for _step in range(MOST_TABS):
        if page.evaluate("chosen => document.activeElement.matches(chosen)", selector):
            break
        page.keyboard.press("Tab")
    assert page.evaluate("chosen => document.activeElement.matches(chosen + ':focus-visible')", selector), selector
    if types:
        page.keyboard.type(types)
    if then:
        with page.expect_navigation():
            page.keyboard.press(then)


def _look_at(watched: Watched, host: str, path: str, options: Mapping[str, object] = SIZES) -> list[str]:
    """What is wrong with a page, on a phone, on a desk, and in the dark."""
    page = watched.page
    watched.complaints.clear()
    page.set_viewport_size(PHONE)
    page.goto(host + path)
    width = page.evaluate("document.documentElement.scrollWidth")
    faults = [f"{width} px wide on a phone"] if width > PHONE["width"] else []
    faults += ["a list is scrolled sideways on a phone"] if page.evaluate(SIDEWAYS) else []
    page.set_viewport_size(DESK)
    # Before axe, which trips the policy itself.
    faults += watched.complaints
    faults += _axe(page, options)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    faults += [f"in the dark, {violation}" for violation in _axe(page, COLOURS)]
    return [f"{path}: {fault}" for fault in faults]


def _axe(page: Page, options: Mapping[str, object] = EVERYTHING) -> list[str]:
    page.evaluate(AXE)
    result = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **options})
    return [
        f"{violation['id']} ({violation['impact']}): {violation['nodes'][0]['html'][:160]}"
        for violation in result["violations"]
        if violation["impact"] in SERIOUS
    ]

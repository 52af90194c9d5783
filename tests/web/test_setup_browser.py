"""The first run in a real browser: from the first password to the files, by clicks alone."""

from __future__ import annotations

import time
import zipfile

import pytest
from django.core.cache import cache

from accounts.services.people import create_first_administrator
from tests import cast
from tests.web.test_browser import DESK, PHONE, Watched, _axe, browser

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True), pytest.mark.any_database]

__all__ = ["browser"]
MOST_CLICKS, MOST_SECONDS = 5, 120


def test_the_first_certificate(browser, live_server, tmp_path):
    cache.clear()
    made = create_first_administrator(actor=cast.SUPERUSER, email="admin@localhost")
    assert made is not None
    password = made[1].reveal().decode()
    watched = Watched.open(browser, live_server.url, java_script_enabled=True, accept_downloads=True)
    page, clicks, faults, looking = watched.page, 0, [], 0.0

    def click(name: str) -> None:
        nonlocal clicks
        clicks += 1
        with page.expect_navigation():
            page.get_by_role("button", name=name, exact=True).click()

    def look() -> None:
        """Not a part of the time that it takes."""
        nonlocal looking
        began = time.monotonic()
        page.set_viewport_size(PHONE)
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            faults.append(f"{page.url} is too wide for a phone")
        page.set_viewport_size(DESK)
        faults.extend([*watched.complaints, *_axe(page)])
        watched.complaints.clear()
        looking += time.monotonic() - began

    page.goto(f"{live_server.url}/sign-in/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", password)
    click("Sign in")
    clicks, began = 0, time.monotonic()
    for field, text in (("old_password", password), ("new_password", cast.PASSWORD), ("repeated", cast.PASSWORD)):
        page.fill(f"[name={field}]", text)
    click("Change password")
    look()
    page.fill("[name=organization]", "Example Ltd")
    click("Use defaults")
    look()
    click("Create everything")
    look()
    clicks += 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Download key and certificate").click()
    download.value.save_as(tmp_path / "first.zip")
    assert clicks <= MOST_CLICKS
    assert time.monotonic() - began - looking < MOST_SECONDS
    assert zipfile.ZipFile(tmp_path / "first.zip").testzip() is None
    assert not faults, "\n".join(faults)

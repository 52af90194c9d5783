"""Approvals in a real browser, with scripts and without: one asks, the other decides by clicks alone."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests import cast
from tests.certificates.asking import open_desk
from tests.web.test_browser import PHONE, Watched, browser

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True), pytest.mark.any_database]

__all__ = ["browser"]


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_people_come_to_a_certificate(browser, live_server, has_scripts):
    cache.clear()
    desk = open_desk()
    request, faults = desk.ask(), []
    approver, asker = (
        signed_in(browser, live_server.url, person, java_script_enabled=has_scripts)
        for person in (desk.approver, desk.asker)
    )
    page = approver.page

    def look() -> None:
        faults.extend(approver.complaints)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        approver.complaints.clear()

    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/requests/")
    look()
    page.get_by_role("link", name="www.acme.test").click()
    look()
    page.get_by_role("link", name="Approve", exact=True).click()
    look()
    page.get_by_label("Note").fill("seen")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("link", name="Issue it now").click()
    page.get_by_role("button", name="Issue the certificate").click()
    page.goto(f"{live_server.url}/requests/")
    assert page.get_by_text("All clear").is_visible()
    look()

    asker.page.goto(f"{live_server.url}/requests/{request.public_id}/")
    assert asker.page.get_by_text("“seen”").is_visible()
    assert asker.page.get_by_role("link", name="Collect it").is_visible()
    assert not faults, "\n".join(faults)


def signed_in(browser, host: str, person: cast.Person, **options: object) -> Watched:
    watched = Watched.open(browser, host, **options)
    watched.page.goto(f"{host}/sign-in/")
    watched.page.fill("[name=username]", person.user.email)
    watched.page.fill("[name=password]", cast.PASSWORD)
    watched.page.click("main button.primary")
    return watched

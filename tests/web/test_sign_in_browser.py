"""Signing in, in a real browser: without scripts by password and code, with them by passkey."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import Page

from accounts import tasks
from accounts.models import User
from accounts.services.invitations import invite, send_due_invitations
from accounts.services.organizations import add_member
from accounts.services.sign_in_providers import ProviderOrder, create_sign_in_provider
from tests import cast
from tests.architecture.people import code_of
from tests.web.people import give_app
from tests.web.test_browser import DESK, PHONE, Watched, _axe, browser

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True), pytest.mark.any_database]

__all__ = ["browser"]
NEW_PASSWORD = "a long and quiet sentence"


@pytest.fixture
def user() -> User:
    cache.clear()
    return cast.superuser("root@localhost")


@pytest.fixture
def host(live_server, settings) -> str:
    """Passkeys and links in mails name the configured address."""
    settings.BASE_URL = live_server.url
    return live_server.url


@pytest.fixture
def plain(browser, host) -> Page:
    """A browser without scripts."""
    return Watched.open(browser, host, java_script_enabled=False).page


def sign_in(page: Page, host: str, name: str = "root@localhost", password: str = cast.PASSWORD) -> None:
    page.goto(f"{host}/sign-in/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    send(page, "main form[action='/sign-in/'] button.primary")


def send(page: Page, button: str = "main button.primary") -> None:
    """Send the form, and wait for the answer."""
    with page.expect_navigation():
        page.click(button)


def type_code(page: Page, code: str) -> None:
    page.fill("[name=code]", code)
    send(page)


class TestWithoutScripts:
    def test_an_app_is_added_and_asked_for_and_a_recovery_code_does_as_well(self, plain, host, user):
        sign_in(plain, host)
        plain.goto(f"{host}/account/security/")
        plain.get_by_role("link", name="Add an app").click()
        assert plain.locator(".qr img").evaluate("image => image.naturalWidth") > 100
        plain.click("text=Or type the secret")
        secret = plain.locator("code.secret").inner_text().replace(" ", "")
        type_code(plain, code_of(secret))
        codes = plain.locator(".codes code").all_inner_texts()
        assert len(codes) == 10
        plain.get_by_role("link", name="I have kept them").click()
        assert plain.locator("section", has_text="Authenticator app").locator(".badge").inner_text() == "On"
        for code in (code_of(secret), codes[0]):
            plain.goto(f"{host}/account/")
            plain.context.clear_cookies()
            sign_in(plain, host)
            assert plain.url == f"{host}/sign-in/code/"
            type_code(plain, code)
            assert plain.url == f"{host}/"

    def test_a_forgotten_password_is_replaced_by_mail(self, plain, host, user, monkeypatch):
        monkeypatch.setattr(tasks.mail_password_reset, "delay", tasks.mail_password_reset.run)
        plain.goto(f"{host}/sign-in/")
        plain.get_by_role("link", name="Forgotten the password?").click()
        plain.fill("[name=email]", "root@localhost")
        send(plain)
        assert plain.locator("h1").inner_text() == "Look into your mailbox"
        plain.goto(re.search(rf"{host}/password/new/\S+", mail.outbox[0].body)[0])
        plain.fill("[name=new_password]", NEW_PASSWORD)
        plain.fill("[name=repeated]", NEW_PASSWORD)
        send(plain)
        sign_in(plain, host, password=NEW_PASSWORD)
        assert plain.url == f"{host}/"

    def test_an_ended_session_is_out_at_its_next_step(self, browser, plain, host, user):
        other = Watched.open(browser, host).page
        for page in (other, plain):
            sign_in(page, host)
        plain.goto(f"{host}/account/sessions/")
        plain.get_by_role("button", name=re.compile("^End Chrom")).click()
        assert "The session is ended." in plain.locator(".notices").inner_text()
        other.goto(f"{host}/")
        assert other.url.startswith(f"{host}/sign-in/")

    def test_an_invited_person_makes_an_account(self, plain, host, user):
        owner = cast.owner(cast.organization())
        invite(actor=owner.actor, organization=owner.organization, email="new@acme.example", role="operator")
        send_due_invitations()
        plain.goto(re.search(rf"{host}/invitations/\S+", mail.outbox[0].body)[0])
        plain.fill("[name=name]", "New")
        plain.fill("[name=new_password]", NEW_PASSWORD)
        plain.fill("[name=repeated]", NEW_PASSWORD)
        send(plain)
        sign_in(plain, host, "new@acme.example", NEW_PASSWORD)
        assert "ACME" in plain.locator("main").inner_text()

    def test_a_passkey_is_not_offered(self, plain, host, user):
        plain.goto(f"{host}/sign-in/")
        assert not plain.get_by_role("button", name="Sign in with a passkey").is_visible()
        sign_in(plain, host)
        plain.goto(f"{host}/account/security/passkey/")
        assert not plain.get_by_role("button", name="Add the passkey").is_visible()


class TestPasskey:
    @pytest.fixture
    def watched(self, browser, host) -> Watched:
        return Watched.open(browser, host)

    @pytest.fixture
    def page(self, watched) -> Page:
        """A browser with an authenticator of its own, which knows its holder's finger."""
        tools = watched.page.context.new_cdp_session(watched.page)
        tools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return watched.page

    def add(self, page: Page, host: str) -> None:
        sign_in(page, host)
        page.goto(f"{host}/account/security/passkey/")
        page.fill("[name=name]", "This machine")
        page.click("main button.primary")
        page.wait_for_selector(".codes")

    def test_it_is_added_and_signs_in_alone(self, page, host, user, watched):
        self.add(page, host)
        page.goto(f"{host}/account/security/")
        assert page.get_by_text("This machine").first.is_visible()
        page.context.clear_cookies()
        page.goto(f"{host}/sign-in/?next=/developers/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{host}/developers/")
        assert watched.complaints == []

    def test_it_is_the_second_factor_after_a_password(self, page, host, user, watched):
        self.add(page, host)
        page.context.clear_cookies()
        sign_in(page, host)
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{host}/")
        assert watched.complaints == []

    def test_it_shows_who_one_is_before_what_matters(self, page, host, user, settings, watched):
        self.add(page, host)
        settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
        page.goto(f"{host}/account/security/app/")
        page.get_by_role("link", name="Use a passkey").click()
        settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{host}/account/security/app/")
        assert watched.complaints == []

    def test_one_that_refuses_is_said_to(self, browser, host, user):
        page = Watched.open(browser, host).page
        tools = page.context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        page.goto(f"{host}/sign-in/")
        refusal = "Promise.reject(new DOMException('no', 'NotAllowedError'))"
        page.evaluate(f"() => {{ navigator.credentials.get = () => {refusal} }}")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_selector("text=That did not work")


ORGANIZATION_PAGES = (
    "/organization/members/",
    "/organization/roles/",
    "/organization/roles/add/",
    "/organization/sign-in/",
    "/organization/sign-in/add/",
    "/account/",
    "/account/organization/",
    "/account/security/",
    "/account/security/app/",
    "/account/security/passkey/",
    "/account/security/recovery-codes/",
    "/account/sessions/",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_people_are_accessible_silent_and_narrow(browser, host, scheme):
    cache.clear()
    owner = cast.owner(cast.organization())
    person = cast.member(owner.organization, "auditor", "a-very-long-name-of-somebody@department.acme.example")
    row = owner.organization.memberships.get(user=person.user)
    invite(actor=owner.actor, organization=owner.organization, email="new@acme.example", role="operator")
    create_sign_in_provider(
        actor=owner.actor,
        organization=owner.organization,
        issuer="https://identity.department.acme.example",
        client_id="chancery",
        client_secret=None,
        order=ProviderOrder(name="ACME ID", is_listed=True),
    )
    stranger = cast.stranger()
    add_member(actor=stranger.actor, organization=stranger.organization, user=owner.user, role="auditor")
    User.objects.filter(pk=owner.user.pk).update(default_organization=owner.organization)
    watched = Watched.open(browser, host, color_scheme=scheme)
    page = watched.page
    sign_in(page, host, owner.user.email)
    more = [f"/organization/members/{row.public_id}/", f"/organization/members/{row.public_id}/remove/"]
    faults = look_at(watched, host, [*ORGANIZATION_PAGES, *more])
    give_app(owner.user)
    faults += look_at(watched, host, ["/account/security/", "/account/security/recovery-codes/"])
    page.context.clear_cookies()
    faults += look_at(watched, host, ["/sign-in/"])
    sign_in(page, host, owner.user.email)
    faults += look_at(watched, host, ["/sign-in/code/"])
    assert not faults, "\n".join(faults)


def look_at(watched: Watched, host: str, paths: list[str]) -> list[str]:
    faults = []
    for path in paths:
        watched.complaints.clear()
        watched.page.set_viewport_size(PHONE)
        watched.page.goto(host + path)
        assert watched.page.url.partition("?")[0] == host + path
        width = watched.page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            faults.append(f"{path}: {width} px wide on a phone")
        watched.page.set_viewport_size(DESK)
        faults += [f"{path}: {complaint}" for complaint in watched.complaints]
        faults += [f"{path}: {violation}" for violation in _axe(watched.page)]
    return faults

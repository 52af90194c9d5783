"""One's own account: the second factor, sessions, where one works, and a forgotten password."""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client

from accounts import tasks
from accounts.models import User
from accounts.services.organizations import add_member
from accounts.services.people import disable_user
from accounts.services.second_factor import factors_of
from audit.models import AuditEvent
from tests import cast
from tests.architecture.people import code_of
from tests.passkeys import SoftPasskey
from tests.web.people import browser_of, give_app, is_in, sign_in

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "a much better sentence"


@pytest.fixture
def user() -> User:
    return cast.superuser("root@localhost")


@pytest.fixture
def browser(user) -> Client:
    return browser_of(user)


class TestSecondFactor:
    def test_an_app_is_added_by_picture_and_code_and_recovery_codes_come_along(self, browser, user):
        page = browser.get("/account/security/app/")
        assert 'src="data:image/svg+xml;base64,' in page.content.decode()
        secret = page.context["secret"].replace(" ", "")
        assert browser.post("/account/security/app/", {"code": "000000"}).status_code == 422
        shown = browser.post("/account/security/app/", {"code": code_of(secret)})
        assert shown["Cache-Control"] == "no-store, private"
        assert len(re.findall(r"<li><code>\d{8}</code>", shown.content.decode())) == 10
        assert secret not in browser.get("/account/security/app/").content.decode().replace(" ", "")

    def test_other_browsers_are_out_with_it_and_this_one_stays(self, browser, user):
        other = browser_of(user)
        secret = browser.get("/account/security/app/").context["secret"].replace(" ", "")
        browser.post("/account/security/app/", {"code": code_of(secret)})
        assert is_in(browser)
        assert not is_in(other)

    def test_a_passkey_is_added_by_the_answer_of_the_browser(self, browser, user):
        page = browser.get("/account/security/passkey/").content.decode()
        options = json.loads(re.search(r'data-options="([^"]*)"', page)[1].replace("&quot;", '"'))
        assert options["publicKey"]["rp"] == {"id": "localhost", "name": "Chancery"}
        credential = json.dumps(SoftPasskey().create(options))
        shown = browser.post("/account/security/passkey/", {"name": "Laptop", "credential": credential})
        assert "recovery codes" in shown.content.decode()
        assert "Laptop" in browser.get("/account/security/").content.decode()

    @pytest.mark.parametrize("credential", ["", "x", "[]", "null", '{"response": 5}'])
    def test_another_answer_adds_none(self, browser, user, credential):
        browser.get("/account/security/passkey/")
        answered = browser.post("/account/security/passkey/", {"name": "X", "credential": credential})
        assert answered.status_code == 422
        assert not factors_of(user)

    def test_it_is_removed_and_with_the_last_one_the_codes(self, browser, user):
        give_app(user)
        browser.post("/account/security/recovery-codes/")
        (factor,) = factors_of(user)
        page = browser.get(f"/account/security/{factor.pk}/remove/").content.decode()
        assert "It is the last one" in page
        browser.post(f"/account/security/{factor.pk}/remove/")
        assert not Authenticator.objects.filter(user=user).exists()

    def test_nobody_removes_another_s(self, browser, user):
        other = cast.owner(cast.organization()).user
        give_app(other)
        assert browser.post(f"/account/security/{factors_of(other)[0].pk}/remove/").status_code == 302
        assert factors_of(other)

    def test_new_codes_are_a_post(self, browser, user):
        give_app(user)
        browser.get("/account/security/recovery-codes/")
        assert not Authenticator.objects.filter(type="recovery_codes").exists()

    def test_a_superuser_takes_it_from_who_has_lost_it(self, browser, user):
        other = cast.owner(cast.organization()).user
        give_app(other)
        page = f"/admin/accounts/user/{other.pk}/reset-second-factor/"
        assert browser.post(page).status_code == 302
        assert not factors_of(other)


class TestSessions:
    def test_each_browser_is_listed_and_this_one_is_marked(self, browser, user):
        other = Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        sign_in(other, user.email)
        page = browser.get("/account/sessions/").content.decode()
        assert "Firefox · Linux" in page
        assert page.count("this one") == 1

    def test_one_is_ended_at_once_and_told(self, browser, user):
        other = browser_of(user)
        row = UserSession.objects.get(session_key=other.session.session_key)
        browser.post("/account/sessions/", {"session": row.pk})
        assert not is_in(other)
        assert is_in(browser)
        assert AuditEvent.objects.filter(name="session.ended").count() == 1

    def test_all_others_are_ended(self, browser, user):
        others = [browser_of(user) for _number in range(2)]
        browser.post("/account/sessions/", {"others": "1"})
        assert is_in(browser)
        assert not any(is_in(other) for other in others)
        assert len(browser.get("/account/sessions/").context["sessions"]) == 1

    def test_nobody_ends_another_s(self, browser, user):
        other = cast.owner(cast.organization()).user
        theirs = browser_of(other)
        row = UserSession.objects.get(session_key=theirs.session.session_key)
        browser.post("/account/sessions/", {"session": row.pk})
        assert is_in(theirs)

    @pytest.mark.parametrize("number", ["0", "99999999999999999999", "x", "-1", "²"])
    def test_nonsense_breaks_nothing(self, browser, number):
        assert browser.post("/account/sessions/", {"session": number}).status_code == 302

    def test_a_new_password_ends_the_others(self, browser, user):
        other = browser_of(user)
        form = {"old_password": cast.PASSWORD, "new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
        browser.post("/password/", form)
        assert is_in(browser)
        assert not is_in(other)

    def test_who_is_disabled_is_out_at_once(self, browser, user):
        disable_user(actor=cast.SUPERUSER, user=user)
        assert not is_in(browser)
        assert browser.get("/api/v2/organizations").status_code == 401

    def test_guesses_at_the_present_password_end(self, browser, user):
        form = {"old_password": "guess", "new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
        for _try in range(10):
            browser.post("/password/", form)
        browser.post("/password/", form | {"old_password": cast.PASSWORD})
        user.refresh_from_db()
        assert not user.check_password(NEW_PASSWORD)


class TestWhereOneWorks:
    def test_a_person_of_two_organizations_chooses(self):
        person, stranger = cast.owner(cast.organization()), cast.stranger()
        add_member(actor=stranger.actor, organization=stranger.organization, user=person.user, role="auditor")
        browser = browser_of(person.user)
        for organization in (person.organization, stranger.organization):
            browser.post("/account/organization/", {"organization": organization.slug, "next": "/"})
            assert organization.name in browser.get("/").content.decode()
            listed = browser.get("/api/v2/members").json()["data"]
            assert stranger.user.email in str(listed) or organization == person.organization

    def test_nobody_works_where_he_does_not_belong(self, browser):
        person, stranger = cast.owner(cast.organization()), cast.stranger()
        theirs = browser_of(person.user)
        theirs.post("/account/organization/", {"organization": stranger.organization.slug})
        assert stranger.user.email not in theirs.get("/api/v2/members").content.decode()

    def test_who_was_removed_since_sees_nothing(self):
        person, stranger = cast.owner(cast.organization()), cast.stranger()
        row = add_member(actor=stranger.actor, organization=stranger.organization, user=person.user, role="auditor")
        browser = browser_of(person.user)
        browser.post("/account/organization/", {"organization": stranger.organization.slug})
        row.delete()
        assert stranger.user.email not in browser.get("/api/v2/members").content.decode()

    def test_a_superuser_works_in_any_and_above_all(self, browser):
        organization = cast.owner(cast.organization()).organization
        browser.post("/account/organization/", {"organization": organization.slug})
        assert browser.get("/organization/members/").status_code == 200
        browser.post("/account/organization/", {"organization": ""})
        assert browser.get("/organization/members/").status_code == 302

    def test_nobody_is_sent_to_another_site(self, browser):
        answered = browser.post("/account/organization/", {"organization": "", "next": "https://evil.example/"})
        assert answered["Location"] == "/"


def test_one_s_name_is_one_s_own(browser, user):
    browser.post("/account/", {"name": "Ada"})
    user.refresh_from_db()
    assert user.name == "Ada"
    assert browser.post("/account/", {"name": "x\0y"}).status_code == 422


class TestForgottenPassword:
    @pytest.fixture(autouse=True)
    def _worker(self, monkeypatch):
        """The task runs here and now, as a worker would run it."""
        monkeypatch.setattr(tasks.mail_password_reset, "delay", tasks.mail_password_reset.run)

    def test_the_answer_is_the_same_whoever_exists(self, client, user):
        known = client.post("/password/forgotten/", {"email": user.email})
        unknown = client.post("/password/forgotten/", {"email": "nobody@localhost"})
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
        assert [message.to for message in mail.outbox] == [[user.email]]

    def test_nothing_about_the_person_happens_before_the_answer(self, client, user, monkeypatch):
        """Whoever measures the time learns nothing: the mail is a worker's."""
        queued = []
        monkeypatch.setattr(tasks.mail_password_reset, "delay", lambda *args: queued.append(args))
        for email in (user.email, "nobody@localhost"):
            client.post("/password/forgotten/", {"email": email})
        assert [args[0] for args in queued] == [user.email, "nobody@localhost"]
        assert mail.outbox == []

    def test_the_link_gives_a_new_password_and_the_second_factor_stays(self, client, user):
        secret = give_app(user)
        client.post("/password/forgotten/", {"email": user.email})
        path = re.search(r"http://localhost:8000(/password/new/\S+)", mail.outbox[0].body)[1]
        assert client.get(path).status_code == 200
        assert client.post(path, {"new_password": "short", "repeated": "short"}).status_code == 422
        form = {"new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
        assert client.post(path, form)["Location"] == "/sign-in/"
        assert sign_in(client, user.email, NEW_PASSWORD)["Location"] == "/sign-in/code/"
        client.post("/sign-in/code/", {"code": code_of(secret)})
        assert is_in(client)
        assert client.get(path).status_code == 410

    def test_the_page_tells_no_other_site_where_it_is(self, client, user):
        client.post("/password/forgotten/", {"email": user.email})
        path = re.search(r"http://localhost:8000(/password/new/\S+)", mail.outbox[0].body)[1]
        assert client.get(path)["Referrer-Policy"] == "same-origin"

    def test_a_mailbox_is_not_filled_and_the_answer_stays_the_same(self, client, user):
        answers = {client.post("/password/forgotten/", {"email": user.email}).content for _time in range(6)}
        assert len(answers) == 1
        assert len(mail.outbox) == 3

    def test_one_address_does_not_ask_for_everybody(self, client, monkeypatch):
        monkeypatch.setattr("web.account.passwords.MOST_ASKED", 3)
        statuses = [client.post("/password/forgotten/", {"email": f"p{n}@localhost"}).status_code for n in range(4)]
        assert statuses == [200, 200, 200, 429]

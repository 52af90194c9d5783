"""The people of an organization on its pages: who sees them, who changes them, how somebody new comes in."""

from __future__ import annotations

import re
import time
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client

from accounts.models import CustomRole, ExternalIdentity, Invitation, Membership, Organization, SignInProvider, User
from accounts.services.invitations import invite, link_of, send_due_invitations
from accounts.services.sign_in_providers import client_secret_of
from tests import cast
from tests.web.people import browser_of, sign_in

pytestmark = pytest.mark.django_db

PASSWORD = "a long and quiet sentence"
PAGES = ("/organization/members/", "/organization/roles/", "/organization/sign-in/")


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization())


@pytest.fixture
def browser(owner) -> Client:
    return browser_of(owner.user)


def membership_of(person: cast.Person) -> Membership:
    return Membership.objects.get(user=person.user, organization=person.organization)


class TestWhoMay:
    def test_nobody_without_an_account(self, client):
        for path in PAGES:
            assert client.get(path)["Location"].startswith("/sign-in/"), path

    @pytest.mark.parametrize(
        ("role", "statuses"),
        [
            ("owner", [200, 200, 200]),
            ("operator", [200, 200, 403]),
            ("approver", [403, 403, 403]),
            ("auditor", [200, 200, 403]),
            ("member", [403, 403, 403]),
        ],
    )
    def test_roles(self, owner, role, statuses):
        person = owner if role == "owner" else cast.member(owner.organization, role)
        assert [browser_of(person.user).get(path).status_code for path in PAGES] == statuses

    def test_who_may_see_may_not_change(self, owner):
        reader = browser_of(cast.member(owner.organization, "auditor").user)
        row = membership_of(owner)
        form = {"email": "new@acme.example", "role": "member"}
        assert reader.post("/organization/members/", form).status_code == 422
        for path in (f"/organization/members/{row.public_id}/", f"/organization/members/{row.public_id}/remove/"):
            assert reader.post(path, {"role": "member"}).status_code == 403
        assert not Invitation.objects.exists()

    def test_a_stranger_finds_nothing(self, owner):
        row = membership_of(owner)
        role = CustomRole.objects.create(organization=owner.organization, name="X", slug="x", permissions=[])
        stranger = browser_of(cast.stranger().user)
        paths = [
            f"/organization/members/{row.public_id}/",
            f"/organization/members/{row.public_id}/remove/",
            f"/organization/roles/{role.public_id}/",
            f"/organization/members/{uuid4()}/",
        ]
        for path in paths:
            assert stranger.get(path).status_code == 404, path
            assert stranger.post(path, {"role": "member", "delete": "1"}).status_code == 404, path
        assert owner.user.email not in stranger.get("/organization/members/").content.decode()


class TestMembers:
    def test_a_role_and_capabilities_are_given(self, browser, owner):
        row = membership_of(cast.member(owner.organization, "member"))
        form = {"role": "operator", "capabilities": ["audit:read"]}
        assert browser.post(f"/organization/members/{row.public_id}/", form).status_code == 302
        row.refresh_from_db()
        assert (row.role, row.capabilities) == ("operator", ["audit:read"])

    def test_the_last_owner_stays(self, browser, owner):
        row = membership_of(owner)
        page = browser.post(f"/organization/members/{row.public_id}/", {"role": "member"})
        assert page.status_code == 422
        assert "at least one owner" in page.content.decode()
        assert browser.post(f"/organization/members/{row.public_id}/remove/").status_code == 422

    def test_one_is_removed_after_a_question(self, browser, owner):
        person = cast.member(owner.organization, "member")
        path = f"/organization/members/{membership_of(person).public_id}/remove/"
        assert person.user.email in browser.get(path).content.decode()
        assert browser.post(path)["Location"] == "/organization/members/"
        assert not Membership.objects.filter(user=person.user).exists()


class TestRoles:
    @pytest.mark.row("P69")
    def test_one_is_made_given_and_deleted_when_nobody_holds_it(self, browser, owner):
        form = {"name": "PKI approvers", "slug": "pki-approver", "permissions": ["requests:read", "requests:decide"]}
        assert browser.post("/organization/roles/add/", form).status_code == 302
        role = CustomRole.objects.get()
        person = membership_of(cast.member(owner.organization, "member"))
        browser.post(f"/organization/members/{person.public_id}/", {"role": "pki-approver"})
        person.refresh_from_db()
        assert person.custom_role == role
        path = f"/organization/roles/{role.public_id}/"
        assert "in use" in browser.post(path, {"delete": "1"}, follow=True).content.decode()
        browser.post(f"/organization/members/{person.public_id}/", {"role": "member"})
        browser.post(path, {"delete": "1"})
        assert not CustomRole.objects.exists()

    def test_it_is_changed(self, browser, owner):
        form = {"name": "Readers", "permissions": ["certificates:read"]}
        browser.post("/organization/roles/add/", form)
        path = f"/organization/roles/{CustomRole.objects.get().public_id}/"
        browser.post(path, form | {"permissions": ["audit:read"]})
        assert CustomRole.objects.get().permissions == ["audit:read"]


class TestInvitations:
    def invite(self, owner, email: str = "new@acme.example") -> str:
        """The link of the mail."""
        invite(actor=owner.actor, organization=owner.organization, email=email, role="operator")
        send_due_invitations()
        return re.search(r"http://localhost:8000(/invitations/\S+)", mail.outbox[-1].body)[1]

    def test_an_owner_invites_sends_again_and_cancels(self, browser):
        browser.post("/organization/members/", {"email": "new@acme.example", "role": "operator"})
        row = Invitation.objects.get()
        path = f"/organization/invitations/{row.public_id}/"
        browser.post(path)
        row.refresh_from_db()
        assert row.mailing == 2
        browser.post(path, {"cancel": "1"})
        row.refresh_from_db()
        assert row.cancelled_at is not None

    def test_somebody_new_makes_an_account_and_signs_in(self, client, owner):
        path = self.invite(owner)
        page = client.get(path)
        assert "ACME" in page.content.decode()
        assert page["Referrer-Policy"] == "same-origin"
        form = {"name": "New", "new_password": PASSWORD, "repeated": PASSWORD}
        assert client.post(path, form)["Location"] == "/sign-in/"
        sign_in(client, "new@acme.example", PASSWORD)
        assert "ACME" in client.get("/").content.decode()
        assert client.get(path).status_code == 410

    def test_a_bad_form_makes_nothing(self, client, owner):
        path = self.invite(owner)
        for form in ({"name": "", "new_password": PASSWORD, "repeated": PASSWORD}, {"name": "N", "new_password": "x"}):
            assert client.post(path, form).status_code == 422
        assert not User.objects.filter(email="new@acme.example").exists()

    def test_who_has_an_account_signs_in_and_agrees(self, owner):
        stranger = cast.stranger()
        path = self.invite(owner, stranger.user.email)
        client = Client()
        assert f"/sign-in/?next={quote(path)}" in client.get(path).content.decode()
        assert client.post(path, {"name": "N", "new_password": PASSWORD, "repeated": PASSWORD}).status_code == 200
        sign_in(client, stranger.user.email)
        assert client.get(path).status_code == 200
        assert not Membership.objects.filter(user=stranger.user, organization=owner.organization).exists()
        assert client.post(path)["Location"] == "/"
        assert Membership.objects.filter(user=stranger.user, organization=owner.organization).exists()

    def test_another_person_s_browser_accepts_nothing(self, browser, owner):
        path = self.invite(owner)
        assert "signed in as" in browser.get(path).content.decode()
        browser.post(path, {"name": "N", "new_password": PASSWORD, "repeated": PASSWORD})
        assert not User.objects.filter(email="new@acme.example").exists()

    @pytest.mark.parametrize("token", ["x", "a:b:c", "%00", "é"])
    def test_a_false_link_is_no_page(self, client, token):
        assert client.get(f"/invitations/{token}/").status_code == 404

    def test_a_cancelled_one_says_so(self, client, owner):
        path = self.invite(owner)
        row = Invitation.objects.get()
        assert link_of(row).split("/")[2]
        browser_of(owner.user).post(f"/organization/invitations/{row.public_id}/", {"cancel": "1"})
        assert client.get(path).status_code == 410

    def test_where_no_mail_is_sent_the_page_says_so(self, browser, settings):
        assert "No mail server is configured" in browser.get("/organization/members/").content.decode()
        settings.EMAIL_HOST = "mail.example.com"
        assert "No mail server is configured" not in browser.get("/organization/members/").content.decode()


class TestSignInRules:
    FORM = {
        "name": "Example ID",
        "issuer": "https://id.example.com",
        "client_id": "chancery",
        "client_secret": "canary of the client",
        "role_claim": "groups",
        "role_map": "pki-operators = operator\ncn=a,dc=b = auditor",
        "makes_members": "on",
        "is_active": "on",
    }

    def test_the_rule_about_second_factors(self, browser, owner):
        browser.post("/organization/sign-in/", {"second_factor": "everyone"})
        assert Organization.objects.get(pk=owner.organization.pk).second_factor == "everyone"

    def test_a_provider_is_added_changed_and_removed_and_its_secret_is_on_no_page(self, browser, owner):
        assert browser.post("/organization/sign-in/add/", self.FORM).status_code == 302
        row = SignInProvider.objects.get()
        assert row.role_map == {"pki-operators": "operator", "cn=a,dc=b": "auditor"}
        path = f"/organization/sign-in/{row.public_id}/"
        page = browser.get(path).content.decode()
        assert f"http://localhost:8000/sign-in/with/{row.public_id}/callback/" in page
        assert "canary" not in page
        form = {key: value for key, value in self.FORM.items() if key not in ("issuer", "client_id", "client_secret")}
        assert browser.post(path, form | {"name": "Renamed"}).status_code == 302
        row.refresh_from_db()
        assert (row.name, client_secret_of(row).reveal()) == ("Renamed", b"canary of the client")
        browser.post(path, {"delete": "1"})
        assert not SignInProvider.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"issuer": "http://id.example.com"},
            {"role_map": "nothing"},
            {"role_map": "a = owner"},
            {"default_role": "approver"},
            {"name": ""},
        ],
    )
    def test_a_bad_one_is_refused_on_the_form(self, browser, change):
        page = browser.post("/organization/sign-in/add/", self.FORM | change)
        assert page.status_code == 422
        assert "canary" not in page.content.decode()
        assert not SignInProvider.objects.exists()

    def test_a_member_is_bound_by_hand_and_unbound(self, browser, owner):
        browser.post("/organization/sign-in/add/", self.FORM)
        row = membership_of(cast.member(owner.organization, "approver"))
        path = f"/organization/members/{row.public_id}/"
        browser.post(path, {"bind": "1", "issuer": "https://id.example.com", "subject": "0-1-2"})
        identity = ExternalIdentity.objects.get()
        assert (identity.user, identity.subject, identity.is_bound_by_hand) == (row.user, "0-1-2", True)
        browser.post(path, {"unbind": identity.public_id})
        assert not ExternalIdentity.objects.exists()

    def test_nobody_binds_to_an_issuer_that_is_not_configured(self, browser, owner):
        row = membership_of(cast.member(owner.organization, "member"))
        form = {"bind": "1", "issuer": "https://evil.example.com", "subject": "1"}
        assert browser.post(f"/organization/members/{row.public_id}/", form).status_code == 422


class TestWhoFindsABrowserOpen:
    """A quarter of an hour later."""

    @pytest.fixture
    def late(self, browser, monkeypatch) -> Client:
        now = time.time()
        monkeypatch.setattr("web.account.fresh.time.time", lambda: now + 900)
        return browser

    def test_makes_nobody_a_member_and_binds_nothing(self, late, owner):
        row = membership_of(cast.member(owner.organization, "approver"))
        member = f"/organization/members/{row.public_id}/"
        assert late.get(member).status_code == late.get("/organization/members/").status_code == 200
        sent = {
            "/organization/members/": {"email": "spy@x.example", "role": "owner"},
            member: {"role": "owner"},
            "/organization/applications/add/": {"name": "x", "redirect_uris": "https://app.example/callback"},
        }
        for path, form in sent.items():
            answer = late.post(path, form)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/confirm/"), path
        row.refresh_from_db()
        assert (row.role, Invitation.objects.count()) == ("approver", 0)

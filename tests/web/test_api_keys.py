"""API keys in pages: generated, shown once, replaced, revoked; by whoever may."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services.api_keys import create_api_key
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire
from tests.office import Office, open_office
from tests.web.people import browser_of
from tests.web.test_browser import DESK, PHONE, Watched, _axe, browser
from tests.web.test_sign_in_browser import send, sign_in

__all__ = ["browser"]
KEYS = "/account/api-keys/"
EVERYWHERE = {"name": "ci", "scope": "organization", "permissions": ["certificates:read"], "lifetime": "30"}


@pytest.fixture
def office(db) -> Office:
    cache.clear()
    return open_office()


@pytest.fixture
def owner(office) -> Client:
    return browser_of(office.person.user)


def generated(client: Client, office: Office, **changes: object) -> str:
    """The token that the page shows."""
    answer = client.post(f"{KEYS}new/", EVERYWHERE | {"owner": office.person.user.email} | changes)
    assert answer.status_code == 200, answer.content.decode()
    return token_on(answer)


def token_on(answer) -> str:
    assert answer["Cache-Control"] == "no-store"
    found = re.search(r'<pre id="token"[^>]*>([^<]+)<', answer.content.decode())
    assert found is not None
    return unescape(found[1])


def test_a_key_of_the_whole_organization(office, owner):
    token = generated(owner, office, allowed_cidrs="127.0.0.0/8\n192.0.2.0/24")
    row = ApiKey.objects.get()
    assert (row.permissions, row.allowed_cidrs) == (["certificates:read"], ["127.0.0.0/8", "192.0.2.0/24"])
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    assert Wire(token).get("/api/v2/certificates").status_code == 200
    for path in (KEYS, f"{KEYS}{row.public_id}/"):
        shown = owner.get(path).content.decode()
        assert token not in shown
        assert row.prefix in shown
        assert "127.0.0.1" in shown


def test_a_key_for_single_cas(office, owner):
    boxes = {f"{office.issuing.public_id}-{right}": "on" for right in ("can_read", "can_issue")}
    token = generated(owner, office, scope="cas", **boxes)
    grants = [
        (grant.ca, grant.can_read, grant.can_issue, grant.can_revoke) for grant in ApiKey.objects.get().grants.all()
    ]
    assert grants == [(office.issuing, True, True, False)]
    assert token.startswith("cm_")
    assert "ACME Issuing CA: Read, Issue" in owner.get(KEYS).content.decode()


def test_the_command_names_the_configured_address(office, owner, settings):
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://ca.acme.example", ["*"]
    answer = owner.post(
        f"{KEYS}new/", EVERYWHERE | {"owner": office.person.user.email}, headers={"host": "evil.example"}
    )
    assert "https://ca.acme.example/api/v2/whoami" in answer.content.decode()
    assert "evil.example" not in answer.content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"permissions": []}, {"scope": "cas"}, {"name": " "}, {"allowed_cidrs": "x"}, {"owner": "owner@umbrella.example"}],
    ids=str,
)
def test_what_cannot_be_is_said_on_the_form(office, owner, changes):
    cast.stranger()
    answer = owner.post(f"{KEYS}new/", EVERYWHERE | {"owner": office.person.user.email} | changes)
    assert answer.status_code == 422
    assert not ApiKey.objects.exists()


def test_it_is_replaced_and_the_old_one_works_on(office, owner):
    old = generated(owner, office)
    row = ApiKey.objects.get()
    new = token_on(owner.post(f"{KEYS}{row.public_id}/rotate/", {"overlap": "7"}))
    assert [Wire(token).get("/api/v2/certificates").status_code for token in (old, new)] == [200, 200]
    page = owner.get(f"{KEYS}{row.public_id}/").content.decode()
    assert ApiKey.objects.get(replaces=row).prefix in page
    assert "/rotate/" not in page
    assert owner.post(f"{KEYS}{row.public_id}/rotate/", {"overlap": "7"}).status_code == 422


def test_it_is_revoked(office, owner):
    token = generated(owner, office)
    row = ApiKey.objects.get()
    assert owner.post(f"{KEYS}{row.public_id}/revoke/")["Location"] == KEYS
    assert Wire(token).get("/api/v2/certificates").status_code == 401
    assert "/revoke/" not in owner.get(f"{KEYS}{row.public_id}/").content.decode()
    assert owner.get(f"{KEYS}{row.public_id}/revoke/").status_code == 405


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("operator", [200, 403]), ("auditor", [200, 403]), ("approver", [403, 403]), ("member", [403, 403])],
)
def test_who_may(office, role, statuses):
    client = browser_of(cast.member(office.organization, role).user)
    assert [client.get(path).status_code for path in (KEYS, f"{KEYS}new/")] == statuses
    assert ("/account/api-keys/" in client.get("/").content.decode()) == (statuses[0] == 200)


@pytest.mark.row("C20")
def test_keys_for_single_cas_are_made_where_the_menu_says_so(office):
    client = browser_of(office.person.user)
    link = re.search(
        r'<a [^>]*href="([^"]+)"[^>]*>(?:(?!</a>).)*API / MCP access', client.get("/").content.decode(), re.DOTALL
    )
    assert link
    assert link[1] == KEYS
    assert f'href="{KEYS}new/"' in client.get(link[1]).content.decode()
    right = f"{office.issuing.public_id}-can_read"
    assert f'name="{right}"' in client.get(f"{KEYS}new/").content.decode()


def test_a_stranger_finds_nothing(office):
    key = create_api_key(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="ci",
        permissions=[Permission.CERTIFICATES_READ],
    ).row
    stranger = browser_of(cast.stranger().user)
    assert key.prefix not in stranger.get(KEYS).content.decode()
    for path in ("", "rotate/", "revoke/"):
        assert stranger.post(f"{KEYS}{key.public_id}/{path}", {"overlap": "1"}).status_code in (404, 405), path
    assert stranger.get(f"{KEYS}{key.public_id}/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None
    assert "ACME" not in stranger.get(f"{KEYS}new/").content.decode()


@pytest.mark.row("P29")
@pytest.mark.needs("chromium")
@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without"])
def test_a_key_is_generated_in_a_browser(browser, live_server, javascript):
    cache.clear()
    office = open_office()
    watched = Watched.open(browser, live_server.url, java_script_enabled=javascript)
    page = watched.page
    sign_in(page, live_server.url, office.person.user.email)
    page.click("nav >> text=API / MCP access")
    page.click("text=Generate")
    page.fill("[name=name]", "deploy")
    page.check("[value=cas]")
    assert not page.is_visible("[name=permissions]")
    page.check(f"[name='{office.issuing.public_id}-can_read']")
    if javascript:
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            assert _axe(page) == []
    send(page)
    token = page.inner_text("#token")
    assert re.fullmatch("cm_[A-Za-z0-9]{32}", token)
    assert token in page.inner_text("#curl")
    assert Wire(token).get("/api/v2/cas").json()["data"][0]["name"] == office.issuing.name
    page.click("text=I have copied it")
    assert token not in page.content()
    assert watched.complaints == []

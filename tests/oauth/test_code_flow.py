"""From the question to the token, and what the token is good for."""

from __future__ import annotations

import pytest

from accounts.models import Membership, OAuthClient, OAuthConsent, OAuthToken
from accounts.services.oauth_clients import revoke_client
from accounts.services.organizations import change_member_role, remove_member
from accounts.services.people import disable_user
from tests import cast
from tests.happened import happenings
from tests.oauth.desk import REDIRECT, Desk, answered, browser_of

pytestmark = pytest.mark.django_db


@pytest.mark.row("C2", "C6", "C10")
def test_the_answer_carries_the_code_the_state_and_who_answers(desk: Desk, settings):
    answer = desk.allow()
    assert answer.status_code == 303
    assert answer["Location"].startswith(REDIRECT + "?")
    assert answered(answer) == {
        "code": answered(answer)["code"],
        "state": "af0ifjsldkj",
        "iss": settings.BASE_URL,
    }


@pytest.mark.row("C3", "C7", "C13", "C15", "C16")
def test_a_code_becomes_tokens(desk: Desk):
    answer = desk.exchange(desk.code())
    body = answer.json()
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "pki:read pki:issue pki:revoke",
        "refresh_token": body["refresh_token"],
    }
    assert body["access_token"].startswith("cm_oauth_")
    assert answer["Cache-Control"] == "no-store"
    assert desk.works(body["access_token"])


@pytest.mark.row("C1", "C12")
def test_a_token_reaches_the_ticked_cas_alone(desk: Desk):
    token = desk.tokens("read")["access_token"]
    listed = desk.get(token).json()["data"]
    assert [each["name"] for each in listed] == [desk.office.issuing.name]
    assert desk.get(token, f"/api/v2/cas/{desk.office.issuing.public_id}").status_code == 200
    assert desk.get(token, f"/api/v2/cas/{desk.office.root.public_id}").status_code == 404


def test_what_is_not_about_a_ca_is_closed_to_it(desk: Desk):
    token = desk.tokens("read", "issue", "revoke")["access_token"]
    assert {path: desk.get(token, path).status_code for path in ("/api/v2/members", "/api/v2/api-keys")} == {
        "/api/v2/members": 403,
        "/api/v2/api-keys": 403,
    }


@pytest.mark.parametrize(("ticked", "status"), [(("read",), 403), (("read", "issue"), 201)])
def test_issuing_needs_its_tick(desk: Desk, ticked, status):
    token = desk.tokens(*ticked)["access_token"]
    order = {"template_code": desk.office.template.code, "common_name": "www.acme.test"}
    answer = desk.machine.post(
        "/api/v2/certificates", order, content_type="application/json", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == status, answer.content


def test_a_right_that_was_not_asked_for_cannot_be_ticked(desk: Desk):
    page = desk.browser.get(desk.asked(scope="pki:read")).content.decode()
    assert "can_read-" in page
    assert "can_issue-" not in page
    desk.tokens("read", "issue", scope="pki:read")
    [row] = OAuthConsent.objects.get().cas.all()
    assert (row.can_read, row.can_issue, row.can_revoke) == (True, False, False)


def test_reading_is_ticked_until_something_is_chosen(desk: Desk):
    page = desk.browser.get(desk.asked()).content.decode()
    ca = desk.office.issuing
    assert f'name="can_read-{ca.pk}" aria-label="Read: {ca.name}" checked' in page
    assert f'name="can_issue-{ca.pk}" aria-label="Issue: {ca.name}">' in page


def test_the_whole_organization_is_given_by_a_tick_of_its_own(desk: Desk):
    everything = desk.browser.post(desk.asked(scope="pki:admin"), {"decision": "allow", "everything": "on"})
    token = desk.exchange(answered(everything)["code"]).json()["access_token"]
    assert len(desk.get(token).json()["data"]) == 2
    assert desk.get(token, "/api/v2/audit").status_code == 200
    # Nor does it make what would outlive it.
    assert desk.get(token, "/api/v2/api-keys").status_code == 200
    made = desk.machine.post(
        "/api/v2/api-keys", {}, headers={"authorization": f"Bearer {token}"}, content_type="application/json"
    )
    assert made.status_code == 403


def test_nothing_ticked_is_nothing_given(desk: Desk):
    answer = desk.browser.post(desk.asked(), {"decision": "allow"})
    assert answer.status_code == 422
    assert "Choose at least one CA" in answer.content.decode()
    assert not OAuthConsent.objects.exists()


def test_saying_no_is_told_to_the_application(desk: Desk):
    answer = desk.browser.post(desk.asked(), {"decision": "deny"})
    assert answer.status_code == 303
    assert answered(answer)["error"] == "access_denied"
    assert answered(answer)["state"] == "af0ifjsldkj"
    assert not OAuthConsent.objects.exists()


def test_it_is_asked_every_time(desk: Desk):
    desk.tokens()
    assert desk.browser.get(desk.asked()).status_code == 200


@pytest.mark.row("C11")
def test_the_workspace_is_chosen_among_ones_own(desk: Desk):
    other = cast.organization("Initech")
    cast.add_member(actor=cast.SUPERUSER, organization=other, user=desk.office.person.user, role="owner")
    foreign = cast.stranger().organization
    page = desk.browser.post(desk.asked(), {"organization": other.slug}).content.decode()
    assert "What it may do in Initech" in page
    assert "can_read-" not in page
    assert "Umbrella" not in page
    chosen = desk.browser.post(desk.asked(), {"organization": foreign.slug}).content.decode()
    assert "What it may do in ACME" in chosen


def _demote(desk: Desk) -> None:
    cast.member(desk.office.organization, "owner", email="second@acme.example")
    membership = Membership.objects.get(user=desk.office.person.user)
    change_member_role(actor=cast.SUPERUSER, membership=membership, role="auditor")


def _remove(desk: Desk) -> None:
    cast.member(desk.office.organization, "owner", email="second@acme.example")
    remove_member(actor=cast.SUPERUSER, membership=Membership.objects.get(user=desk.office.person.user))


def _disable(desk: Desk) -> None:
    disable_user(actor=cast.SUPERUSER, user=desk.office.person.user)


def _revoke_client(desk: Desk) -> None:
    revoke_client(actor=cast.SUPERUSER, client=OAuthClient.objects.get())


def _withdraw(desk: Desk) -> None:
    desk.browser.post("/account/applications/", {"consent": str(OAuthConsent.objects.get().public_id)})


ENDINGS = {
    "the person leaves": _remove,
    "the person is disabled": _disable,
    "the application is revoked": _revoke_client,
    "the consent is withdrawn": _withdraw,
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_tokens_stop_at_once_when(desk: Desk, end):
    tokens = desk.tokens()
    assert desk.works(tokens["access_token"])
    end(desk)
    assert desk.get(tokens["access_token"]).status_code == 401
    assert desk.refresh(tokens["refresh_token"]).status_code in (400, 401)


def test_rights_follow_the_persons(desk: Desk):
    token = desk.tokens("read", "issue")["access_token"]
    _demote(desk)
    order = {"template_code": desk.office.template.code, "common_name": "www.acme.test"}
    answer = desk.machine.post(
        "/api/v2/certificates", order, content_type="application/json", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 403
    assert desk.works(token)


@pytest.mark.row("C17", "C18", "C19")
def test_a_refresh_token_is_used_once(desk: Desk):
    first = desk.tokens()
    second = desk.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert desk.works(second["access_token"])
    lifetime = OAuthToken.objects.filter(kind="refresh").latest("id")
    assert (lifetime.expires_at - lifetime.created_at).days in (29, 30)


@pytest.mark.row("C19")
def test_a_second_use_ends_the_whole_family(desk: Desk):
    first = desk.tokens()
    second = desk.refresh(first["refresh_token"]).json()
    with happenings() as names:
        answer = desk.refresh(first["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "oauth_token.reused" in names
    assert desk.get(second["access_token"]).status_code == 401
    assert desk.refresh(second["refresh_token"]).status_code == 400


def test_a_refresh_may_ask_for_less_and_not_for_more(desk: Desk):
    first = desk.tokens("read", "issue", scope="pki:read pki:issue")
    assert desk.refresh(first["refresh_token"], scope="pki:admin").json()["error"] == "invalid_scope"
    second = desk.refresh(first["refresh_token"], scope="pki:read").json()
    assert second["scope"] == "pki:read"
    assert OAuthToken.objects.filter(kind="access").latest("id").scopes == ["pki:read"]
    assert OAuthToken.objects.filter(kind="refresh").latest("id").scopes == ["pki:read", "pki:issue"]


@pytest.mark.row("C8")
def test_what_is_given_back_ends(desk: Desk):
    tokens = desk.tokens()
    revoked = desk.post("/oauth/revoke", token=tokens["refresh_token"], client_id=desk.client_id)
    assert revoked.status_code == 200
    assert desk.get(tokens["access_token"]).status_code == 401
    again = desk.post("/oauth/revoke", token=tokens["refresh_token"], client_id=desk.client_id)
    assert again.status_code == 200
    assert desk.post("/oauth/revoke", token="nonsense", client_id=desk.client_id).status_code == 200


def test_an_access_token_is_given_back_alone(desk: Desk):
    tokens = desk.tokens()
    desk.post("/oauth/revoke", token=tokens["access_token"], client_id=desk.client_id, token_type_hint="access_token")
    assert desk.get(tokens["access_token"]).status_code == 401
    assert desk.refresh(tokens["refresh_token"]).status_code == 200


def test_nobody_gives_back_anothers(desk: Desk):
    from tests.oauth.desk import register

    other = register(desk.machine, redirect_uris=[REDIRECT]).json()["client_id"]
    tokens = desk.tokens()
    assert desk.post("/oauth/revoke", token=tokens["access_token"], client_id=other).status_code == 200
    assert desk.works(tokens["access_token"])


def test_nothing_that_opens_anything_stands_in_the_database(desk: Desk):
    code = desk.code()
    tokens = desk.exchange(code).json()
    shown = {code.encode(), tokens["access_token"].encode(), tokens["refresh_token"].encode()}
    stored = b"".join(bytes(row.digest) + repr(vars(row)).encode() for row in OAuthToken.objects.all())
    assert not [text for text in shown if text in stored or text[-32:] in stored]


def test_what_happened_is_told_in_the_organizations_log(desk: Desk):
    with happenings() as names:
        tokens = desk.tokens()
        desk.refresh(tokens["refresh_token"])
    assert names == ["oauth_consent.given", "oauth_token.issued", "oauth_token.issued"]


def test_a_token_is_found_with_few_queries(desk: Desk, django_assert_max_num_queries):
    token = desk.tokens()["access_token"]
    desk.works(token)
    key = cast.api_key(desk.office.person)[1]
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as by_key:
        desk.get(key)
    with CaptureQueriesContext(connection) as by_token:
        desk.get(token)
    assert len(by_token) <= len(by_key)


def test_an_applications_token_belongs_to_the_one_who_allowed_it(desk: Desk):
    stranger = cast.stranger()
    answer = desk.allow(browser=browser_of(stranger.user))
    assert answer.status_code == 422
    assert not OAuthConsent.objects.exists()

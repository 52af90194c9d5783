"""Signing in with a password as the command line does: tokens, their short lives, and who gets none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.utils import timezone

from accounts.guessing import TRIES
from accounts.models import Membership, SignInToken
from accounts.services import sign_in_tokens
from accounts.services.organizations import add_member
from accounts.services.people import disable_user
from audit.models import AuditEvent
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire, wire_of

pytestmark = pytest.mark.django_db

REFUSED = {"detail": "Incorrect username or password"}


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def alice() -> cast.Person:
    return cast.owner(cast.organization())


def sign_in(name: str, password: str = cast.PASSWORD, **more: str) -> Any:
    form = urlencode({"username": name, "password": password, **more}).encode()
    return Wire().send("POST", "/api/v1/auth/token", form, Content_Type="application/x-www-form-urlencoded")


def tokens_of(person: cast.Person) -> dict[str, str]:
    answer = sign_in(person.user.email)
    assert answer.status_code == 200, answer.content
    return answer.json()


def me(token: str) -> Any:
    return Wire(token).get("/api/v1/users/me")


@pytest.mark.row("F2")
def test_a_password_gives_a_bearer_token_for_all_calls(alice):
    found = tokens_of(alice)
    assert set(found) == {"access_token", "refresh_token", "token_type"}
    assert found["token_type"] == "bearer"
    assert me(found["access_token"]).json()["email"] == alice.user.email
    assert Wire(found["access_token"]).get("/api/v1/organizations/").status_code == 200
    assert Wire(found["access_token"]).get("/api/v2/whoami").status_code == 200


def test_who_is_made_a_member_elsewhere_goes_on_working_at_home(alice):
    token, stranger = tokens_of(alice)["access_token"], cast.stranger()
    add_member(actor=stranger.actor, organization=stranger.organization, user=alice.user, role="auditor")
    for each in (token, tokens_of(alice)["access_token"]):
        place = Wire(each).get("/api/v2/whoami").json()["organization"]
        assert place is not None
        assert place["name"] == alice.organization.name
        assert Wire(each).post("/api/v1/service-accounts/", {"name": f"machine-{each[-8:]}"}).status_code == 201


def test_the_form_of_oauth_may_say_more(alice):
    answer = sign_in(alice.user.username, grant_type="password", scope="", client_id="", client_secret="")
    assert answer.status_code == 200


def test_a_name_alone_is_a_fault_of_the_form(alice):
    answer = Wire().send(
        "POST", "/api/v1/auth/token", b"username=alice", Content_Type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 422
    assert [(each["type"], each["loc"]) for each in answer.json()["detail"]] == [("missing", ["body", "password"])]


def test_json_is_no_form(alice):
    assert Wire().post("/api/v1/auth/token", {"username": "a", "password": "b"}).status_code == 415


def test_a_wrong_password_is_refused_in_their_words(alice):
    answer = sign_in(alice.user.email, "wrong")
    assert (answer.status_code, answer.json()) == (401, REFUSED)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert AuditEvent.objects.filter(name="session.refused", resource_label=alice.user.email).count() == 1


def test_who_is_disabled_gets_the_same_answer(alice):
    disable_user(actor=cast.SUPERUSER, user=alice.user)
    assert sign_in(alice.user.email).json() == REFUSED


def test_who_has_a_second_factor_gets_no_token_for_a_password(alice):
    TOTP.activate(alice.user, generate_totp_secret())
    assert sign_in(alice.user.email).json() == REFUSED


def test_who_must_have_a_second_factor_gets_no_token_before_having_one(alice):
    alice.organization.second_factor = "everyone"
    alice.organization.save()
    assert sign_in(alice.user.email).json() == REFUSED


def test_who_must_change_the_password_gets_no_token_for_the_old_one(alice):
    alice.user.must_change_password = True
    alice.user.save()
    assert sign_in(alice.user.email).json() == REFUSED


def test_guesses_are_limited_together_with_those_at_the_page(alice, client):
    for _ in range(TRIES):
        client.post("/sign-in/", {"username": alice.user.email, "password": "wrong"})
    answer = sign_in(alice.user.email)
    assert answer.status_code == 429
    assert set(answer.json()) == {"error"}
    assert answer["Retry-After"] == "900"


def test_nothing_but_a_keyed_hash_is_kept(alice):
    found = tokens_of(alice)
    for row in SignInToken.objects.all():
        assert len(bytes(row.digest)) == 32
        assert not any(token.encode() in bytes(row.digest) for token in found.values())


def test_an_access_token_ends_after_a_quarter_of_an_hour(alice, monkeypatch):
    token = tokens_of(alice)["access_token"]
    later = timezone.now() + timedelta(minutes=15, seconds=1)
    SignInToken.objects.filter(kind="access").update(expires_at=timezone.now())
    assert SignInToken.objects.get(kind="refresh").expires_at > later
    answer = me(token)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Could not validate credentials"})
    assert timedelta(minutes=15) == sign_in_tokens.ACCESS_LIFETIME


def test_a_refresh_token_is_used_up(alice):
    first = tokens_of(alice)
    second = refreshed(first["refresh_token"])
    assert second.status_code == 200
    assert me(second.json()["access_token"]).status_code == 200
    assert me(first["access_token"]).status_code == 401


def test_a_second_use_of_a_refresh_token_ends_all_that_came_of_the_sign_in(alice):
    first = tokens_of(alice)
    other = tokens_of(alice)
    second = refreshed(first["refresh_token"]).json()
    assert refreshed(first["refresh_token"]).status_code == 401
    assert me(second["access_token"]).status_code == 401
    assert refreshed(second["refresh_token"]).status_code == 401
    assert me(other["access_token"]).status_code == 200
    assert AuditEvent.objects.filter(name="sign_in_token.reused").count() == 1


def test_an_access_token_refreshes_nothing(alice):
    assert refreshed(tokens_of(alice)["access_token"]).status_code == 401


def test_signing_out_ends_both_tokens(alice):
    found = tokens_of(alice)
    answer = Wire(found["access_token"]).post("/api/v1/auth/logout", {"refresh_token": found["refresh_token"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert me(found["access_token"]).status_code == 401
    assert refreshed(found["refresh_token"]).status_code == 401


def test_nobody_signs_another_one_out(alice):
    found, other = tokens_of(alice), tokens_of(cast.stranger())
    answer = Wire(other["access_token"]).post("/api/v1/auth/logout", {"refresh_token": found["refresh_token"]})
    assert answer.status_code == 403
    assert me(found["access_token"]).status_code == 200


def test_all_tokens_of_ones_own_are_ended_at_once(alice):
    one, two, other = tokens_of(alice), tokens_of(alice), tokens_of(cast.stranger())
    assert Wire(one["access_token"]).post("/api/v1/auth/invalidate").status_code == 204
    assert [me(each["access_token"]).status_code for each in (one, two, other)] == [401, 401, 200]


def test_a_program_has_no_tokens_of_a_person_to_end(alice):
    assert wire_of(alice).post("/api/v1/auth/invalidate").status_code == 403


def test_what_ends_the_sessions_of_a_person_ends_the_tokens(alice):
    token = tokens_of(alice)["access_token"]
    disable_user(actor=cast.SUPERUSER, user=alice.user)
    assert me(token).status_code == 401


def test_rights_follow_the_membership_at_once(alice):
    teammate = cast.member(alice.organization, "operator")
    token = tokens_of(teammate)["access_token"]
    assert Wire(token).get("/api/v1/organizations/").json() != []
    Membership.objects.filter(user=teammate.user).delete()
    assert Wire(token).get("/api/v1/organizations/").status_code == 403


def test_a_token_that_is_not_good_is_never_as_if_there_were_none(alice, client):
    client.force_login(alice.user)
    answer = client.get("/api/v1/users/me", HTTP_AUTHORIZATION="Bearer fpki_at_nonsense")
    assert answer.status_code == 401


def test_an_old_token_beside_the_password_hinders_nobody(alice):
    form = urlencode({"username": alice.user.email, "password": cast.PASSWORD}).encode()
    answer = Wire("fpki_at_old").send(
        "POST", "/api/v1/auth/token", form, Content_Type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200


def test_ended_tokens_are_forgotten_when_their_time_is_over(alice):
    tokens_of(alice)
    assert sign_in_tokens.forget_ended() == 0
    SignInToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sign_in_tokens.forget_ended() == 2


def refreshed(token: str) -> Any:
    return Wire().post("/api/v1/auth/refresh", {"refresh_token": token})


def test_an_api_key_has_the_rights_it_had(alice):
    assert wire_of(alice, Permission.ORGANIZATIONS_READ).get("/api/v1/organizations/").status_code == 200

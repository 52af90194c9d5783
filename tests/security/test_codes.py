"""A code of an authenticator app, or a recovery code, opens one door once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests import cast
from tests.architecture.people import code_of
from tests.web.people import give_app, is_in, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return cast.superuser()


def with_code(user: User, code: str) -> bool:
    """Whether a browser comes in by the password and this code."""
    client = Client()
    sign_in(client, user.email)
    client.post("/sign-in/code/", {"code": code})
    return is_in(client)


@pytest.mark.parametrize("later", [1, 31, 59])
def test_a_code_is_good_once_as_long_as_the_clock_takes_it(user: User, later: int, monkeypatch: pytest.MonkeyPatch):
    secret = give_app(user)
    start = int(time.time()) // 30 * 30
    monkeypatch.setattr("time.time", lambda: start)
    code = code_of(secret)
    assert with_code(user, code)
    monkeypatch.setattr("time.time", lambda: start + later)
    assert not with_code(user, code)
    assert with_code(user, code_of(secret)) or later < 30


def test_of_two_who_send_a_recovery_code_at_once_one_is_let_in(user: User, monkeypatch: pytest.MonkeyPatch):
    """Each looks while the other has not written yet."""
    give_app(user)
    code = RecoveryCodes.activate(user).generate_codes()[0]
    monkeypatch.setattr(RecoveryCodes, "_mark_code_used", lambda *_: None)
    assert [with_code(user, code) for _ in range(2)] == [True, False]


def test_what_was_used_is_not_read_out_of_the_cache(user: User):
    secret = give_app(user)
    code = code_of(secret)
    assert with_code(user, code)
    kept: Any = getattr(cache, "_cache", {})
    # Redis is asked for its keys by nobody here.
    keys = [key for key in kept if "code-used" in key] if isinstance(kept, dict) else []
    assert [key for key in keys if code in key] == []
    assert keys or not isinstance(kept, dict)

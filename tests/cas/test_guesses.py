"""Guesses are limited also where many are made at once, and where nobody can count there are none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.core.cache import cache, caches

from cas import guesses
from cas.guesses import WrongPassphrase, counted
from kernel.errors import TooMany, Unavailable
from tests.refusals import refused

WORDS = "the CA"


def use_caches(settings: Any, backend: str, location: str) -> None:
    settings.CACHES = {name: {"BACKEND": backend, "LOCATION": location} for name in settings.CACHES}


@pytest.fixture(params=["memory", "redis"])
def places(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty caches of both kinds."""
    # Not the test of a server that hangs.
    monkeypatch.setattr("pkiproject.caches._PATIENCE_SECONDS", 60.0)
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        use_caches(settings, "pkiproject.caches.KeptRedisCache", f"{url.partition('?')[0]}")
    for each in caches.all():
        each.clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "_PATIENCE_SECONDS", 0.2)


def guess(name: str = "1", *, is_right: bool = False) -> None:
    with counted(name, what=WORDS):
        if not is_right:
            raise WrongPassphrase("no")


def guess_wrong(times: int, name: str = "1") -> None:
    for _ in range(times):
        with pytest.raises(WrongPassphrase):
            guess(name)


def at_once(count: int, call: Callable[[], None]) -> list[str]:
    """What came of so many calls that begin together."""
    start = threading.Barrier(count)

    def run(_number: int) -> str:
        start.wait()
        try:
            call()
        except Exception as error:
            return type(error).__name__
        return "let in"

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(run, range(count)))


def test_five_wrong_ones_and_no_more_are_tried(places):
    guess_wrong(5)
    with refused(TooMany, "passphrase-locked"):
        guess(is_right=True)


def test_as_many_are_tried_at_once_as_one_after_the_other(places, impatient):
    tried = []

    def slow_guess() -> None:
        with counted("1", what=WORDS):
            tried.append(1)
            time.sleep(0.05)
            raise WrongPassphrase("no")

    outcomes = at_once(20, slow_guess)
    assert len(tried) == outcomes.count("WrongPassphrase") == 5
    assert outcomes.count("TooMany") == 15


def test_many_who_know_it_wait_for_each_other(places):
    assert at_once(16, lambda: guess(is_right=True)) == ["let in"] * 16


def test_a_right_one_gives_no_wrong_one_back(places):
    """Else somebody who guesses would only wait for those who know."""
    guess_wrong(4)
    for _ in range(3):
        guess(is_right=True)
    guess_wrong(1)
    with refused(TooMany, "passphrase-locked"):
        guess(is_right=True)


def test_another_error_is_no_guess(places):
    for _ in range(7):
        with suppress(ZeroDivisionError), counted("1", what=WORDS):
            raise ZeroDivisionError
    guess(is_right=True)


def test_each_name_has_its_own(places):
    guess_wrong(5)
    guess("2", is_right=True)


def test_after_the_window_there_are_guesses_again(places, monkeypatch):
    monkeypatch.setattr(guesses, "_WINDOW", 1)
    guess_wrong(5)
    time.sleep(1.1)
    guess_wrong(5)


def test_who_finds_every_place_taken_is_told_to_come_again_soon(places, impatient):
    for number in range(5):
        assert cache.add(f"passphrase-guesses:1:{number}", "trying", 60)
    with pytest.raises(TooMany) as busy:
        guess(is_right=True)
    assert (busy.value.error_code, busy.value.retry_after) == ("passphrase-busy", 1)


def test_who_died_while_trying_keeps_no_place(places, monkeypatch):
    monkeypatch.setattr(guesses, "_TRYING_SECONDS", 1)
    monkeypatch.setattr(guesses, "_leave", lambda place, *, is_wrong: None)
    for _ in range(5):
        guess(is_right=True)
    monkeypatch.undo()
    guess(is_right=True)


def test_without_a_cache_nothing_is_tried(settings):
    use_caches(settings, "django.core.cache.backends.redis.RedisCache", "redis://127.0.0.1:1")
    tried = []
    with refused(Unavailable, "guesses-not-counted"), counted("1", what=WORDS):
        tried.append(1)
    assert tried == []

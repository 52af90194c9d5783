"""A cache that hangs or is gone costs the requests of a process nothing but one of them a moment, now and then."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis.exceptions import RedisError

from pkiproject import caches
from pkiproject.caches import PAUSE_SECONDS, KeptRedisCache


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "_PATIENCE_SECONDS", 0.2)
    caches._breakers.clear()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes every call, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


def asked(cache: KeptRedisCache) -> float:
    """How long it took to be told that there is no answer."""
    start = time.monotonic()
    with pytest.raises(RedisError):
        cache.get("x")
    return time.monotonic() - start


def test_a_server_that_hangs_is_waited_for_once(silent: str):
    cache = KeptRedisCache(silent, {})
    assert 0.15 < asked(cache) < 1
    assert max(asked(cache) for _ in range(20)) < 0.05


def test_what_one_thread_has_found_out_holds_for_all(silent: str):
    asked(KeptRedisCache(silent, {}))
    took: list[float] = []
    threads = [threading.Thread(target=lambda: took.append(asked(KeptRedisCache(silent, {})))) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(took) == 5
    assert max(took) < 0.1


def test_after_a_pause_one_asks_again_and_the_others_go_on(silent: str, monkeypatch: pytest.MonkeyPatch):
    cache = KeptRedisCache(silent, {})
    asked(cache)
    now = time.monotonic()
    monkeypatch.setattr(caches.time, "monotonic", lambda: now + PAUSE_SECONDS + 1)
    breaker = caches._breakers[str([silent])]
    breaker.require_answering()
    with pytest.raises(RedisError, match="a moment ago"):
        breaker.require_answering()


def test_one_that_has_come_back_is_asked_as_before(redis_url: str, silent: str):
    cache = KeptRedisCache(redis_url, {"KEY_PREFIX": "test-caches"})
    breaker = caches._breakers[str([redis_url])]
    breaker.note(answered=False)
    with pytest.raises(RedisError):
        cache.set("x", 1)
    breaker._silent_until = time.monotonic() - 1
    cache.set("x", 1, 5)
    assert [cache.get("x"), cache.incr("x"), cache.get("x")] == [1, 2, 2]


def test_another_server_is_not_blamed(redis_url: str, silent: str):
    asked(KeptRedisCache(silent, {}))
    cache = KeptRedisCache(redis_url, {"KEY_PREFIX": "test-caches"})
    with suppress(ValueError):
        cache.incr("nothing")
    cache.set("y", 2, 5)
    assert cache.get("y") == 2


def test_a_wrong_command_is_no_silence(redis_url: str):
    """A key of another type is the caller's mistake: the server has answered."""
    cache = KeptRedisCache(redis_url, {"KEY_PREFIX": "test-caches"})
    client = cache._cache.get_client()
    client.rpush("test-caches-list", "x")
    with pytest.raises(RedisError):
        client.incr("test-caches-list")
    client.delete("test-caches-list")
    cache.set("z", 3, 5)
    assert cache.get("z") == 3

"""A cache that hangs or is gone costs a process nothing but a moment, now and then; and nothing in one is ever run."""

from __future__ import annotations

import pickle
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as Silent

from pkiproject import caches
from pkiproject.caches import PAUSE_SECONDS, KeptRedisCache, MemoryCache

# Longer than a test takes.
KEPT_SECONDS = 600


class Clock:
    """What the breakers go by: no pause is over because the machine was slow."""

    now = 1_000.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    caches._breakers.clear()
    clock = Clock()
    monkeypatch.setattr(caches, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes every call, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


def cache_at(server: str, patience: float = 60.0, prefix: str = "test-caches") -> KeptRedisCache:
    options = {"socket_connect_timeout": patience, "socket_timeout": patience}
    return KeptRedisCache(server, {"KEY_PREFIX": prefix, "OPTIONS": options})


def asked(cache: KeptRedisCache) -> str:
    """Why there was no answer."""
    with pytest.raises(RedisError) as refusal:
        cache.get("x")
    return "waited" if isinstance(refusal.value, Silent) else str(refusal.value)


def test_a_server_that_hangs_is_waited_for_once(silent: str):
    cache = cache_at(silent, 0.2)
    assert asked(cache) == "waited"
    assert {asked(cache) for _ in range(20)} == {"the cache did not answer a moment ago"}


def test_it_is_waited_for_no_longer_than_a_request_can_wait(silent: str):
    pool = KeptRedisCache(silent, {})._cache.get_client().connection_pool
    waits = [pool.connection_kwargs[name] for name in ("socket_connect_timeout", "socket_timeout")]
    assert waits == [caches._PATIENCE_SECONDS] * 2
    assert caches._PATIENCE_SECONDS <= 1


def test_what_one_thread_has_found_out_holds_for_all(silent: str):
    asked(cache_at(silent, 0.2))
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(asked(cache_at(silent, 0.2)))) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert Counter(found) == {"the cache did not answer a moment ago": 5}


def test_after_a_pause_one_asks_again_and_the_others_go_on(silent: str, clock: Clock):
    asked(cache_at(silent, 0.2))
    clock.now += PAUSE_SECONDS + 1
    breaker = caches._breakers[str([silent])]
    breaker.require_answering()
    with pytest.raises(RedisError, match="a moment ago"):
        breaker.require_answering()


def test_one_that_has_come_back_is_asked_as_before(redis_url: str, clock: Clock):
    cache = cache_at(redis_url)
    caches._breakers[str([redis_url])].note(answered=False)
    with pytest.raises(RedisError):
        cache.set("x", 1)
    clock.now += PAUSE_SECONDS + 1
    cache.set("x", 1, KEPT_SECONDS)
    assert [cache.get("x"), cache.incr("x"), cache.get("x")] == [1, 2, 2]


def test_another_server_is_not_blamed(redis_url: str, silent: str):
    asked(cache_at(silent, 0.2))
    cache = cache_at(redis_url)
    with suppress(ValueError):
        cache.incr("nothing")
    cache.set("y", 2, KEPT_SECONDS)
    assert cache.get("y") == 2


def test_a_wrong_command_is_no_silence(redis_url: str):
    """A key of another type is the caller's mistake: the server has answered."""
    cache = cache_at(redis_url)
    client = cache._cache.get_client()
    client.rpush("test-caches-list", "x")
    with pytest.raises(RedisError):
        client.incr("test-caches-list")
    client.delete("test-caches-list")
    cache.set("z", 3, KEPT_SECONDS)
    assert cache.get("z") == 3


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "redis"])
def either(request: pytest.FixtureRequest) -> KeptRedisCache | MemoryCache:
    """A cache of each kind, with nothing in it that is asked for here."""
    if request.param == "redis":
        cache = cache_at(request.getfixturevalue("redis_url"), prefix="test-kept")
    else:
        cache = MemoryCache("test-caches", {"KEY_PREFIX": "test-kept"})
    cache.delete_many(["set", "added", "x", "tries", "nothing"])
    return cache


KEPT: dict[str, Any] = {
    "a number": 7,
    "one below nothing": -7,
    "a fraction": 1795382400.25,
    "a flag": True,
    "a text": 'Zertifikat "Ü"',
    "a text of digits": "12",
    "no text": "",
    "bytes": b"\x30\x03\x02\x01\x05",
    "bytes of digits": b"12",
    "no bytes": b"",
    "bytes that begin as ours do": b"\0\0",
    "a list": [1, 2.5, None, "x", [False]],
    "a document": {"at": "2026-11-22T21:00:00+00:00", "counts": [[None, 3]]},
}


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT)
def test_it_comes_back_as_it_was(either: KeptRedisCache | MemoryCache, value: Any):
    either.set("set", value, KEPT_SECONDS)
    assert either.add("added", value, KEPT_SECONDS)
    assert not either.add("added", "another", KEPT_SECONDS)
    for found in (either.get("set"), either.get("added"), either.get_many(["set", "absent"])["set"]):
        assert (found, type(found)) == (value, type(value))


REFUSED: dict[str, Any] = {
    "a tuple": (1, 2),
    "a tuple within": [[(1, 2)]],
    "a number for a name": {1: "x"},
    "a set": {1},
    "a time": datetime(2026, 11, 22, tzinfo=UTC),
    "an object": Path("x"),
    "bytes within": [b"x"],
    "no number": float("nan"),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_would_come_back_as_something_else_is_refused(either: KeptRedisCache | MemoryCache, value: Any):
    for put in (either.set, either.add):
        with pytest.raises((TypeError, ValueError)):
            put("x", value, KEPT_SECONDS)
    assert either.get("x") is None


def test_what_is_counted_is_a_number_to_both(either: KeptRedisCache | MemoryCache):
    assert either.add("tries", 0, KEPT_SECONDS)
    assert [either.incr("tries"), either.incr("tries", 3), either.decr("tries"), either.get("tries")] == [1, 4, 3, 3]
    with pytest.raises(ValueError, match="not found"):
        either.incr("absent")


def test_nothing_kept_is_told_from_nothing_there(either: KeptRedisCache | MemoryCache):
    either.set("nothing", None, KEPT_SECONDS)
    assert either.get("nothing", "absent") is None
    assert either.get("absent", "absent") == "absent"
    assert either.get_many(["nothing", "absent"]) == {"nothing": None}


class _Command:
    """What runs where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


UNREADABLE = {
    "no JSON": b"{",
    "nothing": b"",
    "no text": b"\xff\xfe",
    "what is too deep": b"[" * 100_000,
    "a number that is too long": b"9" * 10_000,
}


@pytest.mark.parametrize("written", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_not_there(redis_url: str, written: bytes):
    cache = cache_at(redis_url, prefix="test-kept")
    cache.set("good", 1, KEPT_SECONDS)
    cache._cache.get_client().set(cache.make_key("bad"), written, ex=KEPT_SECONDS)
    assert cache.get("bad", "absent") == "absent"
    assert cache.get_many(["bad", "good"]) == {"good": 1}


def test_nothing_that_somebody_writes_to_redis_is_run(redis_url: str, tmp_path: Path):
    cache, mark = cache_at(redis_url, prefix="test-kept"), tmp_path / "run"
    command = pickle.dumps(_Command(mark))
    cache._cache.get_client().set(cache.make_key("bad"), command, ex=KEPT_SECONDS)
    assert (cache.get("bad"), cache.get_many(["bad"])) == (None, {})
    assert not mark.exists()
    pickle.loads(command)  # noqa: S301
    assert mark.exists()


def test_every_cache_that_others_may_reach_is_one_of_ours():
    """A file cache is in the directory of the master key: who writes there needs no pickle."""
    from pkiproject.settings import CACHES

    backends = {each["BACKEND"].rpartition(".")[2] for each in CACHES.values()}
    assert backends <= {"KeptRedisCache", "MemoryCache", "FileBasedCache"}


def test_workers_take_json_and_nothing_else():
    from kombu.exceptions import ContentDisallowed
    from kombu.serialization import dumps, loads

    from pkiproject.celery import app

    assert app.conf.task_serializer == "json"
    content_type, encoding, body = dumps({"x": 1}, serializer="pickle")
    with pytest.raises(ContentDisallowed):
        loads(body, content_type, encoding, accept=app.conf.accept_content)

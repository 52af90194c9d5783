"""What holds for every test: which of them can run here, and the servers they may ask for."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, settings

from pkiproject import settings_test
from tests import servers

pytest_plugins = ["tests.append_only", "tests.hsm", "tests.migrated"]
# The same examples in every run, and none that fails because the machine was slow.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
_SECONDS_OF_A_DAY, _LONG_TEST_SECONDS = 86_400, 30
_DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server", "admin_client"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only tests that use a database: for a second one")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        kept = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    for item in items:
        if item.get_closest_marker("postgres") and connection.vendor != "postgresql":
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: the second half of `make test`"))


def _uses_database(item: pytest.Item) -> bool:
    """Whether a second database could show anything new."""
    if item.get_closest_marker("any_database"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(
        item.get_closest_marker("django_db") or item.get_closest_marker("postgres") or fixtures & _DATABASE_FIXTURES
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _let_the_day_end()
    missing = [
        program for mark in item.iter_markers("needs") for program in mark.args if shutil.which(str(program)) is None
    ]
    if not missing:
        return
    sentence = f"needs {', '.join(missing)}, which this machine does not have"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def _let_the_day_end() -> None:
    """Tests look for what they have done under the date of today: none begins just before midnight."""
    left = _SECONDS_OF_A_DAY - time.time() % _SECONDS_OF_A_DAY
    if left < _LONG_TEST_SECONDS:
        time.sleep(left)


@pytest.fixture(autouse=True)
def _the_next_test_speaks_english() -> Iterator[None]:
    """A request leaves its language behind in its thread, where the next one chooses its own, but no test does."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _no_minute_ends_within_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits count by the minute: a test that takes its time would see the next one begin."""
    now = time.time()
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: now))
    monkeypatch.setattr("django_ratelimit.core.EXPIRATION_FUDGE", 600)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server: the one that the environment names, or one of our own.

    In it each process of the suite has a database: the others clear theirs when they like.
    """
    if os.environ.get("REDIS_URL"):
        yield str(settings_test.CACHES["default"]["LOCATION"])
        return
    with servers.redis() as server:
        yield server.url

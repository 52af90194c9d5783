"""Each test that asks for a `caller` runs twice: with the client that waits, and with the one that is awaited."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Wherever pytest was started, and however it imports tests.
sys.path.insert(0, str(Path(__file__).parent))

from fakes import Caller


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    made = Caller(is_async=request.param == "async")
    yield made
    made.close()


@pytest.fixture
def tasks() -> Iterator[Caller]:
    """For what only clients that are awaited can do."""
    made = Caller(is_async=True)
    yield made
    made.close()

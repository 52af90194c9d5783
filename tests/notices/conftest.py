from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notices.making import Clock
from tests.notices.receiver import Receiver, receiver
from tests.office import Office, open_office


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as told:
        yield told

from __future__ import annotations

import pytest

from audit import records
from audit.models import AuditEvent
from tests.audit.happenings import LOG, happen


@pytest.fixture
def three_events(db: None) -> list[AuditEvent]:
    return [happen(label=label) for label in ("first", "second", "third")]


@pytest.fixture(autouse=True)
def _nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The events of these tests make no rows; `test_correspondence` registers what it needs."""
    monkeypatch.setattr(records, "_registered", {})


@pytest.fixture
def log() -> int:
    return LOG

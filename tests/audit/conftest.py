from __future__ import annotations

import pytest

from audit.models import AuditEvent
from tests.audit.happenings import LOG, happen


@pytest.fixture
def three_events(db: None) -> list[AuditEvent]:
    return [happen(label=label) for label in ("first", "second", "third")]


@pytest.fixture
def log() -> int:
    return LOG

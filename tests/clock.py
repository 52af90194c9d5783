"""A clock that stands still until a test moves it, and then moves for the whole program."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone


class Clock:
    """The time, as everything that asks Django for it sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = timezone.now()
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)

    def advance(self, by: timedelta) -> None:
        self.now += by

    def move_to(self, moment: datetime) -> None:
        """Never back: what has happened stays in the past."""
        self.now = max(self.now, moment)

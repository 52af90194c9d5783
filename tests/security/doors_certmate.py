"""The addresses of the CertMate dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

API: Final[Mapping[str, str]] = {}

DOCUMENTS: Final[Mapping[str, str]] = {}

"""The addresses of the Certman dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.security.whom import OWN

API: Final[Mapping[str, str]] = {
    "GET /v1/whoami": OWN,
}

DOCUMENTS: Final[Mapping[str, str]] = {}

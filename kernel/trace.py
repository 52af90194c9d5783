"""The number under which everything is known that is done for one request, one task, one sweep."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

# A ULID; empty where nothing has begun.
current_trace_id: Final[ContextVar[str]] = ContextVar("trace_id", default="")

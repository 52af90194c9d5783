"""One line for each thing that happened, with the trace id of the request it happened in."""

from __future__ import annotations

import logging
import time

NO_TRACE = "-"


class TraceFilter(logging.Filter):
    """Puts `trace_id` on every record: its own, or the one of the request that Django attached to it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "trace_id"):
            record.trace_id = getattr(getattr(record, "request", None), "trace_id", NO_TRACE)
        return True


class LineFormatter(logging.Formatter):
    """`2026-11-22T10:00:00.123Z WARNING django.request 01J… message`; times are UTC."""

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {trace_id} {message}", style="{")

"""One line for each thing that happened, with the trace id of the request it happened in."""

from __future__ import annotations

import logging
import re
import time

from api.common.trace import current_trace_id

NO_TRACE = "-"
# A line is one line, whatever was asked for: nobody writes a second one into it, or moves the reader's cursor.
_CONTROLS = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if code != ord("\t")}

# Whoever has the address has what it opens: a new password, a membership.
_SECRET_ADDRESS = re.compile(r"(/password/new/[^/\s]*/|/invitations/)[^/\s]+")


class TraceFilter(logging.Filter):
    """Puts a `trace_id` on every record: of the request that is being answered, or that the record is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        about = getattr(record, "request", None)
        record.trace_id = current_trace_id.get() or getattr(about, "trace_id", NO_TRACE)
        return True


class LineFormatter(logging.Formatter):
    """`2026-11-22T10:00:00.123Z WARNING django.request 01J… message`; times are UTC."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {trace_id} {message}", style="{")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        record.message = _SECRET_ADDRESS.sub(r"\1…", record.message.translate(_CONTROLS))
        return super().formatMessage(record)

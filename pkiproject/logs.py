"""One line for each thing that happened, with the trace id of what it happened in: for people, or as JSON."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Final

from kernel.trace import current_trace_id

NO_TRACE = "-"
# A line is one line, whatever was asked for: nobody writes a second one into it, or moves the reader's cursor.
_CONTROLS = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if code != ord("\t")}

# Whoever has the address has what it opens: a new password, a membership.
_SECRET_ADDRESS = re.compile(r"(/password/new/[^/\s]*/|/invitations/)[^/\s]+")
_SECONDS: Final = "%Y-%m-%dT%H:%M:%S"


class TraceFilter(logging.Filter):
    """Puts a `trace_id` on every record: of the request that is being answered, of the task that is done, or of the
    request that the record is about.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        about = getattr(record, "request", None)
        record.trace_id = current_trace_id.get() or getattr(about, "trace_id", NO_TRACE)
        return True


class LineFormatter(logging.Formatter):
    """`2026-11-22T10:00:00.123Z WARNING django.request 01J… message`; times are UTC."""

    default_time_format = _SECONDS
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {trace_id} {message}", style="{")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        record.message = _without_secrets(record.message.translate(_CONTROLS))
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """An object a line, in ASCII: `time` (UTC), `level`, `logger`, `trace_id`, `message`, and `exception`, the whole
    traceback, where there is one.
    """

    default_time_format = _SECONDS
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__()
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "trace_id": getattr(record, "trace_id", NO_TRACE),
            "message": _without_secrets(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = _without_secrets(self.formatException(record.exc_info))
        return json.dumps(entry)


def _without_secrets(text: str) -> str:
    return _SECRET_ADDRESS.sub(r"\1…", text)

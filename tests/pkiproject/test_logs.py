"""The log: lines for people or for programs, and one number through web and workers."""

from __future__ import annotations

import json
import logging
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.contrib.testing.worker import start_worker

from audit.events import EventName
from audit.models import AuditEvent
from certificates.models import CrlScope
from certificates.services.crl import publish_crl
from kernel.actor import SYSTEM
from kernel.trace import current_trace_id
from pkiproject import tracing
from pkiproject.celery import app
from pkiproject.logs import JsonFormatter, TraceFilter
from tests.office import open_office
from tests.processes import manage

ULID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")


def record_of(message: str, *args: object, exc_info: object = None) -> logging.LogRecord:
    record = logging.LogRecord("room.file", logging.WARNING, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]
    TraceFilter().filter(record)
    return record


def test_a_line_of_json_says_everything() -> None:
    current_trace_id.set("01J0000000000000000000000A")
    try:
        line = JsonFormatter().format(record_of("%s\nwas asked for: \x1b[2J“x”", "/password/new/7/secret-token/"))
    finally:
        current_trace_id.set("")
    assert "\n" not in line
    assert line.isascii()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert entry == {
        "level": "WARNING",
        "logger": "room.file",
        "trace_id": "01J0000000000000000000000A",
        "message": "/password/new/7/…/\nwas asked for: \x1b[2J“x”",
    }


def test_a_traceback_stands_in_its_own_line() -> None:
    try:
        raise ValueError("at /invitations/secret-token/")
    except ValueError as error:
        told = JsonFormatter().format(record_of("it failed", exc_info=(type(error), error, error.__traceback__)))
    entry = json.loads(told)
    assert entry["exception"].startswith("Traceback")
    assert "ValueError: at /invitations/…" in entry["exception"]
    assert "secret-token" not in told


def test_the_setting_chooses(tmp_path: Path) -> None:
    script = "import logging; logging.getLogger('chancery').warning('hello')"
    told = manage("shell", "-v0", "-c", script, CHANCERY_STATE_DIR=str(tmp_path), CHANCERY_LOG_FORMAT="json")
    assert json.loads(told.stderr.splitlines()[-1])["message"] == "hello"
    refused = manage("check", CHANCERY_STATE_DIR=str(tmp_path), CHANCERY_LOG_FORMAT="xml")
    assert "CHANCERY_LOG_FORMAT must be one of line, json." in refused.stderr


# --- through web and workers ------------------------------------------------------------------------------------------


def begun(headers: dict[str, str]) -> str:
    """The trace id under which a task does its work."""
    tracing.begin(task=SimpleNamespace(request=headers))
    trace_id = current_trace_id.get()
    tracing.end()
    assert current_trace_id.get() == ""
    return trace_id


def test_a_task_goes_on_under_the_number_of_who_asked() -> None:
    current_trace_id.set("01J0000000000000000000000B")
    headers: dict[str, str] = {"id": "7"}
    tracing.hand_on(headers=headers)
    current_trace_id.set("")
    assert begun(headers) == "01J0000000000000000000000B"


def test_what_the_clock_asks_for_has_a_number_of_its_own() -> None:
    headers: dict[str, str] = {}
    tracing.hand_on(headers=headers)
    first, second = begun(headers), begun(headers)
    assert ULID.fullmatch(first)
    assert first != second


def test_a_worker_knows_by_the_message_who_asked() -> None:
    """And hands it on to what its tasks ask for in their turn."""
    seen: list[tuple[str, str]] = []
    done = threading.Event()

    def inner() -> None:
        seen.append(("inner", current_trace_id.get()))
        done.set()

    def outer() -> None:
        seen.append(("outer", current_trace_id.get()))
        app.tasks["tests.inner"].delay()

    for task in (inner, outer):
        app.task(name=f"tests.{task.__name__}")(task)
    try:
        with start_worker(app, pool="threads", perform_ping_check=False):
            current_trace_id.set("01J0000000000000000000000D")
            app.tasks["tests.outer"].delay()
            current_trace_id.set("")
            assert done.wait(60)
    finally:
        for name in ("tests.inner", "tests.outer"):
            app.tasks.pop(name)
    assert seen == [("outer", "01J0000000000000000000000D"), ("inner", "01J0000000000000000000000D")]


@pytest.mark.django_db
def test_the_audit_log_knows_the_number_of_a_sweep() -> None:
    office = open_office()
    scope = CrlScope.objects.get(ca=office.issuing, scope=0)
    current_trace_id.set("01J0000000000000000000000C")
    try:
        publish_crl(actor=SYSTEM, scope=scope)
    finally:
        current_trace_id.set("")
    event = AuditEvent.objects.filter(name=EventName.CRL_PUBLISHED).latest("pk")
    assert event.trace_id == event.document["trace_id"] == "01J0000000000000000000000C"

"""Trace ids of what workers do: a task goes on under that of whoever asked for it, and a sweep has one of its own."""

from __future__ import annotations

from typing import Any, Final

from celery.signals import before_task_publish, task_postrun, task_prerun
from ulid import ULID

from kernel.trace import current_trace_id

HEADER: Final = "chancery_trace_id"


@before_task_publish.connect
def hand_on(headers: dict[str, Any], **_: Any) -> None:
    """Into the message: the trace id of the request, or of the task, that asks. The clock has none."""
    if trace_id := current_trace_id.get():
        headers[HEADER] = trace_id


@task_prerun.connect
def begin(task: Any, **_: Any) -> None:
    current_trace_id.set(task.request.get(HEADER) or str(ULID()))


@task_postrun.connect
def end(**_: Any) -> None:
    # The thread takes up other tasks.
    current_trace_id.set("")

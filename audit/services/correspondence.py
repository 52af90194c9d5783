"""Events and rows of record against each other: neither may be there without the other."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.models import Exists, F, OuterRef, Value
from django.db.models.functions import Coalesce

from audit.document import SYSTEM_LOG
from audit.models import AuditEvent
from audit.records import RowsOfRecord, registered
from audit.verifier import MAX_FINDINGS, Fault, Finding


def find_mismatches(log: int | None) -> Iterator[Finding]:
    """What one log (None: any) and the registered rows do not both know, up to 100 for each kind of row and way.

    Row and event are written in one transaction and each way is one statement, so what happens meanwhile is in both.
    """
    for kind in registered():
        yield from _untold_rows(kind, log)
        if kind.made_by:
            yield from _events_without_row(kind, log)


def _untold_rows(kind: RowsOfRecord, log: int | None) -> Iterator[Finding]:
    rows = kind.model._default_manager.exclude(event="").annotate(
        its_log=F(kind.log) if kind.log else Value(SYSTEM_LOG)
    )
    if log is not None:
        rows = rows.filter(its_log=log)
    # A row that belongs to no organization alone may be told of in any log.
    its_log = Coalesce(OuterRef("its_log"), F("log"))
    telling = AuditEvent.objects.filter(event_id=OuterRef("event"), log=its_log, name__in=kind.told_by)
    if kind.are_subjects:
        telling = telling.filter(resource_id=OuterRef("pk"))
    untold = rows.filter(~Exists(telling)).order_by("pk").values_list("pk", "its_log")
    for pk, number in untold[:MAX_FINDINGS]:
        yield Finding(Fault.ROW_WITHOUT_EVENT, number, None, f"{kind.model._meta.db_table} {pk}")


def _events_without_row(kind: RowsOfRecord, log: int | None) -> Iterator[Finding]:
    # An outer join, which both databases do by one pass over either table. `event` has no index, and what the ORM
    # writes (NOT EXISTS, or NOT IN) reads the whole table for each event, on one of the two.
    event, row = AuditEvent._meta.db_table, connection.ops.quote_name(kind.model._meta.db_table)
    key = connection.ops.quote_name(str(kind.model._meta.pk.column))
    where = f"event.name IN ({', '.join(['%s'] * len(kind.made_by))}) AND made.{key} IS NULL"
    values: list[str | int] = [*sorted(kind.made_by)]
    if log is not None:
        where += " AND event.log = %s"
        values.append(log)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT event.log, event.position, event.event_id FROM {event} event"  # noqa: S608  names of ours
            f" LEFT JOIN {row} made ON made.event = event.event_id"
            f" WHERE {where} ORDER BY event.id LIMIT {MAX_FINDINGS}",
            values,
        )
        for number, position, event_id in cursor.fetchall():
            yield Finding(Fault.EVENT_WITHOUT_ROW, number, position, event_id)

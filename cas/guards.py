"""What must hold before any CA key signs: the database's own referees are there, and the log is being sealed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from audit.selectors import oldest_unsealed
from kernel.errors import Unavailable
from kernel.text import _

UNSEALED_TOO_LONG: Final = timedelta(seconds=60)

_needed: Final[dict[str, set[frozenset[str]]]] = {}
_confirmed: Final[set[str]] = set()


def need_unique(table: str, *columns: str) -> None:
    """Declare that signing relies on this unique constraint; each room declares its own when it starts."""
    _needed.setdefault(table, set()).add(frozenset(columns))


def require_constraints() -> None:
    """Look into the database, once per process, whether every needed constraint stands there.

    Code that reserves a serial is only as good as the constraint behind it, and a restore or a hand at the
    database may have lost one. Raises Unavailable.
    """
    for table, needed in _needed.items():
        if table in _confirmed:
            continue
        missing = needed - _unique_columns(table)
        if missing:
            text = _("Nothing is signed: the database lacks a unique constraint on %(table)s (%(columns)s).")
            columns = ", ".join(sorted(next(iter(missing))))
            raise Unavailable(text, code="constraint-missing", table=table, columns=columns)
        _confirmed.add(table)


def require_sealed_log(now: datetime) -> None:
    """Where the settings ask for it, nothing is issued while the audit log is not being sealed. Raises Unavailable."""
    if not settings.REQUIRE_SEALED_LOG:
        return
    oldest = oldest_unsealed()
    if oldest is not None and now - oldest.at > UNSEALED_TOO_LONG:
        raise Unavailable(_("Nothing is issued: the audit log is not being sealed."), code="log-not-sealed")


def _unique_columns(table: str) -> set[frozenset[str]]:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    return {frozenset(each["columns"]) for each in constraints.values() if each["unique"]}

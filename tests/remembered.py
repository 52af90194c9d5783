"""What many tests begin with: made by the services where it is asked for first, and put back as rows afterwards.

A test sees no difference, but for the time: an office is made with some twenty signatures and linted certificates.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, ParamSpec, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import AutoField, Model
from django.utils import timezone

from accounts.models import Organization, User
from kernel.secret import Secret

P = ParamSpec("P")
T = TypeVar("T")

# Nothing that is made here may look old to a test.
_FRESH_SECONDS = 30.0
_SECONDS_OF_A_DAY = 86_400
_ROOMS = frozenset({"accounts", "audit", "cas", "certificates", "acme_client", "notices"})


Rows = dict[type[Model], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class _Memory:
    made_at: float
    result: Any
    rows: Rows


def remembered(make: Callable[P, T]) -> Callable[P, T]:
    """What `make` returns, and the rows that it writes into a database without tenants, for the same arguments."""
    memories: dict[Hashable, _Memory] = {}
    asked: set[Hashable] = set()

    @functools.wraps(make)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (_beginning(), *map(_told, args), *((name, _told(value)) for name, value in sorted(kwargs.items())))
        if not (_clock_is_right() and _is_hashable(key)):
            return make(*args, **kwargs)
        memory = memories.get(key)
        if memory is not None and _is_fresh(memory):
            _put_back(memory.rows)
            return copy.deepcopy(memory.result)
        # Most of what is asked for once is never asked for again.
        before = _all_rows() if key in asked else None
        made_at, result = time.time(), make(*args, **kwargs)
        if before is not None:
            memories[key] = _Memory(made_at, copy.deepcopy(result), _added(before, _all_rows()))
        asked.add(key)
        return result

    return again


def _is_fresh(memory: _Memory) -> bool:
    now = time.time()
    is_of_today = now // _SECONDS_OF_A_DAY == memory.made_at // _SECONDS_OF_A_DAY
    return is_of_today and now - memory.made_at < _FRESH_SECONDS


def _told(argument: object) -> object:
    return argument.reveal() if isinstance(argument, Secret) else argument


def _is_hashable(key: object) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _clock_is_right() -> bool:
    """Not in a test that lives at another time."""
    return abs(timezone.now().timestamp() - time.time()) < 1


@functools.cache
def _models() -> list[type[Model]]:
    """Every table of ours, those that others must refer to first."""
    ours = [model for model in apps.get_models() if model._meta.app_label in _ROOMS and model._meta.managed]
    order: TopologicalSorter[type[Model]] = TopologicalSorter()
    for model in ours:
        targets = {field.related_model for field in model._meta.concrete_fields if not field.null}
        order.add(model, *(target for target in targets if target in ours and target is not model))
    return list(order.static_order())


def _beginning() -> Hashable:
    """What is there already; nothing that could be compared where there are tenants."""
    if Organization.objects.exists() or User.objects.exists():
        return []  # type: ignore[return-value]
    with connection.cursor() as cursor:
        cursor.execute(_how_many())
        # What stands in certificates comes from here.
        return (settings.BASE_URL, settings.PUBLIC_URL, *cursor.fetchall())


@functools.cache
def _how_many() -> str:
    """Of tables that are filled without being asked: the log's key, and the event that says so."""
    counted = [f"SELECT COUNT(*), CAST(MAX({_key(model)}) AS TEXT) FROM {_table(model)}" for model in _models()]  # noqa: S608
    return " UNION ALL ".join(counted)


def _all_rows() -> Rows:
    found = {}
    with connection.cursor() as cursor:
        for model in _models():
            cursor.execute(f"SELECT {_columns(model)} FROM {_table(model)} ORDER BY {_key(model)}")  # noqa: S608
            if rows := cursor.fetchall():
                found[model] = rows
    return found


def _added(before: Rows, after: Rows) -> Rows:
    return {model: rows[len(before.get(model, ())) :] for model, rows in after.items()}


def _put_back(added: Rows) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for model, rows in added.items():
            places = ", ".join(["%s"] * len(model._meta.concrete_fields))
            cursor.executemany(f"INSERT INTO {_table(model)} ({_columns(model)}) VALUES ({places})", rows)  # noqa: S608
        numbered = [model for model, rows in added.items() if rows and isinstance(model._meta.pk, AutoField)]
        if connection.vendor == "postgresql" and numbered:
            # A test before may have set the counters back, as a restored archive does.
            cursor.execute("SELECT " + ", ".join(map(_counter_beyond, numbered)))


def _counter_beyond(model: type[Model]) -> str:
    counter = f"pg_get_serial_sequence('{model._meta.db_table}', '{model._meta.pk.column}')"
    return f"setval({counter}, GREATEST(nextval({counter}), (SELECT MAX({_key(model)}) FROM {_table(model)})))"  # noqa: S608


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _key(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.pk.column)


def _columns(model: type[Model]) -> str:
    return ", ".join(connection.ops.quote_name(field.column) for field in model._meta.concrete_fields)

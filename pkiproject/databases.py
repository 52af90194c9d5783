"""`DATABASE_URL` to Django's settings of a database. Plain Python; opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_POSTGRESQL: Final = frozenset({"postgres", "postgresql"})
_LIBPQ_OPTIONS: Final = frozenset(
    {
        "application_name",
        "connect_timeout",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslpassword",
        "sslrootcert",
        "target_session_attrs",
    }
)
_SQLITE_PRAGMAS: Final = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"


def database_from_url(url: str, *, connections: int) -> dict[str, Any]:
    """Settings of the database that `url` names.

    `postgresql://user:password@host:port/name?sslmode=verify-full`, `postgresql:///name?host=/socket/folder`, or
    `sqlite:////absolute/path` and `sqlite:///relative/path`. `connections` bounds the pool of one process.
    Raises ValueError with a sentence that never quotes the URL: a password stands in it.
    """
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError:
        raise ValueError("is not a URL that can be taken apart.") from None
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path), has_more=bool(parts.netloc or parts.query or parts.fragment))
    if parts.scheme not in _POSTGRESQL:
        raise ValueError("must begin with postgresql:// or sqlite://.")
    return _postgresql(parts, port, connections)


def _sqlite(path: str, *, has_more: bool) -> dict[str, Any]:
    if has_more or len(path) < 2:
        raise ValueError("must have the form sqlite:////absolute/path or sqlite:///relative/path.")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(path[1:]).absolute(),
        # Opening one reads the whole schema, which takes longer than most requests do.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # The writer's lock is taken first, so that what a transaction has read is still true when it writes.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": _SQLITE_PRAGMAS,
        },
    }


def _postgresql(parts: SplitResult, port: str, connections: int) -> dict[str, Any]:
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = query.pop("host", "") or unquote(parts.hostname or "")
    unknown = sorted(set(query) - _LIBPQ_OPTIONS)
    if unknown:
        raise ValueError(f"has the parameter {unknown[0]!r}, which is not understood.")
    name = unquote(parts.path.lstrip("/"))
    if not name or not host:
        raise ValueError("must name a host and a database: postgresql://user:password@host:port/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": connections, "timeout": 5},
            "connect_timeout": 5,
            # What is asked often is parsed and planned once for each connection: half of what the database has to do.
            "server_side_binding": True,
            "prepare_threshold": 5,
            **query,
        },
    }

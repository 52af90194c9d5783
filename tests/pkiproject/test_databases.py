"""DATABASE_URL becomes Django's settings, or a sentence that does not tell the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkiproject.databases import database_from_url


def test_a_postgresql_url_is_taken_apart_and_decoded() -> None:
    database = database_from_url(
        "postgresql://ch%40n:p%2Fw@db.example:5433/reg%20ister?sslmode=verify-full", connections=6
    )
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("ch@n", "p/w")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", "5433", "reg ister")
    assert database["OPTIONS"]["sslmode"] == "verify-full"
    assert database["OPTIONS"]["pool"]["max_size"] == 6


def test_a_postgresql_socket_is_named_by_its_folder() -> None:
    database = database_from_url("postgresql://u@/register?host=/run/postgresql", connections=2)
    assert (database["HOST"], database["PORT"]) == ("/run/postgresql", "")


def test_sqlite_takes_the_lock_of_a_writer_at_the_beginning() -> None:
    database = database_from_url("sqlite:////srv/a%20b/register.sqlite3", connections=2)
    assert database["NAME"] == Path("/srv/a b/register.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode = WAL" in database["OPTIONS"]["init_command"]


def test_a_relative_sqlite_path_begins_in_the_working_folder() -> None:
    assert database_from_url("sqlite:///x.sqlite3", connections=2)["NAME"] == Path.cwd() / "x.sqlite3"


BAD = {
    "another database": "mysql://u:hunter2@h/n",
    "no scheme": "hunter2",
    "no database": "postgresql://u:hunter2@h/",
    "no host": "postgresql:///n",
    "an unknown parameter": "postgresql://u:hunter2@h/n?sslmod=require",
    "a bad port": "postgresql://u:hunter2@h:70000/n",
    "a port of letters": "postgresql://u:hunter2@h:hunter2/n",
    "a broken bracket": "postgresql://u:hunter2@[::1/n",
    "sqlite without a path": "sqlite://",
    "sqlite with a host": "sqlite://var/x.sqlite3",
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_a_bad_url_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        database_from_url(url, connections=2)
    assert "hunter2" not in str(refusal.value)
    assert str(refusal.value).endswith(".")

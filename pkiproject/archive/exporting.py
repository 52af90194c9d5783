"""The whole database as one encrypted file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts import vault
from audit import services as audit
from audit.canonical import timestamp
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Denied
from kernel.seal import fingerprint
from kernel.text import _
from pkiproject.archive.document import About, Digest, TableFacts, first_line, line, schema
from pkiproject.archive.stream import Lock, Writer
from pkiproject.archive.tables import carried, columns, last_number, row_lines


def export_everything(
    *, actor: Actor, file: BinaryIO, lock: Lock, with_master_key: bool = False
) -> Mapping[str, TableFacts]:
    """Write every table as it is at one moment, while others go on working; what there was of each.

    Takes little memory, whatever the size. That it is made is told first, so that the archive tells of itself.
    Superusers only. Raises Denied, vault.WrongMasterKey, OSError.
    """
    if not actor.is_superuser or actor.organization_id is not None:
        raise Denied(_("Only a superuser can export everything."))
    vault.check_master_key()
    about = About(timestamp(timezone.now()), schema(), fingerprint(settings.MASTER_KEY), connection.vendor)
    resource = Resource("archive", None, about.made_at)
    with transaction.atomic():
        audit.record(actor, EventName.ARCHIVE_MADE, resource, organization_id=None, with_master_key=with_master_key)
    writer = Writer(file, lock)
    writer.write(first_line(about, settings.MASTER_KEY if with_master_key else None))
    with one_moment():
        manifest = {model._meta.label: _write_table(writer, model) for model in carried()}
    writer.write(line(manifest={label: asdict(facts) for label, facts in manifest.items()}))
    writer.close()
    return manifest


def _write_table(writer: Writer, model: Any) -> TableFacts:
    writer.write(line(table=model._meta.label, columns=columns(model)))
    rows = Digest(row_lines(model))
    for each in rows:
        writer.write(each)
    facts = rows.facts(last_number(model))
    writer.write(line(end=model._meta.label, **asdict(facts)))
    return facts


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads inside see the database as it was when the first of them was made; nobody who writes has to wait."""
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
        return
    # Ours begin by taking the writer's lock, which a reader of minutes must not hold.
    sqlite: Any = connection
    mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        with transaction.atomic():
            yield
    finally:
        sqlite.transaction_mode = mode

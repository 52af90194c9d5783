"""An archive, put into an empty database: all of it, as it was, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts import vault
from accounts.models import ServerSecret
from audit import keys as audit_keys
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from audit.verifier import Fault, Finding
from kernel.actor import Actor
from kernel.errors import Conflict, Denied
from kernel.seal import fingerprint
from kernel.secret import Secret
from kernel.text import _
from pkiproject.archive.document import About, Digest, TableFacts, read_first_line, schema
from pkiproject.archive.stream import ArchiveBroken, Lock, read_lines
from pkiproject.archive.tables import Model, carried, columns, continue_numbers, row_lines, write_rows


class Archive:
    """An archive that is being read, from its first line to its last one."""

    def __init__(self, file: BinaryIO, lock: Lock) -> None:
        self._lines = read_lines(file, lock)
        self.about, self.master_key = self._read(read_first_line)

    def rows(self, model: Model) -> Digest:
        """The lines of the table that comes next. Raises ArchiveBroken where it is another."""
        begins = self._read(lambda content: (content["table"], content["columns"]))
        if begins != (model._meta.label, columns(model)):
            raise ArchiveBroken(f"The archive has {begins[0]} where {model._meta.label} should be, or other columns.")
        return Digest(self._until_end())

    def manifest(self) -> dict[str, TableFacts]:
        """The last line; nothing may follow it."""
        found = self._read(lambda content: {label: TableFacts(**facts) for label, facts in content["manifest"].items()})
        if next(self._lines, None) is not None:
            raise ArchiveBroken("The archive goes on after its end.")
        return found

    def _until_end(self) -> Iterator[bytes]:
        for each in self._lines:
            if not each.startswith(b"["):
                return
            yield each

    def _read(self, understand: Callable[[dict[str, Any]], Any]) -> Any:
        try:
            return understand(json.loads(next(self._lines)))
        except (StopIteration, ValueError, KeyError, TypeError) as error:
            raise ArchiveBroken("The archive was not written by this version of Chancery.") from error


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and what is to be known of it."""

    about: About
    tables: Mapping[str, TableFacts]
    findings: tuple[Finding, ...]


def restore_everything(
    *, actor: Actor, archive: Archive, master_key: Secret, despite_findings: bool = False
) -> Restored:
    """Put the archive into this database, which has been migrated and is empty, in one transaction.

    Every table is read back and compared with the manifest, and the log is verified, before anything is committed.
    `despite_findings`: the log may be unsound, as it was when the archive was made. Superusers only. Raises Denied,
    ArchiveBroken, Conflict (not empty, another schema, another master key, a log that does not verify).
    """
    if not actor.is_superuser or actor.organization_id is not None:
        raise Denied(_("Only a superuser can restore everything."))
    _require_same_schema(archive.about)
    _require_key(archive.about, master_key)
    with transaction.atomic():
        _take_empty_database()
        tables = _fill(archive)
        # Whatever this process had open was of the database as it was before.
        audit_keys.forget()
        if not vault.is_master_key(master_key):
            raise Conflict(_("The master key does not open what is in the archive."))
        findings = _verify(despite_findings=despite_findings)
        audit.record(
            actor,
            EventName.ARCHIVE_RESTORED,
            Resource("archive", None, archive.about.made_at),
            organization_id=None,
            made_at=archive.about.made_at,
            database=archive.about.database,
            rows=sum(facts.rows for facts in tables.values()),
            findings=len(findings),
        )
    return Restored(archive.about, tables, findings)


def _require_same_schema(about: About) -> None:
    there, here = set(about.schema), set(schema())
    if there != here:
        different = ", ".join(sorted(there ^ here)[:5])
        text = _(
            "The archive was made by another version of Chancery (they differ in %(different)s): restore it with that "
            "version, then bring the database to this one."
        )
        raise Conflict(text, different=different)


def _require_key(about: About, master_key: Secret) -> None:
    if fingerprint(master_key) != about.master_key:
        text = _("The archive is sealed under the master key %(wanted)s, and this is %(given)s.")
        raise Conflict(text, wanted=about.master_key, given=fingerprint(master_key))


def _take_empty_database() -> None:
    """Nobody else writes from here on. What a migration and a first start make by themselves gives way."""
    if connection.vendor == "postgresql":
        names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in carried())
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
    ServerSecret.objects.all().delete()
    audit.forget_newborn_log()
    full = [model._meta.verbose_name_plural for model in carried() if model._base_manager.exists()]
    if full:
        text = _("The database is not empty: it has %(what)s. An archive is restored into a new one.")
        raise Conflict(text, what=", ".join(map(str, full[:5])))


def _fill(archive: Archive) -> Mapping[str, TableFacts]:
    read: dict[str, Digest] = {}
    try:
        for model in carried():
            rows = read[model._meta.label] = archive.rows(model)
            write_rows(model, rows)
        manifest = archive.manifest()
        for model in carried():
            continue_numbers(model, manifest[model._meta.label].last_number)
        connection.check_constraints()
    except DatabaseError as error:
        raise Conflict(_("The database does not take what is in the archive: %(error)s"), error=str(error)) from error
    except (KeyError, ValueError, TypeError) as error:
        raise ArchiveBroken("The archive does not have the rows that this version of Chancery writes.") from error
    for model in carried():
        facts = manifest[model._meta.label]
        stored = Digest(row_lines(model))
        for _line in stored:
            pass
        if not read[model._meta.label].facts(facts.last_number) == stored.facts(facts.last_number) == facts:
            raise ArchiveBroken(f"{model._meta.label} is not what the manifest says: nothing was restored.")
    return manifest


def _verify(*, despite_findings: bool) -> tuple[Finding, ...]:
    # A checkpoint that is ahead says what was lost since the archive was made; it is told of, and does not stop this.
    found = tuple(each for each in audit.verify().findings if each.fault is not Fault.LOG_CUT)
    if found and not despite_findings:
        text = _("The audit log in the archive does not verify, in %(count)s places, first: %(first)s")
        raise Conflict(text, count=len(found), first=str(found[0]))
    return found


def adopt(master_key: Secret) -> None:
    """Let this process work under another master key. It has to be one that does nothing else."""
    settings.MASTER_KEY = master_key

"""Export and restore as services: what is carried over, and what is refused before anything stays."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from accounts.models import Organization, User
from accounts.services.second_factor import factors_of
from audit import keys as audit_keys
from audit.models import AuditEvent, AuditKey
from certificates.models import Certificate
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, DomainError
from kernel.secret import Secret
from pkiproject.archive import exporting, stream, tables
from pkiproject.archive.document import Digest, TableFacts, line
from pkiproject.archive.exporting import export_everything
from pkiproject.archive.restoring import Archive, Restored, restore_everything
from pkiproject.archive.stream import ArchiveBroken, Lock, Writer, read_lines
from tests import cast
from tests.append_only import unguarded
from tests.architecture.people import code_of
from tests.happened import last_event
from tests.office import open_office
from tests.postgres import Session
from tests.web.people import give_app

pytestmark = pytest.mark.django_db
LOCK = Lock(Secret(bytes(range(32))), is_key=True)


def export(*, with_master_key: bool = False) -> bytes:
    file = io.BytesIO()
    export_everything(actor=cast.SUPERUSER, file=file, lock=LOCK, with_master_key=with_master_key)
    return file.getvalue()


def restore(content: bytes, **wishes: bool) -> Restored:
    archive = Archive(io.BytesIO(content), LOCK)
    return restore_everything(actor=cast.SUPERUSER, archive=archive, master_key=settings.MASTER_KEY, **wishes)


@contextmanager
def taken_back() -> Iterator[None]:
    """What is made here is not there any more afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    audit_keys.forget()


@cache
def of_an_office() -> bytes:
    """The archive of a small office that is not there any more."""
    with taken_back():
        open_office().issue()
        return export()


@cache
def of_an_office_that_was_tampered_with() -> bytes:
    with taken_back():
        open_office().issue()
        with unguarded():
            AuditEvent.objects.filter(name="certificate.issued").update(actor_label="nobody")
        return export()


def written_again(change: Callable[[list[bytes]], None]) -> bytes:
    """The archive with other lines, by somebody who has its key."""
    lines = list(read_lines(io.BytesIO(of_an_office()), LOCK))
    change(lines)
    return written(lines)


def written(lines: list[bytes]) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, LOCK)
    for each in lines:
        writer.write(each)
    writer.close()
    return file.getvalue()


def place_of(lines: list[bytes], label: str) -> int:
    """Of the first row of a table."""
    return (
        next(
            place
            for place, each in enumerate(lines)
            if each.startswith(b"{") and json.loads(each).get("table") == label
        )
        + 1
    )


def is_untouched() -> bool:
    """Whether the database is as its migration has left it."""
    return (
        not Organization.objects.exists()
        and AuditKey.objects.count() == 1
        and [row.name for row in AuditEvent.objects.all()] == ["audit.key_created"]
    )


def test_every_table_of_ours_is_carried_over_or_it_is_said_why_not():
    ours = {model._meta.label for room in tables._ROOMS for model in apps.get_app_config(room).get_models()}
    assert {model._meta.label for model in tables.carried()} | set(tables.LEFT_BEHIND) == ours
    assert len(ours) > 25


def test_what_is_restored_is_what_was_exported():
    restored = restore(of_an_office())
    assert restored.findings == ()
    assert Certificate.objects.count() == restored.tables["certificates.Certificate"].rows == 1
    event = last_event()
    assert (event.name, event.log) == ("archive.restored", 0)
    assert event.document["metadata"]["made_at"] == restored.about.made_at
    for model in tables.carried():
        if model._meta.app_label == "audit":
            continue
        rows = Digest(tables.row_lines(model))
        list(rows)
        last = tables.last_number(model)
        assert asdict(rows.facts(last)) == asdict(restored.tables[model._meta.label]), model


def test_a_second_factor_is_carried_over():
    """Else a password alone would open what it did not before."""
    with taken_back():
        secret = give_app(cast.superuser("root@acme.example"))
        content = export()
    restore(content)
    (factor,) = factors_of(User.objects.get(email="root@acme.example"))
    assert factor.wrap().validate_code(code_of(secret))


def test_an_archive_tells_of_itself_and_says_whether_the_key_is_in_it():
    made = [json.loads(each) for each in read_lines(io.BytesIO(of_an_office()), LOCK) if b"archive.made" in each]
    assert made
    open_office()
    export(with_master_key=True)
    assert (last_event().name, last_event().document["metadata"]) == ("archive.made", {"with_master_key": True})


def test_the_master_key_is_in_it_only_where_it_was_asked_for():
    secret = settings.MASTER_KEY.reveal().hex().encode()
    for asked in (False, True):
        content = export(with_master_key=asked)
        found = [each for each in read_lines(io.BytesIO(content), LOCK) if secret in each]
        assert bool(found) is asked
        archive = Archive(io.BytesIO(content), LOCK)
        assert (archive.master_key == settings.MASTER_KEY) is asked


def change_row(lines: list[bytes]) -> None:
    place = place_of(lines, "accounts.Organization")
    lines[place] = lines[place].replace(b"ACME", b"Acme")


def drop_row(lines: list[bytes]) -> None:
    del lines[place_of(lines, "certificates.CertificateName")]


def drop_row_and_say_so(lines: list[bytes]) -> None:
    """A row that others refer to, with a manifest that fits."""
    place = place_of(lines, "cas.Role")
    del lines[place]
    manifest = json.loads(lines[-1])["manifest"]
    manifest["cas.Role"] |= asdict(TableFacts(0, Digest([]).facts(0).sha256, manifest["cas.Role"]["last_number"]))
    lines[-1] = line(manifest=manifest)


def drop_table(lines: list[bytes]) -> None:
    place = place_of(lines, "cas.Role")
    del lines[place - 1 : place + 2]


def change_first(name: str, value: object) -> Callable[[list[bytes]], None]:
    def change(lines: list[bytes]) -> None:
        lines[0] = line(**json.loads(lines[0]) | {name: value})

    return change


Change = Callable[[list[bytes]], None]
REFUSED: dict[str, tuple[Change, type[Exception], str]] = {
    "a row that was changed": (change_row, ArchiveBroken, "accounts.Organization is not what the manifest says"),
    "a row that was removed": (drop_row, ArchiveBroken, "certificates.CertificateName is not what"),
    "a row that others refer to": (drop_row_and_say_so, DomainError, "does not take what is in the archive"),
    "a table that was removed": (drop_table, ArchiveBroken, "where cas.Role should be"),
    "no manifest": (lambda lines: lines.pop(), ArchiveBroken, "not written by this version"),
    "something behind the end": (lambda lines: lines.append(b"{}\n"), ArchiveBroken, "goes on after its end"),
    "nothing at all": (lambda lines: lines.clear(), ArchiveBroken, "not written by this version"),
    "a format of later": (change_first("format", 2), ArchiveBroken, "not written by this version"),
    "another schema": (change_first("schema", ["cas.0001_initial"]), Conflict, "another version of Chancery"),
    "another master key": (change_first("master_key", "0" * 16), Conflict, "sealed under the master key 0000"),
}


@pytest.mark.parametrize(("change", "kind", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_as_it_was_made_is_refused_and_nothing_stays(change, kind, sentence):
    content = written_again(change)
    with pytest.raises(kind, match=sentence), transaction.atomic():
        restore(content)
    audit_keys.forget()
    assert is_untouched()


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.6, 0.99])
def test_an_archive_that_was_cut_is_refused_and_nothing_stays(monkeypatch, cut):
    lines = list(read_lines(io.BytesIO(of_an_office()), LOCK))
    monkeypatch.setattr(stream, "CHUNK_SIZE", 1024)
    content = written(lines)
    with pytest.raises(ArchiveBroken), transaction.atomic():
        restore(content[: int(len(content) * cut)])
    audit_keys.forget()
    assert is_untouched()


def test_a_log_that_does_not_verify_is_restored_only_by_who_says_so():
    content = of_an_office_that_was_tampered_with()
    with pytest.raises(Conflict, match="does not verify, in 1 places"), transaction.atomic():
        restore(content)
    audit_keys.forget()
    restored = restore(content, despite_findings=True)
    assert [str(each.fault) for each in restored.findings] == ["event-disguised"]
    assert last_event().document["metadata"]["findings"] == 1


def test_a_database_in_which_something_has_happened_is_not_touched():
    content = of_an_office()
    organization = cast.organization("Umbrella")
    before = AuditEvent.objects.count()
    with pytest.raises(Conflict, match="not empty"), transaction.atomic():
        restore(content)
    assert Organization.objects.get() == organization
    assert AuditEvent.objects.count() == before


def test_the_log_is_append_only_again_afterwards():
    restore(of_an_office())
    for statement in ("DELETE FROM audit_auditevent", "UPDATE audit_auditevent SET actor_label = 'nobody'"):
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_only_a_superuser_above_organizations_may():
    content = of_an_office()
    for actor in (SYSTEM, cast.owner(cast.organization()).actor):
        with pytest.raises(Denied):
            export_everything(actor=actor, file=io.BytesIO(), lock=LOCK)
        archive = Archive(io.BytesIO(content), LOCK)
        with pytest.raises(Denied):
            restore_everything(actor=actor, archive=archive, master_key=settings.MASTER_KEY)


@pytest.fixture
def somebody_works(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """After the first tables were exported, an organization is made, by somebody who does not wait."""
    real, made = exporting._write_table, []

    def write_table(writer, model):
        if model is Organization:
            made.append(Session(lambda: cast.organization("Umbrella").name).finish())
        return real(writer, model)

    monkeypatch.setattr(exporting, "_write_table", write_table)
    return made


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_archive_is_of_one_moment(somebody_works):
    cast.organization("ACME")
    content = export()
    assert somebody_works == ["Umbrella"]
    lines = list(read_lines(io.BytesIO(content), LOCK))
    assert not [each for each in lines if b"Umbrella" in each]
    assert Organization.objects.count() == 2

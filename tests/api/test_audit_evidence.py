"""What an auditor takes away over the wire, and checks by the one file, in a process of its own."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import checkpoint_files, selectors
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.services import seal
from kernel.actor import SYSTEM
from tests import cast
from tests.api.wire import Wire
from tests.append_only import unguarded
from tests.audit.happenings import happen_often

URL = "/api/v2/audit"


@dataclass
class Auditor:
    """Somebody with a folder, the verifier, the keys that were noted down, and whatever is downloaded."""

    wire: Wire
    folder: Path

    def fetch(self, name: str, path: str) -> str:
        """The answer to a GET, as a file."""
        answer = self.wire.get(f"{URL}/{path}")
        assert answer.status_code == 200, answer.content
        file = self.folder / name
        file.write_bytes(b"".join(answer.streaming_content) if answer.streaming else answer.content)
        return str(file)

    def keys(self) -> list[str]:
        rows = self.wire.get(f"{URL}/keys").json()["data"]
        return [word for row in rows for word in ("--public-key", row["public_key"])]

    def verify(self, *arguments: str) -> tuple[int, str]:
        """The status and the words of the verifier, which was downloaded too."""
        program = self.fetch("verifier.py", "verifier")
        command = [sys.executable, "-I", program, *arguments, *self.keys()]
        run = subprocess.run(command, cwd=self.folder, env={}, capture_output=True, text=True, check=False)
        assert run.stderr == ""
        return run.returncode, run.stdout


@pytest.fixture
def log(office) -> int:
    """Certificates and revocations enough for several checkpoints."""
    for _ in range(3):
        office.issue()
        seal(actor=SYSTEM)
    return office.organization.pk


@pytest.fixture
def auditor(api, log, tmp_path) -> Auditor:
    return Auditor(api, tmp_path)


def newest_size(log: int) -> int:
    return selectors.latest_checkpoint(log).size


# --- the whole path ---------------------------------------------------------------------------------------------------


def test_an_export_is_sound_by_itself_and_with_the_checkpoint_that_was_kept(auditor, office, log):
    kept = auditor.fetch("kept", "checkpoints/latest/note")
    size = newest_size(log)
    office.issue()
    seal(actor=SYSTEM)
    export = auditor.fetch("export.jsonl", "export")
    status, words = auditor.verify(export, "--checkpoint", kept)
    assert (status, "All is as it was signed." in words) == (0, True)
    assert newest_size(log) > size
    assert f"log {log}: {newest_size(log)} events" in words
    assert "1 not yet sealed" in words  # That it was exported.


def test_an_export_since_a_day_tells_older_events_by_their_hashes(auditor):
    whole, later = auditor.fetch("whole", "export"), auditor.fetch("later", "export?since=2999-01-01")
    assert Path(later).read_text().count('"type":"event"') < Path(whole).read_text().count('"type":"event"')
    status, words = auditor.verify(later)
    assert (status, "only the hashes" in words) == (0, True)


def test_an_export_is_a_file_and_an_event_of_the_log(auditor, office, api):
    answer = api.get(f"{URL}/export?since=2026-04-01")
    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-')
    assert answer["Cache-Control"] == "no-store"
    lines = answer.getvalue().splitlines()
    assert json.loads(lines[-1]) == {"type": "end"}
    (event,) = api.get(f"{URL}?event=audit.exported").json()["data"]
    assert event["metadata"]["since"] == "2026-04-01"
    assert event["trace_id"] == answer["X-Trace-Id"]


def test_an_export_comes_in_pieces_while_it_is_read(api, log, monkeypatch):
    monkeypatch.setattr("audit.services.exporting._PIECE", 2000)
    answer = api.get(f"{URL}/export")
    pieces = list(answer.streaming_content)
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 10_000
    assert b"".join(pieces).endswith(b'{"type":"end"}\n')


def test_an_export_that_was_cut_off_is_noticed(auditor):
    export = Path(auditor.fetch("export", "export"))
    export.write_bytes(b"".join(export.read_bytes().splitlines(keepends=True)[:-1]))
    status, words = auditor.verify(str(export))
    assert (status, "its end is missing" in words) == (1, True)


def test_a_superuser_exports_all_logs_or_one(office, log):
    root = Wire()
    root.client.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    logs = [
        json.loads(line)["log"] for line in root.get(f"{URL}/export").getvalue().splitlines() if b'"type":"log"' in line
    ]
    assert logs == selectors.all_logs()
    one = root.get(f"{URL}/export?organization_id={office.organization.public_id}").getvalue()
    assert [json.loads(line)["log"] for line in one.splitlines() if b'"type":"log"' in line] == [log]


# --- whoever owns the database, at work -------------------------------------------------------------------------------


def change(log: int) -> None:
    row = AuditEvent.objects.filter(log=log, position=4).get()
    canonical = bytes(row.canonical).replace(b"ACME", b"EVIL")
    assert canonical != bytes(row.canonical)
    AuditEvent.objects.filter(pk=row.pk).update(canonical=canonical)


def remove(log: int) -> None:
    AuditEvent.objects.filter(log=log, position=4).delete()


def reorder(log: int) -> None:
    first, second = (AuditEvent.objects.get(log=log, position=position) for position in (4, 5))
    AuditEvent.objects.filter(pk=second.pk).update(position=None)
    AuditEvent.objects.filter(pk=first.pk).update(position=5)
    AuditEvent.objects.filter(pk=second.pk).update(position=4)


def fork(log: int) -> None:
    """Take the tail away with every trace of it here, and let the sealer, who has the key, go on with other events."""
    size = newest_size(log)
    kept = AuditCheckpoint.objects.filter(log=log, size__lt=size).order_by("-size")[0]
    AuditEvent.objects.filter(log=log, position__gte=kept.size).delete()
    AuditCheckpoint.objects.filter(log=log, size__gt=kept.size).delete()
    tile = AuditTile.objects.get(log=log, level=0, number=0)
    AuditTile.objects.filter(pk=tile.pk).update(hashes=bytes(tile.hashes)[: kept.size * 32])
    checkpoint_files.write(selectors.log_origin(log), kept.note)
    while newest_size(log) < size:
        happen_often(1, log=log)
        seal(actor=SYSTEM)


TAMPERED: dict[Callable[[int], None], set[str]] = {
    change: {"event-forged", "event-replaced"},
    remove: {"event-missing"},
    reorder: {"event-replaced"},
    fork: {"checkpoint-forked"},
}


@pytest.mark.parametrize(("tamper", "faults"), TAMPERED.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_what_was_done_to_the_database_is_found_in_an_export(auditor, log, tamper, faults):
    kept = auditor.fetch("kept", "checkpoints/latest/note")
    with unguarded():
        tamper(log)
    export = auditor.fetch("export", "export")
    status, words = auditor.verify(export, "--checkpoint", kept)
    assert status == 1
    assert {line.partition(" ")[0] for line in words.splitlines() if f"in log {log}" in line} == faults


def test_a_fork_cannot_be_seen_without_a_checkpoint_from_before(auditor, log):
    """Which is why the page says that one is to be kept elsewhere."""
    with unguarded():
        fork(log)
    assert auditor.verify(auditor.fetch("export", "export"))[0] == 0


# --- proofs -----------------------------------------------------------------------------------------------------------


def test_every_sealed_event_has_a_proof_that_the_verifier_accepts(auditor, api, log, subtests):
    for event in AuditEvent.objects.filter(log=log, position__isnull=False)[::4]:
        with subtests.test(event.name):
            proof = auditor.fetch("proof.json", f"{event.event_id}/proof")
            assert json.loads(Path(proof).read_text())["canonical"].encode() == bytes(event.canonical)
            assert auditor.verify("--proof", proof)[0] == 0


def test_a_proof_is_given_under_the_checkpoint_that_somebody_kept(auditor, api, log):
    sizes = [row["size"] for row in api.get(f"{URL}/checkpoints").json()["data"]]
    event = AuditEvent.objects.get(log=log, position=2)
    for size in sizes:
        proof = json.loads(Path(auditor.fetch("proof", f"{event.event_id}/proof?size={size}")).read_text())
        assert proof["checkpoint"] == api.get(f"{URL}/checkpoints/{size}").json()["note"]


def test_a_proof_of_another_event_is_refused(auditor, log):
    proofs = []
    for position in (2, 3):
        event = AuditEvent.objects.get(log=log, position=position)
        proofs.append(json.loads(Path(auditor.fetch("proof", f"{event.event_id}/proof")).read_text()))
    forged = auditor.folder / "forged"
    forged.write_text(json.dumps(proofs[0] | {"path": proofs[1]["path"]}))
    status, words = auditor.verify("--proof", str(forged))
    assert (status, "event-replaced" in words) == (1, True)


def test_the_log_is_shown_to_have_only_grown(auditor, api, log):
    sizes = sorted(row["size"] for row in api.get(f"{URL}/checkpoints").json()["data"])
    assert len(sizes) == 3
    for earlier, query in ((sizes[0], ""), (sizes[0], f"?later={sizes[1]}"), (sizes[1], f"?later={sizes[2]}")):
        proof = auditor.fetch("growth.json", f"checkpoints/{earlier}/consistency{query}")
        document = json.loads(Path(proof).read_text())
        assert document["earlier"] == api.get(f"{URL}/checkpoints/{earlier}").json()["note"]
        assert auditor.verify("--proof", proof)[0] == 0
    forged = json.loads(Path(proof).read_text())
    forged["path"][0] = base64.b64encode(b"\x11" * 32).decode()
    Path(proof).write_text(json.dumps(forged))
    status, words = auditor.verify("--proof", proof)
    assert (status, "checkpoint-forked" in words) == (1, True)


def problem(answer):
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def test_what_has_no_proof_says_why(api, office, log, subtests):
    waiting = office.issue().certificate.event
    sealed = AuditEvent.objects.get(log=log, position=newest_size(log) - 1).event_id
    smallest = AuditCheckpoint.objects.filter(log=log).earliest("size").size
    table = {
        f"{waiting}/proof": (503, "not-sealed"),
        f"{sealed}/proof?size={smallest}": (422, "validation-failed"),
        f"{sealed}/proof?size=999999": (404, "not-found"),
        f"{sealed}/proof?size=0": (422, "validation-failed"),
        f"checkpoints/{newest_size(log)}/consistency?later={smallest}": (422, "validation-failed"),
        f"checkpoints/{smallest}/consistency?later=999999": (404, "not-found"),
        "checkpoints/999999/consistency": (404, "not-found"),
        "checkpoints/999999": (404, "not-found"),
        f"{'7' + 'Z' * 25}/proof": (404, "not-found"),
    }
    for path, expected in table.items():
        with subtests.test(path):
            assert problem(api.get(f"{URL}/{path}")) == expected
    backwards = api.get(f"{URL}/checkpoints/{newest_size(log)}/consistency?later={smallest}")
    assert backwards.json()["errors"][0]["field"] == "later"


def test_a_log_that_is_not_what_was_signed_proves_nothing(api, log):
    event = AuditEvent.objects.get(log=log, position=4)
    with unguarded():
        change(log)
    assert problem(api.get(f"{URL}/{event.event_id}/proof")) == (503, "log-damaged")


def test_a_log_without_a_checkpoint_has_none(stranger):
    for path in ("latest", "latest/note"):
        assert problem(stranger.get(f"{URL}/checkpoints/{path}")) == (404, "not-found")
    assert stranger.get(f"{URL}/checkpoints").json()["data"] == []


def test_a_checkpoint_is_the_same_in_the_list_alone_and_as_a_file(api, log):
    first, *_rest = api.get(f"{URL}/checkpoints").json()["data"]
    assert first == api.get(f"{URL}/checkpoints/latest").json() == api.get(f"{URL}/checkpoints/{first['size']}").json()
    note = api.get(f"{URL}/checkpoints/latest/note")
    assert (note.content.decode(), note["Content-Type"]) == (first["note"], "text/plain")
    assert note["Content-Disposition"] == f'attachment; filename="checkpoint-{log}-{first["size"]}"'


def test_the_systems_log_has_its_checkpoints_for_superusers_alone(api, log):
    root = Wire()
    root.client.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    seal(actor=SYSTEM)
    assert root.get(f"{URL}/checkpoints/latest").json()["log"] == 0
    assert api.get(f"{URL}/checkpoints/latest").json()["log"] == log


def test_the_verifier_is_the_file_of_the_source_and_says_how_it_is_used(api, office):
    from audit import verifier

    answer = api.get(f"{URL}/verifier")
    assert answer.content == Path(verifier.__file__).read_bytes()
    assert b"python verifier.py export.jsonl" in answer.content
    assert answer["Content-Disposition"] == 'attachment; filename="verifier.py"'


def test_a_proof_takes_few_queries(api, log):
    event = AuditEvent.objects.get(log=log, position=2)
    for path in (f"{event.event_id}/proof", "checkpoints/latest", f"checkpoints/{newest_size(log)}/consistency"):
        api.get(f"{URL}/{path}")
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"{URL}/{path}").status_code == 200
        assert len(queries) <= 9, path

"""The verifier as auditors run it: one file, alone, on whatever they were given."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import keys, verifier
from audit.evidence import prove_consistency, prove_inclusion
from audit.models import AuditCheckpoint
from audit.services import export, seal
from kernel.actor import SYSTEM
from tests.audit.happenings import LOG, happen
from tests.cast import SUPERUSER


@pytest.fixture
def lines(three_events) -> list[bytes]:
    seal(actor=SYSTEM)
    happen(label="fourth")
    seal(actor=SYSTEM)
    return list(export(actor=SUPERUSER, logs=[LOG]))


@pytest.fixture
def file(lines, tmp_path) -> Path:
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def run_alone(folder: Path, *arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """In a folder with nothing else in it, isolated from this tree and from everything in the environment."""
    program = folder / "alone" / "verifier.py"
    program.parent.mkdir(exist_ok=True)
    shutil.copyfile(verifier.__file__, program)
    command = [sys.executable, "-I", program, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=program.parent, env={}, check=False)


def test_it_runs_alone(file, tmp_path):
    note = tmp_path / "kept"
    note.write_text(AuditCheckpoint.objects.get(log=LOG, size=3).note)
    key = keys.active_signer().public_key.hex()
    done = run_alone(tmp_path, file, "--checkpoint", note, "--public-key", key)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[-1] == "All is as it was signed."


def test_it_reads_standard_input_and_says_whose_keys_it_believed(file, tmp_path):
    done = run_alone(tmp_path, "-", stdin=file.read_bytes())
    assert done.returncode == 0
    assert "the file itself names" in done.stdout.decode()


def test_it_says_what_it_found_and_returns_1(file, tmp_path):
    file.write_bytes(file.read_bytes().replace(b"alice", b"mallory", 1))
    done = run_alone(tmp_path, file)
    assert done.returncode == 1
    assert "event-forged in log 7 at 0" in done.stdout.decode()


UNREADABLE = {
    "no such file": ["nowhere.jsonl"],
    "no such checkpoint": ["{file}", "--checkpoint", "nowhere"],
    "no key": ["{file}", "--public-key", "abc"],
    "half a key": ["{file}", "--public-key", "ab" * 16],
    "an export for a proof": ["--proof", "{file}"],
}


@pytest.mark.parametrize("arguments", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_it_cannot_read_is_no_finding(file, tmp_path, arguments):
    done = run_alone(tmp_path, *[each.format(file=file) for each in arguments])
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_it_checks_a_proof(lines, tmp_path):
    proof = tmp_path / "proof.json"
    event = next(json.loads(line) for line in lines if b'"event"' in line)
    event_id = json.loads(event["canonical"])["id"]
    inclusion = prove_inclusion(event_id, visible_to=SUPERUSER).document()
    for document in (inclusion, prove_consistency(LOG, earlier=3, visible_to=SUPERUSER).document()):
        proof.write_text(json.dumps(document, indent=2))
        assert run_alone(tmp_path, "--proof", proof).returncode == 0
    proof.write_text(json.dumps(inclusion | {"position": 1}))
    assert run_alone(tmp_path, "--proof", proof).returncode == 1


# --- nothing that it is given makes it stumble ------------------------------------------------------------------------

MANGLED = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[1]",
    "no type": b"{}",
    "of an unknown type": b'{"type":"other"}',
    "an event outside a log": b'{"type":"event","position":1}',
    "a position that is true": b'{"type":"log","log":true}',
    "a number that is too large": b'{"type":"log","log":123456789012345678901234567890}',
    "deeply nested": b'{"type":' + b"[" * 100_000,
    "half a surrogate pair": b'{"type":"\\ud800"}',
    "not UTF-8": b'{"type":"\xff"}',
    "keys that are none": b'{"type":"keys","public_keys":[1]}',
    "keys that are not hexadecimal": b'{"type":"keys","public_keys":["xyz"]}',
    "a log with another's origin": b'{"type":"log","log":7,"origin":"chancery/0/8","first":0,"size":0}',
    "another version": b'{"type":"export","version":2}',
}


@pytest.mark.parametrize("line", MANGLED.values(), ids=MANGLED.keys())
def test_a_mangled_line_is_a_finding(line):
    verification = verifier.verify_export([line + b"\n", b'{"type":"end"}\n'])
    (finding,) = verification.findings
    assert finding.fault is verifier.Fault.EXPORT_BROKEN
    assert finding.subject.startswith("line 1: ")


def test_a_log_comes_once(lines):
    twice = [*lines[:-1], *lines[2:]]
    assert "been here already" in verifier.verify_export(twice).findings[0].subject


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.data())
def test_whatever_is_done_to_a_line_is_found_and_nothing_stumbles(lines, data):
    """Any value of any line replaced by any other: a finding, or what was said is not part of the log."""
    number = data.draw(st.integers(0, len(lines) - 1))
    line = json.loads(lines[number])
    name = data.draw(st.sampled_from(sorted(line)))
    kind, was = line["type"], line[name]
    line[name] = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))
    changed = [*lines[:number], json.dumps(line).encode(), *lines[number + 1 :]]
    verification = verifier.verify_export(changed)
    if (kind, name) != ("export", "at") and line[name] != was:
        assert not verification.is_sound


# --- the same by manage.py --------------------------------------------------------------------------------------------


def test_manage_verifies_an_export_by_the_same_file(file, capsys):
    call_command("verify_audit", export=str(file))
    assert "All is as it was signed." in capsys.readouterr().out
    file.write_bytes(file.read_bytes().replace(b"alice", b"mallory", 1))
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", export=str(file))
    assert refused.value.returncode == 1


def test_manage_verifies_the_database(lines, capsys):
    call_command("verify_audit")
    call_command("verify_audit", log=LOG)
    assert capsys.readouterr().out.count("All is as it was signed.") == 2


def test_manage_knows_which_logs_there_are(lines):
    with pytest.raises(CommandError, match="no log 4711"):
        call_command("verify_audit", log=4711)


def test_manage_takes_no_checkpoint_for_the_database(lines):
    with pytest.raises(CommandError, match="--export"):
        call_command("verify_audit", checkpoint=["kept"])


def test_manage_exports_into_a_file_of_its_own(lines, tmp_path):
    path = tmp_path / "all.jsonl"
    call_command("export_audit", out=str(path))
    assert path.stat().st_mode & 0o077 == 0
    with open(path, "rb") as file:
        assert [log.log for log in verifier.verify_export(file).logs] == [0, LOG]
    with pytest.raises(CommandError, match="cannot be created"):
        call_command("export_audit", out=str(path))


def test_manage_exports_to_standard_output(lines, capsys):
    call_command("export_audit", "--out", "-", "--log", str(LOG), "--since", "2026-01-01")
    out = capsys.readouterr().out.encode()
    assert verifier.verify_export(out.splitlines(keepends=True)).is_sound


@pytest.mark.parametrize("since", ["2026-13-01", "yesterday", "2026-01-01T10:00:00", ""])
def test_manage_takes_no_time_that_could_mean_two(lines, since):
    with pytest.raises((CommandError, ValueError)):
        call_command("export_audit", "--out", "-", "--since", since)

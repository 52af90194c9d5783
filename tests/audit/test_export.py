"""An export is checked by one file alone, which says what was changed, removed, reordered or forked, and where."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from audit import keys, selectors, verifier
from audit.canonical import canonical_bytes
from audit.events import EventName
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.services import export, seal
from audit.signing import Signer, new_seed, sign_checkpoint, signature_text
from audit.verifier import MAX_FINDINGS, Checkpoint, Fault, Frontier, entry, leaf_hash, verify_export
from kernel.actor import SYSTEM
from kernel.errors import Denied, NotFound
from tests.append_only import unguarded
from tests.audit.happenings import ALICE, LOG, happen, happen_often
from tests.cast import SUPERUSER

Line = dict
AUDITOR = SUPERUSER


@pytest.fixture
def sealed(three_events):
    seal(actor=SYSTEM)
    happen(label="fourth")
    seal(actor=SYSTEM)
    return three_events


@pytest.fixture
def lines(sealed) -> list[Line]:
    """Positions 0 to 3, checkpoints of 3 and 4, and an unsealed event: that of the export."""
    return [json.loads(line) for line in export(actor=AUDITOR, logs=[LOG])]


def written(lines: list[Line]) -> list[bytes]:
    return [json.dumps(line).encode() + b"\n" for line in lines]


def faults(lines: list[Line], **known) -> set[tuple[str, int | None]]:
    findings = verify_export(written(lines), **known).findings
    return {(finding.fault.value, finding.position) for finding in findings}


def test_an_untouched_export_is_sound(lines):
    verification = verify_export(written(lines))
    assert verification.is_sound
    (log,) = verification.logs
    assert (log.log, log.size, log.unsealed) == (LOG, 4, 1)
    assert log.root == bytes(selectors.latest_checkpoint(LOG).root)


def test_several_logs_go_into_one_export(sealed):
    verification = verify_export(export(actor=AUDITOR, logs=selectors.all_logs()))
    assert verification.is_sound
    assert [log.log for log in verification.logs] == [0, LOG]


def test_a_log_without_events_is_sound(db):
    (log,) = verify_export(export(actor=AUDITOR, logs=[LOG + 1])).logs
    assert (log.size, log.unsealed, log.findings) == (0, 1, ())


def test_an_export_is_an_event(sealed):
    export(actor=AUDITOR, logs=[LOG], since=datetime(2026, 1, 2, tzinfo=UTC).date())
    event = AuditEvent.objects.filter(log=LOG).latest("pk")
    assert (event.name, event.document["metadata"]) == (EventName.AUDIT_EXPORTED, {"since": "2026-01-02"})


def test_nobody_exports_what_they_may_not_read(sealed):
    with pytest.raises(Denied):
        export(actor=ALICE, logs=[LOG])
    reader = SimpleNamespace(permissions=AUDITOR.permissions, organization_id=LOG, is_superuser=False, grants=None)
    with pytest.raises(NotFound):
        export(actor=reader, logs=[LOG + 1])


# --- tampering with the file ------------------------------------------------------------------------------------------


def event(lines: list[Line], position: int | None) -> Line:
    return next(line for line in lines if line["type"] == "event" and line["position"] == position)


def checkpoint(lines: list[Line], size: int) -> Line:
    return next(line for line in lines if line["type"] == "checkpoint" and line["size"] == size)


def header(lines: list[Line]) -> Line:
    return next(line for line in lines if line["type"] == "log")


def change_event(lines):
    event(lines, 1)["canonical"] = event(lines, 1)["canonical"].replace("alice", "mallory")


def change_signature(lines):
    event(lines, 1)["signature"] = signature_text(b"\x00" * 64)


def sign_with_own_key(lines):
    """And name that key among the genuine ones."""
    own, forged = Signer.from_seed(new_seed()), event(lines, 1)
    forged["canonical"] = forged["canonical"].replace("alice", "mallory")
    forged["signature"] = signature_text(own.signature(forged["canonical"].encode()))
    forged["key"] = own.key_id
    lines[1]["public_keys"].append(own.public_key.hex())


def remove_event(lines):
    lines.remove(event(lines, 1))


def remove_last(lines):
    lines.remove(event(lines, 3))


def remove_event_and_its_hash(lines):
    """As if there had never been more than three, and no checkpoint of them."""
    remove_event(lines)
    lines.remove(checkpoint(lines, 3))
    for line in lines:
        if line["type"] == "event" and (line["position"] or 0) > 1:
            line["position"] -= 1
    leaves = next(line for line in lines if line["type"] == "leaves")
    joined = hashes(leaves)
    put_hashes(leaves, joined[:1] + joined[2:])
    header(lines)["size"] = 3


def swap_places(lines):
    one, two = event(lines, 1), event(lines, 2)
    one["position"], two["position"] = 2, 1


def swap_lines(lines):
    one, two = lines.index(event(lines, 1)), lines.index(event(lines, 2))
    lines[one], lines[two] = lines[two], lines[one]


def swap_bodies(lines):
    one, two = event(lines, 1), event(lines, 2)
    one["position"], two["position"] = two["position"], one["position"]
    swap_lines(lines)


def repeat_event(lines):
    lines.insert(lines.index(event(lines, 2)), dict(event(lines, 1)))


def replace_by_another_signed_event(lines):
    event(lines, 1).update(event(lines, None), position=1)


def bring_event_of_another_log(lines):
    happen(organization_id=LOG + 1)
    stranger = AuditEvent.objects.get(log=LOG + 1)
    line = {"canonical": bytes(stranger.canonical).decode(), "signature": stranger.signature_text}
    lines.insert(-1, {"type": "event", "position": None, "key": stranger.key_id, **line})


def change_hash(lines):
    leaves = next(line for line in lines if line["type"] == "leaves")
    put_hashes(leaves, [b"\x00" * 32, *hashes(leaves)[1:]])


def cut_hashes(lines):
    leaves = next(line for line in lines if line["type"] == "leaves")
    put_hashes(leaves, hashes(leaves)[:2])


def remove_hashes(lines):
    lines.remove(next(line for line in lines if line["type"] == "leaves"))


def remove_hashes_and_an_event(lines):
    remove_hashes(lines)
    remove_event(lines)


def fork(lines):
    """A checkpoint of another history, signed with the real key."""
    forked = Checkpoint(selectors.log_origin(LOG), 3, b"\x11" * 32)
    checkpoint(lines, 3)["note"] = sign_checkpoint(forked, keys.active_signer())


def forge_checkpoint(lines):
    forged = Checkpoint(selectors.log_origin(LOG), 3, b"\x11" * 32)
    checkpoint(lines, 3)["note"] = sign_checkpoint(forged, Signer.from_seed(new_seed()))


def misname_checkpoint(lines):
    checkpoint(lines, 4)["note"] = checkpoint(lines, 3)["note"]


def remove_last_checkpoint(lines):
    lines.remove(checkpoint(lines, 4))


def remove_all_checkpoints(lines):
    lines[:] = [line for line in lines if line["type"] != "checkpoint"]


def promise_more(lines):
    header(lines)["size"] = 10**15


def promise_less(lines):
    header(lines)["size"] = 3
    lines.remove(checkpoint(lines, 3))


def tell_only_a_part(lines):
    """And leave an event of the other part in."""
    header(lines)["first"] = 1


def place_beyond_all(lines):
    event(lines, 3)["position"] = 10**15


def rename_log(lines):
    header(lines)["origin"] = header(lines)["origin"].replace("chancery", "elsewhere")


def cut_file(lines):
    del lines[lines.index(event(lines, 2)) :]


def hashes(line: Line) -> list[bytes]:
    return verifier._Line(json.dumps(line).encode()).hashes("hashes")


def put_hashes(line: Line, hashes: list[bytes]) -> None:
    line["hashes"] = base64.b64encode(b"".join(hashes)).decode()


TAMPERED: dict[Callable[[list[Line]], None], set[tuple[str, int | None]]] = {
    change_event: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    change_signature: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    sign_with_own_key: {(Fault.EVENT_REPLACED, 1)},
    remove_event: {(Fault.EVENT_MISSING, 1)},
    remove_last: {(Fault.EVENT_MISSING, 3)},
    remove_event_and_its_hash: {(Fault.EXPORT_BROKEN, None), (Fault.EVENT_UNCOVERED, 2)},
    swap_places: {(Fault.EVENT_MISSING, 1), (Fault.EVENT_REPLACED, 2), (Fault.EVENT_MISPLACED, 1)},
    swap_lines: {(Fault.EVENT_MISSING, 1), (Fault.EVENT_MISPLACED, 1)},
    swap_bodies: {(Fault.EVENT_REPLACED, 1), (Fault.EVENT_REPLACED, 2)},
    repeat_event: {(Fault.EVENT_MISPLACED, 1)},
    replace_by_another_signed_event: {(Fault.EVENT_REPLACED, 1)},
    bring_event_of_another_log: {(Fault.EVENT_DISGUISED, None)},
    change_hash: {(Fault.EVENT_REPLACED, 0), (Fault.CHECKPOINT_FORKED, 3), (Fault.CHECKPOINT_FORKED, 4)},
    cut_hashes: {(Fault.TILE_DAMAGED, 2)},
    remove_hashes: {(Fault.TILE_DAMAGED, 0)},
    remove_hashes_and_an_event: {(Fault.TILE_DAMAGED, 0), (Fault.TILE_DAMAGED, 1), (Fault.EVENT_MISSING, 1)},
    fork: {(Fault.CHECKPOINT_FORKED, 3)},
    forge_checkpoint: {(Fault.CHECKPOINT_FORGED, 3)},
    misname_checkpoint: {(Fault.CHECKPOINT_FORGED, 4), (Fault.EVENT_UNCOVERED, 3)},
    remove_last_checkpoint: {(Fault.EVENT_UNCOVERED, 3)},
    remove_all_checkpoints: {(Fault.EVENT_UNCOVERED, 3)},
    promise_more: {(Fault.EVENT_MISSING, 4), (Fault.TILE_DAMAGED, 4)},
    place_beyond_all: {(Fault.EXPORT_BROKEN, None), (Fault.EVENT_MISSING, 3)},
    tell_only_a_part: {(Fault.EXPORT_BROKEN, None)},
    promise_less: {(Fault.EXPORT_BROKEN, None), (Fault.TILE_DAMAGED, 0), (Fault.EVENT_UNCOVERED, 2)},
    rename_log: {(Fault.CHECKPOINT_FORGED, 3), (Fault.CHECKPOINT_FORGED, 4), (Fault.EVENT_UNCOVERED, 3)},
    cut_file: {
        (Fault.EXPORT_BROKEN, None),
        (Fault.EVENT_MISSING, 2),
        (Fault.EVENT_MISSING, 3),
        (Fault.EVENT_UNCOVERED, 3),
    },
}


@pytest.mark.parametrize(("tamper", "found"), TAMPERED.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_tampering_with_an_export_is_found_where_it_is(lines, tamper, found):
    tamper(lines)
    assert faults(lines) == found


def test_a_finding_names_its_event_in_words(lines):
    change_event(lines)
    forged, replaced = verify_export(written(lines)).findings
    event_id = json.loads(event(lines, 1)["canonical"])["id"]
    assert forged.subject == replaced.subject == event_id
    assert str(forged) == (f"event-forged in log 7 at 1 ({event_id}): the signature is not over the bytes of the event")


def test_an_export_that_is_wrong_throughout_is_not_told_line_by_line(lines):
    unsealed = event(lines, None)
    unsealed["canonical"] = "{}"
    lines[-1:-1] = [unsealed] * (MAX_FINDINGS + 20)
    assert len(verify_export(written(lines)).findings) == MAX_FINDINGS


# --- what only somebody who remembers can find ------------------------------------------------------------------------


def rewritten(lines: list[Line], signer: Signer) -> list[Line]:
    """The whole log once more, with a tree that fits, signed with `signer`."""
    tree, leaves = Frontier(), []
    for position in range(4):
        line = event(lines, position)
        line["canonical"] = line["canonical"].replace("alice", "mallory")
        signature = signer.signature(line["canonical"].encode())
        line.update(signature=signature_text(signature), key=signer.key_id)
        leaves.append(leaf_hash(entry(line["canonical"].encode(), signature)))
        tree.append(leaves[-1])
        if position + 1 in (3, 4):
            note = sign_checkpoint(Checkpoint(header(lines)["origin"], position + 1, tree.root()), signer)
            checkpoint(lines, position + 1)["note"] = note
    put_hashes(next(line for line in lines if line["type"] == "leaves"), leaves)
    lines[1]["public_keys"] = [signer.public_key.hex()]
    lines.remove(event(lines, None))
    return lines


def test_a_history_of_another_key_is_found_by_whoever_knows_the_key(lines):
    genuine = keys.active_signer().public_key
    forged = rewritten(lines, Signer.from_seed(new_seed()))
    assert faults(forged) == set()
    assert (Fault.EVENT_FORGED, 0) in faults(forged, public_keys=[genuine])
    assert (Fault.CHECKPOINT_FORGED, 4) in faults(forged, public_keys=[genuine])


@pytest.mark.parametrize("size", [3, 4])
def test_a_history_rewritten_with_the_real_key_is_found_by_whoever_kept_a_checkpoint(lines, size):
    kept = checkpoint(lines, size)["note"]
    assert faults(lines, notes=[kept]) == set()
    forged = rewritten(lines, keys.active_signer())
    assert faults(forged) == set()
    assert faults(forged, notes=[kept]) == {(Fault.CHECKPOINT_FORKED, size)}


def test_a_log_that_was_cut_is_found_by_whoever_kept_a_later_checkpoint(lines):
    later = checkpoint(lines, 4)["note"]
    earlier = [line for line in lines if line not in (event(lines, 3), checkpoint(lines, 4), event(lines, None))]
    header(earlier)["size"] = 3
    put_hashes(leaves := next(line for line in earlier if line["type"] == "leaves"), hashes(leaves)[:3])
    assert faults(earlier) == set()
    assert faults(earlier, notes=[later]) == {(Fault.LOG_CUT, 4)}


def test_a_log_that_is_not_there_at_all_is_found_by_whoever_kept_its_checkpoint(lines):
    kept = checkpoint(lines, 4)["note"]
    assert faults([lines[0], lines[1], lines[-1]], notes=[kept]) == {(Fault.LOG_CUT, None)}


def test_a_checkpoint_that_was_never_ours_is_told(lines):
    kept = checkpoint(lines, 4)["note"].replace("4\n", "5\n", 1)
    assert faults(lines, notes=[kept]) == {(Fault.CHECKPOINT_FORGED, None)}


# --- a part of the log ------------------------------------------------------------------------------------------------


@pytest.fixture
def long_log(db) -> datetime:
    """600 events in two seals, and the moment that parts the first 300 from the others."""
    for _ in range(2):
        happen_often(300)
        seal(actor=SYSTEM)
    middle = datetime(2026, 6, 1, tzinfo=UTC)
    with unguarded():
        early = AuditEvent.objects.filter(log=LOG, position__lt=300)
        early.update(at=middle - timedelta(seconds=1))
        AuditEvent.objects.filter(log=LOG, position__gte=300).update(at=middle)
    return middle


def test_what_is_older_stands_there_as_hashes(long_log):
    lines = [json.loads(line) for line in export(actor=AUDITOR, logs=[LOG], since=long_log)]
    positions = [line["position"] for line in lines if line["type"] == "event"]
    assert positions == [*range(300, 600), None]
    assert [len(hashes(line)) for line in lines if line["type"] == "leaves"] == [256, 256, 88]
    assert [line["size"] for line in lines if line["type"] == "checkpoint"] == [300, 600]
    verification = verify_export(written(lines))
    assert verification.is_sound
    assert "600 events" in str(verification)
    assert "of the first 300 only the hashes" in str(verification)


def test_a_date_is_its_first_moment(long_log):
    lines = export(actor=AUDITOR, logs=[LOG], since=long_log.date())
    assert sum(json.loads(line)["type"] == "event" for line in lines) == 301


def test_a_checkpoint_from_before_the_part_is_still_compared(long_log):
    kept = AuditCheckpoint.objects.get(log=LOG, size=300)
    lines = [json.loads(line) for line in export(actor=AUDITOR, logs=[LOG], since=long_log + timedelta(days=1))]
    assert [line["position"] for line in lines if line["type"] == "event"] == [None]
    assert faults(lines, notes=[kept.note]) == set()
    other = Checkpoint(selectors.log_origin(LOG), 300, b"\x11" * 32)
    forked = sign_checkpoint(other, keys.active_signer())
    assert faults(lines, notes=[forked]) == {(Fault.CHECKPOINT_FORKED, 300)}


def test_an_export_reads_tile_by_tile(long_log, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        assert verify_export(export(actor=AUDITOR, logs=[LOG])).is_sound


# --- tampering with the database --------------------------------------------------------------------------------------


def row(position: int):
    return AuditEvent.objects.filter(log=LOG, position=position)


def db_change_bytes():
    document = row(1).get().document
    document["actor"]["label"] = "mallory@example.com"
    row(1).update(canonical=canonical_bytes(document))


def db_scribble():
    row(1).update(canonical=b"\xff\xfe not even text")


def db_remove():
    row(1).delete()


def db_swap():
    row(1).update(position=1000)
    row(2).update(position=1)
    row(1000).update(position=2)


def db_fork():
    checkpoint = Checkpoint(selectors.log_origin(LOG), 3, b"\x11" * 32)
    note = sign_checkpoint(checkpoint, keys.active_signer())
    AuditCheckpoint.objects.filter(log=LOG, size=3).update(root=checkpoint.root, note=note)


def db_remove_tile():
    AuditTile.objects.filter(log=LOG).delete()


def db_unseal():
    row(1).update(position=None)


DATABASE_TAMPERED = {
    db_change_bytes: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    db_scribble: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    db_remove: {(Fault.EVENT_MISSING, 1)},
    db_swap: {(Fault.EVENT_REPLACED, 1), (Fault.EVENT_REPLACED, 2)},
    db_fork: {(Fault.CHECKPOINT_FORKED, 3)},
    db_remove_tile: {(Fault.TILE_DAMAGED, 0)},
    db_unseal: {(Fault.EVENT_MISSING, 1)},
}


@pytest.mark.parametrize(("tamper", "found"), DATABASE_TAMPERED.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_a_database_that_was_tampered_with_is_exported_as_it_is(sealed, tamper, found):
    with unguarded():
        tamper()
    assert faults([json.loads(line) for line in export(actor=AUDITOR, logs=[LOG])]) == found

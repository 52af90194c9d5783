"""An audit row that was changed, removed, reordered or forked is found (design: what must always hold, 7)."""

from __future__ import annotations

import json

import pytest
from django.db.models import F

from audit import checkpoint_files, keys, selectors
from audit.canonical import canonical_bytes
from audit.merkle import Tree
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.services import Fault, seal, verify
from audit.signing import Signer, new_seed, sign_checkpoint
from audit.verifier import MAX_FINDINGS, Checkpoint, entry, leaf_hash
from kernel.actor import SYSTEM
from tests.append_only import unguarded
from tests.audit.happenings import LOG, happen


@pytest.fixture
def sealed(three_events):
    seal(actor=SYSTEM)
    happen(label="fourth")
    seal(actor=SYSTEM)
    return three_events


def faults(log: int | None = LOG) -> set[tuple[str, int | None]]:
    return {(finding.fault.value, finding.position) for finding in verify(log).findings}


def row(position: int):
    return AuditEvent.objects.filter(log=LOG, position=position)


def test_an_untouched_log_is_sound(sealed):
    happen(label="not yet sealed")
    verification = verify()
    assert verification.is_sound
    by_log = {log.log: log for log in verification.logs}
    assert (by_log[LOG].size, by_log[LOG].unsealed) == (4, 1)
    assert by_log[LOG].root == bytes(selectors.latest_checkpoint(LOG).root)
    assert verification.events == 6


def test_a_log_without_events_is_sound(db):
    assert verify(LOG).is_sound


def change_bytes():
    document = row(1).get().document
    document["actor"]["label"] = "mallory@example.com"
    row(1).update(canonical=canonical_bytes(document))


def change_column():
    row(1).update(actor_label="mallory@example.com")


def change_signature():
    row(1).update(signature=b"\x00" * 64)


def change_key():
    row(1).update(key_id="0" * 16)


def sign_with_own_key():
    """Whoever has the database and not the master key signs with a key of their own."""
    own, event = Signer.from_seed(new_seed()), row(1).get()
    row(1).update(signature=own.signature(bytes(event.canonical)), key_id=own.key_id)


def remove_one():
    row(1).delete()


def remove_last():
    row(3).delete()


def swap_two():
    row(1).update(position=1000)
    row(2).update(position=1)
    row(1000).update(position=2)


def replace_by_another_signed_event():
    """Even a real signature does not help: the tree knows what stood there."""
    stranger = happen(organization_id=LOG, label="planted")
    row(1).delete()
    AuditEvent.objects.filter(pk=stranger.pk).update(position=1)


def move_to_another_log():
    row(3).update(log=LOG + 1)


def unseal_one():
    row(1).update(position=None)


def seal_beyond_the_checkpoint():
    planted = happen(label="planted")
    AuditEvent.objects.filter(pk=planted.pk).update(position=4)


def cut_tile():
    tile = AuditTile.objects.get(log=LOG, level=0)
    AuditTile.objects.filter(pk=tile.pk).update(hashes=bytes(tile.hashes)[:64])


def change_tile():
    tile = AuditTile.objects.get(log=LOG, level=0)
    AuditTile.objects.filter(pk=tile.pk).update(hashes=b"\x00" * 32 + bytes(tile.hashes)[32:])


def remove_tile():
    AuditTile.objects.filter(log=LOG).delete()


def fork():
    """A checkpoint of another history, signed with the real key."""
    checkpoint = Checkpoint(selectors.log_origin(LOG), 3, b"\x11" * 32)
    note = sign_checkpoint(checkpoint, keys.active_signer())
    AuditCheckpoint.objects.filter(log=LOG, size=3).update(root=checkpoint.root, note=note)


def forge_checkpoint():
    checkpoint = Checkpoint(selectors.log_origin(LOG), 3, b"\x11" * 32)
    AuditCheckpoint.objects.filter(log=LOG, size=3).update(
        note=sign_checkpoint(checkpoint, Signer.from_seed(new_seed()))
    )


def change_checkpoint_columns():
    AuditCheckpoint.objects.filter(log=LOG, size=3).update(root=b"\x11" * 32)


def remove_checkpoints():
    AuditCheckpoint.objects.filter(log=LOG).delete()


def remove_last_checkpoint():
    AuditCheckpoint.objects.filter(log=LOG, size=4).delete()


def remove_the_tail_with_its_checkpoint():
    row(3).delete()
    AuditCheckpoint.objects.filter(log=LOG, size=4).delete()
    tile = AuditTile.objects.get(log=LOG, level=0)
    AuditTile.objects.filter(pk=tile.pk).update(hashes=bytes(tile.hashes)[:96])


def remove_everything():
    for model in (AuditEvent, AuditTile, AuditCheckpoint):
        model.objects.filter(log=LOG).delete()


def rewrite_history():
    """The whole log again, with the real key and a tree that fits: only the file outside knows better."""
    document = row(1).get().document | {"event": "ca.created"}
    canonical, signer = canonical_bytes(document), keys.active_signer()
    row(1).update(canonical=canonical, signature=signer.signature(canonical), name="ca.created")
    tree = Tree()
    AuditCheckpoint.objects.filter(log=LOG).delete()
    for event in AuditEvent.objects.filter(log=LOG).order_by("position"):
        tree.append(leaf_hash(entry(bytes(event.canonical), bytes(event.signature))))
    checkpoint = Checkpoint(selectors.log_origin(LOG), tree.size, tree.root())
    AuditCheckpoint.objects.create(
        log=LOG, size=tree.size, root=tree.root(), note=sign_checkpoint(checkpoint, signer), at=row(1).get().at
    )
    ((_, hashes),) = tree.take_tiles().items()
    AuditTile.objects.filter(log=LOG).update(hashes=hashes)


TAMPERED = {
    change_bytes: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    change_column: {(Fault.EVENT_DISGUISED, 1)},
    change_signature: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    change_key: {(Fault.EVENT_FORGED, 1)},
    sign_with_own_key: {(Fault.EVENT_FORGED, 1), (Fault.EVENT_REPLACED, 1)},
    remove_one: {(Fault.EVENT_MISSING, 1)},
    remove_last: {(Fault.EVENT_MISSING, 3)},
    swap_two: {(Fault.EVENT_REPLACED, 1), (Fault.EVENT_REPLACED, 2)},
    replace_by_another_signed_event: {(Fault.EVENT_REPLACED, 1)},
    move_to_another_log: {(Fault.EVENT_MISSING, 3)},
    unseal_one: {(Fault.EVENT_MISSING, 1)},
    seal_beyond_the_checkpoint: {(Fault.EVENT_UNCOVERED, 4)},
    cut_tile: {(Fault.TILE_DAMAGED, 0)},
    change_tile: {(Fault.EVENT_REPLACED, 0), (Fault.CHECKPOINT_FORKED, 3), (Fault.CHECKPOINT_FORKED, 4)},
    remove_tile: {(Fault.TILE_DAMAGED, 0)},
    fork: {(Fault.CHECKPOINT_FORKED, 3)},
    forge_checkpoint: {(Fault.CHECKPOINT_FORGED, 3)},
    change_checkpoint_columns: {(Fault.CHECKPOINT_FORGED, 3)},
    remove_checkpoints: {(Fault.EVENT_UNCOVERED, 3), (Fault.LOG_CUT, 4)},
    remove_last_checkpoint: {(Fault.EVENT_UNCOVERED, 3), (Fault.LOG_CUT, 4)},
    remove_the_tail_with_its_checkpoint: {(Fault.LOG_CUT, 4)},
    remove_everything: {(Fault.LOG_CUT, 4)},
    rewrite_history: {(Fault.CHECKPOINT_FORKED, 4)},
}


@pytest.mark.parametrize(("tamper", "found"), TAMPERED.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_tampering_is_found_where_it_is(sealed, tamper, found):
    with unguarded():
        tamper()
    assert faults() == found
    assert not verify().is_sound


def test_an_event_in_the_wrong_log_is_found_there(sealed):
    with unguarded():
        move_to_another_log()
    assert faults(LOG + 1) == {(Fault.EVENT_UNCOVERED, 3), (Fault.EVENT_DISGUISED, 3)}


def test_an_unsealed_event_must_be_signed_too(sealed):
    event = happen(label="not yet sealed")
    with unguarded():
        AuditEvent.objects.filter(pk=event.pk).update(canonical=b"{}")
    assert faults() == {(Fault.EVENT_FORGED, None)}


def test_a_scribbled_file_is_a_fault(sealed):
    checkpoint_files.write(selectors.log_origin(LOG), "scribble")
    assert faults() == {(Fault.CHECKPOINT_FORGED, None)}


def test_a_file_that_is_behind_is_none(sealed):
    checkpoint_files.write(selectors.log_origin(LOG), AuditCheckpoint.objects.get(log=LOG, size=3).note)
    assert verify().is_sound


def test_without_keys_nothing_is_believed(sealed):
    with unguarded():
        selectors.AuditKey.objects.all().delete()
    assert not verify().is_sound


def test_upper_tiles_are_checked_too(db):
    for number in range(257):
        happen(label=str(number))
    seal(actor=SYSTEM)
    assert verify().is_sound
    with unguarded():
        AuditTile.objects.filter(log=LOG, level=1).update(hashes=b"\x00" * 32)
    assert faults() == {(Fault.TILE_DAMAGED, 0)}


def test_a_log_that_is_wrong_throughout_is_not_told_event_by_event(db):
    for number in range(MAX_FINDINGS + 20):
        happen(label=str(number))
    seal(actor=SYSTEM)
    with unguarded():
        AuditEvent.objects.filter(log=LOG).update(actor_id=F("actor_id") + 1)
    assert len(verify(LOG).findings) == MAX_FINDINGS


def test_a_finding_names_its_event(sealed):
    with unguarded():
        change_column()
    (finding,) = verify(LOG).findings
    assert finding.subject == json.loads(bytes(row(1).get().canonical))["id"]

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from audit import checkpoint_files, locks, selectors
from audit.keys import genuine_public_keys
from audit.merkle import Tree
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.services import seal, sealing, verify
from audit.tasks import seal as seal_task
from audit.verifier import entry, leaf_hash, open_checkpoint
from kernel.actor import SYSTEM
from kernel.errors import Denied
from tests.append_only import unguarded
from tests.audit.happenings import ALICE, LOG, happen
from tests.postgres import PATIENCE_SECONDS


def positions(log: int = LOG) -> list[tuple[int | None, str]]:
    events = AuditEvent.objects.filter(log=log).order_by("pk")
    return list(events.values_list("position", "resource_label"))


def test_events_take_their_places_in_the_order_of_writing(three_events):
    seal(actor=SYSTEM)
    assert positions() == [(0, "first"), (1, "second"), (2, "third")]


def test_each_log_counts_for_itself(three_events):
    happen(organization_id=LOG + 1, label="elsewhere")
    assert seal(actor=SYSTEM) == 5  # With the event of the key in the system's log.
    assert positions(LOG + 1) == [(0, "elsewhere")]
    assert positions(0)[0][0] == 0


def test_nothing_new_leaves_no_checkpoint(three_events):
    seal(actor=SYSTEM)
    before = AuditCheckpoint.objects.count()
    assert seal(actor=SYSTEM) == 0
    assert AuditCheckpoint.objects.count() == before


def test_the_checkpoint_signs_the_root_over_the_stored_bytes_and_signatures(three_events):
    seal(actor=SYSTEM)
    tree = Tree()
    for event in three_events:
        tree.append(leaf_hash(entry(bytes(event.canonical), bytes(event.signature))))
    checkpoint = selectors.latest_checkpoint(LOG)
    signed = open_checkpoint(checkpoint.note, selectors.log_origin(LOG), genuine_public_keys().values())
    assert (signed.size, signed.root) == (3, tree.root())
    assert (checkpoint.size, bytes(checkpoint.root)) == (3, tree.root())


def test_the_tree_goes_on_where_it_ended_and_across_tiles(db, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH_SIZE", 100)
    for number in range(270):
        happen(label=str(number))
    assert [seal(actor=SYSTEM) for _ in range(4)] == [101, 100, 70, 0]
    assert [label for _, label in sorted(positions())] == [str(number) for number in range(270)]
    tiles = AuditTile.objects.filter(log=LOG).values_list("level", "number", "hashes")
    assert {(level, number, len(hashes) // 32) for level, number, hashes in tiles} == {
        (0, 0, 256),
        (0, 1, 14),
        (1, 0, 1),
    }
    assert verify().is_sound


def test_a_late_event_with_a_low_number_is_sealed_after_the_others(three_events):
    """What a transaction that began early and commits late looks like to the sealer."""
    late = three_events[1]
    with unguarded():
        AuditEvent.objects.filter(pk=late.pk).update(log=LOG + 1)
    seal(actor=SYSTEM)
    with unguarded():
        AuditEvent.objects.filter(pk=late.pk).update(log=LOG, position=None)
    seal(actor=SYSTEM)
    assert positions() == [(0, "first"), (2, "second"), (1, "third")]


def test_the_checkpoint_is_also_outside_the_database(three_events, settings):
    seal(actor=SYSTEM)
    path = Path(settings.AUDIT_CHECKPOINT_DIR, selectors.log_origin(LOG), "checkpoint")
    assert path.read_text(encoding="utf-8") == selectors.latest_checkpoint(LOG).note
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint"]


def test_a_full_disk_outside_costs_the_copy_and_not_the_sealing(three_events, monkeypatch, caplog):
    def no_space(origin: str, note: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_files, "write", no_space)
    seal(actor=SYSTEM)
    assert positions()[2] == (2, "third")
    assert "not outside the database" in caplog.text


def test_who_may_not_seal_is_refused(three_events):
    with pytest.raises(Denied):
        seal(actor=ALICE)
    assert selectors.oldest_unsealed() is not None


def test_the_task_seals(three_events):
    seal_task()
    assert selectors.oldest_unsealed() is None


# --- a log that contradicts its own checkpoint is not signed over ---


def forget_last_event() -> None:
    """The database as a backup from before the last event had it, and something new since."""
    with unguarded():
        AuditCheckpoint.objects.filter(log=LOG).delete()
        AuditTile.objects.filter(log=LOG).delete()
        AuditEvent.objects.filter(log=LOG).delete()
    happen(label="after the restore")


def replace_tile() -> None:
    with unguarded():
        AuditTile.objects.filter(log=LOG).update(hashes=b"x" * 96)


def remove_tile() -> None:
    with unguarded():
        AuditTile.objects.filter(log=LOG).delete()


def forge_checkpoint() -> None:
    with unguarded():
        AuditCheckpoint.objects.filter(log=LOG).update(note="a note of someone else's\n")


def scribble_on_file() -> None:
    checkpoint_files.write(selectors.log_origin(LOG), "scribble")


CONTRADICTIONS = [forget_last_event, replace_tile, remove_tile, forge_checkpoint, scribble_on_file]


@pytest.mark.parametrize("tamper", CONTRADICTIONS, ids=lambda tamper: tamper.__name__)
def test_no_second_history_is_signed(three_events, tamper, caplog):
    seal(actor=SYSTEM)
    tamper()
    happen(label="next")
    elsewhere = happen(organization_id=LOG + 1)
    seal(actor=SYSTEM)
    assert AuditEvent.objects.get(resource_label="next").position is None
    assert f"audit log {LOG} is not sealed" in caplog.text
    elsewhere.refresh_from_db()
    assert elsewhere.is_sealed


# --- several at once ---


@pytest.mark.postgres
def test_sealers_and_writers_at_once_leave_one_history(transactional_db):
    writing = threading.Event()
    failures: list[BaseException] = []

    def guarded(work):
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)
            finally:
                connection.close()

        return threading.Thread(target=run)

    def write() -> None:
        for number in range(60):
            happen(label=str(number))

    def keep_sealing() -> None:
        while not writing.is_set():
            seal(actor=SYSTEM)

    writers, sealers = [guarded(write) for _ in range(3)], [guarded(keep_sealing) for _ in range(3)]
    for thread in writers + sealers:
        thread.start()
    for thread in writers:
        thread.join()
    writing.set()
    for thread in sealers:
        thread.join()
    seal(actor=SYSTEM)
    assert failures == []
    assert sorted(position for position, _ in positions()) == list(range(180))
    assert verify().is_sound


@pytest.mark.postgres
def test_an_event_that_commits_after_the_sealer_passed_is_not_skipped(transactional_db):
    written, sealed = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            happen(label="slow")
            written.set()
            sealed.wait(PATIENCE_SECONDS)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(PATIENCE_SECONDS)
    happen(label="quick")
    seal(actor=SYSTEM)
    sealed.set()
    thread.join()
    assert positions() == [(None, "slow"), (0, "quick")]
    seal(actor=SYSTEM)
    assert positions() == [(1, "slow"), (0, "quick")]
    assert verify().is_sound


@pytest.mark.postgres
def test_a_log_that_someone_is_sealing_is_left_to_them(transactional_db):
    happen()
    held, finished = threading.Event(), threading.Event()

    def other_sealer() -> None:
        with transaction.atomic():
            assert locks.is_only_sealer(LOG)
            held.set()
            finished.wait(PATIENCE_SECONDS)
        connection.close()

    thread = threading.Thread(target=other_sealer)
    thread.start()
    assert held.wait(PATIENCE_SECONDS)
    try:
        assert seal(actor=SYSTEM) == 1  # The system's log, with the event of its key.
        assert positions()[0][0] is None
    finally:
        finished.set()
        thread.join()
    assert seal(actor=SYSTEM) == 1

"""Whether the log still is what was signed: events, their places, the tree over them, and its checkpoints."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping

from django.db.models import Max, Q
from django.utils import timezone

from audit import checkpoint_files, keys, selectors
from audit.document import SYSTEM_LOG, columns
from audit.merkle import TILE_WIDTH, TileId, Tree, split_tile
from audit.models import AuditCheckpoint, AuditEvent, AuditKey, AuditTile
from audit.services.correspondence import find_mismatches
from audit.verifier import (
    MAX_FINDINGS,
    Checkpoint,
    Fault,
    Finding,
    LogVerification,
    NoteBroken,
    Verification,
    entry,
    is_signed,
    leaf_hash,
    open_checkpoint,
)


def verify(log: int | None = None) -> Verification:
    """Check one log, or all of them (None): every signature, position, tile and checkpoint, each read once.

    Rows that keep an event are looked up in the log, and their events in the rows: what there is of one without the
    other is `beside` the logs. Takes about 0.2 ms an event. What happens meanwhile is neither checked nor a fault.
    """
    at = timezone.now()
    numbers = selectors.all_logs() if log is None else [log]
    return Verification(at, tuple(_LogCheck(number).run() for number in numbers), tuple(find_mismatches(log)))


class _LogCheck:
    """One pass over one log."""

    def __init__(self, log: int) -> None:
        self.log = log
        self.origin = selectors.log_origin(log)
        self.public_keys = keys.genuine_public_keys()
        self.tree = Tree()
        self.findings: list[Finding] = []
        self.unsealed = 0

    def run(self) -> LogVerification:
        # Read in this order, the checkpoint is never behind the other two, whatever is sealed meanwhile.
        outside = self._outside()
        last_position = AuditEvent.objects.filter(log=self.log).aggregate(last=Max("position"))["last"]
        checkpoint = selectors.latest_checkpoint(self.log)
        size = 0 if checkpoint is None else checkpoint.size
        if outside is not None and outside.size > size:
            self._found(Fault.LOG_CUT, outside.size)
        if last_position is not None and last_position >= size:
            self._found(Fault.EVENT_UNCOVERED, last_position)
        if self.log == SYSTEM_LOG:
            self._check_keys()
        self._check_tree(size, outside)
        self._check_unsealed(size)
        root = b"" if checkpoint is None else bytes(checkpoint.root)
        return LogVerification(self.log, size, root, self.unsealed, tuple(self.findings[:MAX_FINDINGS]))

    def _outside(self) -> Checkpoint | None:
        note = checkpoint_files.read(self.origin)
        return None if note is None else self._opened(note, None)

    def _check_keys(self) -> None:
        for row in AuditKey.objects.all():
            if row.key_id not in self.public_keys:
                self._found(Fault.KEY_FORGED, None, row.key_id)

    def _check_tree(self, size: int, outside: Checkpoint | None) -> None:
        """Events against the leaves that were sealed, the tree of these against every checkpoint and tile."""
        promises = heapq.merge(
            self._checkpoints(size), [] if outside is None else [outside], key=lambda checkpoint: checkpoint.size
        )
        promise = next(promises, None)
        tiles: dict[TileId, bytes] = {}
        for start in range(0, size, TILE_WIDTH):
            for leaf in self._check_events(start, min(start + TILE_WIDTH, size)):
                self.tree.append(leaf)
                while promise is not None and promise.size <= self.tree.size:
                    if (promise.size, promise.root) != (self.tree.size, self.tree.root()):
                        self._found(Fault.CHECKPOINT_FORKED, promise.size)
                    promise = next(promises, None)
            if self.tree.size < min(start + TILE_WIDTH, size) or len(self.findings) >= MAX_FINDINGS:
                return  # There is no tree beyond a leaf that nobody has.
            tiles |= self.tree.take_tiles()
        self._check_upper_tiles(tiles)

    def _checkpoints(self, size: int) -> Iterator[Checkpoint]:
        for row in AuditCheckpoint.objects.filter(log=self.log, size__lte=size).order_by("size").iterator():
            checkpoint = self._opened(row.note, row.size)
            if checkpoint is None:
                continue
            if (checkpoint.size, checkpoint.root) == (row.size, bytes(row.root)):
                yield checkpoint
            else:
                self._found(Fault.CHECKPOINT_FORGED, row.size)

    def _check_events(self, start: int, end: int) -> Iterator[bytes]:
        """The leaf hashes of [start, end): as they were sealed, or else as the events say; ends where neither is."""
        tile = AuditTile.objects.filter(log=self.log, level=0, number=start // TILE_WIDTH).first()
        sealed = [] if tile is None else split_tile(bytes(tile.hashes))
        if len(sealed) < end - start:
            self._found(Fault.TILE_DAMAGED, start)
        within = AuditEvent.objects.filter(log=self.log, position__gte=start, position__lt=end)
        events = {row.position: row for row in within}
        for position in range(start, end):
            leaf = sealed[position - start] if position - start < len(sealed) else None
            if (row := events.get(position)) is None:
                self._found(Fault.EVENT_MISSING, position)
            else:
                self._check_event(row)
                actual = leaf_hash(entry(bytes(row.canonical), bytes(row.signature)))
                if leaf is None:
                    leaf = actual
                elif leaf != actual:
                    self._found(Fault.EVENT_REPLACED, position, row.event_id)
            if leaf is None:
                return
            yield leaf

    def _check_upper_tiles(self, expected: Mapping[TileId, bytes]) -> None:
        stored = {
            TileId(row.level, row.number): bytes(row.hashes)
            for row in AuditTile.objects.filter(log=self.log, level__gt=0).iterator()
        }
        for tile, hashes in expected.items():
            if tile.level > 0 and not stored.get(tile, b"").startswith(hashes):
                self._found(Fault.TILE_DAMAGED, tile.number * TILE_WIDTH ** (tile.level + 1))

    def _check_unsealed(self, size: int) -> None:
        """Whatever the tree does not cover: signed it must be all the same."""
        uncovered = Q(position=None) | Q(position__gte=size)
        for row in AuditEvent.objects.filter(uncovered, log=self.log).order_by("pk").iterator():
            self.unsealed += 1
            self._check_event(row)

    def _check_event(self, row: AuditEvent) -> None:
        canonical = bytes(row.canonical)
        public_key = self.public_keys.get(row.key_id)
        if public_key is None or not is_signed(public_key, bytes(row.signature), canonical):
            self._found(Fault.EVENT_FORGED, row.position, row.event_id)
        elif any(getattr(row, name) != value for name, value in columns(json.loads(canonical)).items()):
            self._found(Fault.EVENT_DISGUISED, row.position, row.event_id)

    def _opened(self, note: str, size: int | None) -> Checkpoint | None:
        try:
            return open_checkpoint(note, self.origin, self.public_keys.values())
        except NoteBroken:
            self._found(Fault.CHECKPOINT_FORGED, size)
            return None

    def _found(self, fault: Fault, position: int | None, subject: str = "") -> None:
        self.findings.append(Finding(fault, self.log, position, subject))

"""Unsealed events, put into the Merkle tree of their log and under a signed checkpoint."""

from __future__ import annotations

import logging
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from audit import checkpoint_files, keys, locks, selectors
from audit.merkle import TileId, Tree, edge_of
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.services.recording import establish_key
from audit.signing import sign_checkpoint
from audit.verifier import Checkpoint, NoteBroken, entry, leaf_hash, open_checkpoint
from kernel.actor import Actor
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.text import _

log = logging.getLogger(__name__)

# Bounds how long one call holds the lock of a log; what is left is sealed by the next one.
BATCH_SIZE: Final = 2000


class WouldFork(Exception):
    """What is in the database contradicts a checkpoint that was signed before; no second one is signed over it."""


def seal(*, actor: Actor) -> int:
    """Give every unsealed event its place in its log's tree, and sign a checkpoint of each log that grew.

    Returns how many events were sealed; a log that someone else is sealing is left to them. A log that contradicts
    its own last checkpoint is left unsealed and logged as an error. Raises Denied; RuntimeError in a transaction.
    """
    if Permission.AUDIT_SEAL not in actor.permissions:
        raise Denied(_("Sealing the audit log needs the permission %(permission)s."), permission=Permission.AUDIT_SEAL)
    sealed = 0
    for number in selectors.unsealed_logs():
        try:
            sealed += _seal_log(number)
        except WouldFork:
            log.exception("audit log %s is not sealed", number)
    return sealed


def _seal_log(number: int) -> int:
    with transaction.atomic(durable=True):
        if not locks.is_only_sealer(number):
            return 0
        # Never "id > last": a transaction that began early and commits late has a low id.
        unsealed = AuditEvent.objects.filter(log=number, position=None).order_by("pk")
        rows = list(unsealed.only("pk", "canonical", "signature")[:BATCH_SIZE])
        if not rows:
            return 0
        origin = selectors.log_origin(number)
        tree = _open_tree(number, origin)
        _place(rows, first=tree.size)
        for row in rows:
            tree.append(leaf_hash(entry(bytes(row.canonical), bytes(row.signature))))
        _keep_tiles(number, tree)
        note = _keep_checkpoint(number, Checkpoint(origin, tree.size, tree.root()))
    try:
        # After the commit: a file ahead of the database would look like a log that was cut.
        checkpoint_files.write(origin, note)
    except OSError:
        log.exception("the checkpoint of audit log %s is not outside the database", number)
    return len(rows)


def _open_tree(number: int, origin: str) -> Tree:
    """The tree as its last checkpoint signed it. Raises WouldFork if it is not that any more."""
    known = keys.genuine_public_keys().values()
    try:
        last = selectors.latest_checkpoint(number)
        signed = Checkpoint(origin, 0, Tree().root()) if last is None else open_checkpoint(last.note, origin, known)
        tree = _stored_tree(number, signed.size)
        outside = checkpoint_files.read(origin)
        witness = signed if outside is None else open_checkpoint(outside, origin, known)
    except (NoteBroken, ValueError) as error:
        raise WouldFork("the last checkpoint, or the tree under it, is damaged") from error
    if tree.root() != signed.root:
        raise WouldFork("the stored tree is not the one that was signed")
    if witness.size > signed.size or (witness.size == signed.size and witness.root != signed.root):
        raise WouldFork("the checkpoint file is ahead of the database: was an older state restored?")
    return tree


def _stored_tree(number: int, size: int) -> Tree:
    """Raises ValueError where a tile is missing."""
    edge = edge_of(size)
    stored = AuditTile.objects.filter(
        log=number, level__in={tile.level for tile in edge}, number__in={tile.number for tile in edge}
    )
    return Tree(size, {TileId(row.level, row.number): bytes(row.hashes) for row in stored})


def _place(rows: list[AuditEvent], *, first: int) -> None:
    places = [(position, row.pk) for position, row in enumerate(rows, first)]
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE audit_auditevent SET position = %s WHERE id = %s", places)


def _keep_tiles(number: int, tree: Tree) -> None:
    tiles = [
        AuditTile(log=number, level=tile.level, number=tile.number, hashes=hashes)
        for tile, hashes in tree.take_tiles().items()
    ]
    AuditTile.objects.bulk_create(
        tiles, update_conflicts=True, unique_fields=["log", "level", "number"], update_fields=["hashes"]
    )


def _keep_checkpoint(number: int, checkpoint: Checkpoint) -> str:
    note = sign_checkpoint(checkpoint, keys.active_signer() or establish_key())
    AuditCheckpoint.objects.create(log=number, size=checkpoint.size, root=checkpoint.root, note=note, at=timezone.now())
    return note

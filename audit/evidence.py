"""Proofs that an event is in a log, and that a log only grew: for whoever does not want to believe us."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from audit import keys
from audit.merkle import TileId
from audit.models import AuditKey, AuditTile
from audit.proofs import TileReader, consistency_proof, inclusion_proof
from audit.selectors import get_checkpoint, get_event, log_origin
from audit.signing import signature_text
from audit.verifier import entry, is_consistent, is_included, is_signed, leaf_hash
from kernel.actor import Actor
from kernel.errors import Invalid, Unavailable
from kernel.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That the event with these signed bytes stands at `position` of the tree that `checkpoint` was signed over.

    `path` holds the 32-byte hashes of RFC 6962 section 2.1.1, `checkpoint` is a signed note, `root` what it says.
    """

    log: int
    origin: str
    event_id: str
    position: int
    canonical: bytes
    signature: bytes
    key_id: str
    path: tuple[bytes, ...]
    size: int
    root: bytes
    checkpoint: str
    public_keys: tuple[bytes, ...]

    def document(self) -> dict[str, object]:
        """The proof as JSON, in the form that `verifier.py --proof` reads."""
        return {
            "type": "inclusion",
            "log": self.log,
            "origin": self.origin,
            "position": self.position,
            "canonical": self.canonical.decode(),
            "signature": signature_text(self.signature),
            "key": self.key_id,
            "path": _in_base64(self.path),
            "checkpoint": self.checkpoint,
            "public_keys": _in_hex(self.public_keys),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """That the tree of `checkpoint` begins with the tree of `earlier`, so that nothing before was changed or removed.

    `path` holds the 32-byte hashes of RFC 6962 section 2.1.2; both checkpoints are signed notes.
    """

    log: int
    origin: str
    earlier_size: int
    earlier_root: bytes
    earlier: str
    path: tuple[bytes, ...]
    size: int
    root: bytes
    checkpoint: str
    public_keys: tuple[bytes, ...]

    def document(self) -> dict[str, object]:
        """The proof as JSON, in the form that `verifier.py --proof` reads."""
        return {
            "type": "consistency",
            "log": self.log,
            "origin": self.origin,
            "earlier": self.earlier,
            "path": _in_base64(self.path),
            "checkpoint": self.checkpoint,
            "public_keys": _in_hex(self.public_keys),
        }


def published_keys() -> list[AuditKey]:
    """The keys that have signed the logs, the first one first; none that was slipped into the table."""
    return [row for row in AuditKey.objects.order_by("pk") if keys.is_genuine(row)]


def prove_inclusion(event_id: str, *, visible_to: Actor, size: int | None = None) -> InclusionProof:
    """The proof of an event under the checkpoint of `size` events, or under the newest (None).

    Raises NotFound (event, checkpoint), Invalid (`size`: the checkpoint is older than the event), Unavailable
    (`not-sealed`: the event waits for the sealer; `log-damaged`: the log is not what was signed).
    """
    event = get_event(event_id, visible_to=visible_to)
    if event.position is None:
        raise Unavailable(_("The event is not sealed yet; that takes seconds."), code="not-sealed")
    checkpoint = get_checkpoint(event.log, size, visible_to=visible_to)
    if event.position >= checkpoint.size:
        text = _("The checkpoint of %(size)s events is older than the event.")
        raise Invalid.of("size", "too-small", text, size=checkpoint.size)
    canonical, signature, root = bytes(event.canonical), bytes(event.signature), bytes(checkpoint.root)
    known = keys.genuine_public_keys()
    path = inclusion_proof(_tile_reader(event.log), event.position, checkpoint.size)
    leaf = leaf_hash(entry(canonical, signature))
    is_signed_by_us = event.key_id in known and is_signed(known[event.key_id], signature, canonical)
    if not is_signed_by_us or not is_included(leaf, event.position, checkpoint.size, path, root):
        raise _damaged()
    return InclusionProof(
        log=event.log,
        origin=log_origin(event.log),
        event_id=event.event_id,
        position=event.position,
        canonical=canonical,
        signature=signature,
        key_id=event.key_id,
        path=tuple(path),
        size=checkpoint.size,
        root=root,
        checkpoint=checkpoint.note,
        public_keys=tuple(known.values()),
    )


def prove_consistency(log: int, *, earlier: int, size: int | None = None, visible_to: Actor) -> ConsistencyProof:
    """The proof that the checkpoint of `size` events, or the newest (None), continues that of `earlier` events.

    Raises NotFound (log, checkpoint), Invalid (`earlier`: it is the larger one), Unavailable (`log-damaged`).
    """
    old = get_checkpoint(log, earlier, visible_to=visible_to)
    new = get_checkpoint(log, size, visible_to=visible_to)
    if old.size > new.size:
        raise Invalid.of("earlier", "too-large", _("The earlier checkpoint must not be the larger one."))
    roots = bytes(old.root), bytes(new.root)
    path = consistency_proof(_tile_reader(log), old.size, new.size)
    if not is_consistent(old.size, new.size, path, *roots):
        raise _damaged()
    return ConsistencyProof(
        log=log,
        origin=log_origin(log),
        earlier_size=old.size,
        earlier_root=roots[0],
        earlier=old.note,
        path=tuple(path),
        size=new.size,
        root=roots[1],
        checkpoint=new.note,
        public_keys=tuple(keys.genuine_public_keys().values()),
    )


def _tile_reader(log: int) -> TileReader:
    """Reads each tile once; one that is missing is empty, and the proof over it does not hold."""

    @cache
    def read(tile: TileId) -> bytes:
        row = AuditTile.objects.filter(log=log, level=tile.level, number=tile.number).first()
        return b"" if row is None else bytes(row.hashes)

    return read


def _damaged() -> Unavailable:
    return Unavailable(_("The audit log is not what was signed: verify it."), code="log-damaged")


def _in_base64(hashes: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]


def _in_hex(public_keys: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in public_keys]

"""What a log has lost, as its checkpoint outside the database tells, and how it goes on without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from audit import checkpoint_files, keys, selectors
from audit.events import EventName
from audit.merkle import Tree
from audit.resource import Resource
from audit.services.recording import record
from audit.verifier import Checkpoint, NoteBroken, open_checkpoint
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.limits import text_errors
from kernel.text import _

_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Loss:
    """The log ends at `kept` events, and a genuine checkpoint outside says that there were `witnessed`.

    Where both are the same number, the two tell of different events.
    """

    log: int
    kept: int
    witnessed: int
    root: bytes
    note: str

    def __str__(self) -> str:
        return (
            f"Log {self.log}: a checkpoint outside the database covers {self.witnessed} events, "
            f"and the log here ends at {self.kept}."
        )


def find_losses() -> list[Loss]:
    """The logs that nobody will seal, because a checkpoint outside the database contradicts or outruns them."""
    return [loss for log in selectors.all_logs() if (loss := _loss(log)) is not None]


def accept_loss(*, actor: Actor, log: int, reason: str) -> Path:
    """Let the log go on from where it ends here, and tell in it what was lost and why; where the checkpoint is now.

    From then on a second history is signed, which contradicts every checkpoint of the lost part that others keep.
    Superusers only. Raises Denied, Invalid, Conflict (nothing was lost).
    """
    if not actor.is_superuser or actor.organization_id is not None:
        raise Denied(_("Only a superuser can accept that a log has lost events."))
    if errors := text_errors("reason", reason, longest=_LONGEST_REASON, required=True):
        raise Invalid(errors=errors)
    loss = _loss(log)
    if loss is None:
        raise Conflict(_("The log %(log)s has lost nothing that its checkpoint knows of."), log=log)
    with transaction.atomic():
        record(
            actor,
            EventName.AUDIT_LOSS_ACCEPTED,
            Resource("audit_log", log),
            organization_id=log,
            kept=loss.kept,
            witnessed=loss.witnessed,
            root=loss.root.hex(),
            note=loss.note,
            reason=reason,
        )
    # After the commit: interrupted before it, nothing has changed; interrupted here, it is told twice.
    return checkpoint_files.set_aside(selectors.log_origin(log))


def _loss(log: int) -> Loss | None:
    origin = selectors.log_origin(log)
    note = checkpoint_files.read(origin)
    if note is None:
        return None
    try:
        witness = open_checkpoint(note, origin, keys.genuine_public_keys().values())
    except NoteBroken:
        return None
    last = selectors.latest_checkpoint(log)
    own = Checkpoint(origin, 0, Tree().root()) if last is None else Checkpoint(origin, last.size, bytes(last.root))
    if witness.size < own.size or witness == own:
        return None
    return Loss(log, own.size, witness.size, witness.root, note)

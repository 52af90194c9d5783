"""Events, in the transaction of what they tell about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections, transaction
from django.utils import timezone
from ulid import ULID

from audit import keys
from audit.canonical import canonical_bytes
from audit.document import SYSTEM_LOG, columns, event_document
from audit.events import EventName
from audit.models import AuditEvent, AuditKey
from audit.resource import Resource
from audit.signing import Signer
from kernel.actor import SYSTEM, Actor

# Of one INSERT.
BATCH_SIZE: Final = 1000

_FIELDS: Final = [each for each in AuditEvent._meta.concrete_fields if not each.primary_key]
# The ORM would compile this anew for each event, which takes as long as signing it and writing it together.
_INSERT: Final = f"INSERT INTO {AuditEvent._meta.db_table} ({', '.join(str(each.column) for each in _FIELDS)}) VALUES "  # noqa: S608
_PLACES: Final = f"({', '.join(['%s'] * len(_FIELDS))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One of many events that `record_many` writes: what `record` is told of it, except who and where."""

    event: EventName
    resource: Resource
    event_id: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)


def new_event_id() -> str:
    """A ULID, rising within this process: for a row that keeps the id of an event that is written after it."""
    return str(ULID())


def record(
    actor: Actor,
    event: EventName,
    resource: Resource,
    *,
    organization_id: int | None,
    event_id: str | None = None,
    **metadata: object,
) -> AuditEvent:
    """Write one signed event into the caller's transaction, so that both happen or neither.

    `organization_id` names the log; None is the system's. `metadata` holds str, int, bool, None, times, UUIDs,
    lists and mappings of these, and never a secret. Raises TransactionManagementError outside a transaction,
    TypeError or ValueError for metadata that has no canonical form (`canonical_bytes`).
    """
    return append(actor, event, resource, organization_id=organization_id, event_id=event_id, metadata=metadata)


def append(
    actor: Actor,
    event: EventName,
    resource: Resource,
    *,
    organization_id: int | None,
    event_id: str | None,
    metadata: Mapping[str, object],
) -> AuditEvent:
    """`record`, with its metadata as a mapping."""
    happening = Happening(event=event, resource=resource, event_id=event_id, metadata=metadata)
    row = _signed(_signer(), actor, happening, _log_number(organization_id))
    _insert([row])
    return row


def record_many(actor: Actor, happenings: Iterable[Happening], *, organization_id: int | None) -> list[AuditEvent]:
    """Write one signed event for each happening, in their order: what `record` promises, and raises, for all at once.

    One INSERT takes up to 1000 of them; on SQLite, which allows fewer parameters, it may take less.
    """
    signer, log = _signer(), _log_number(organization_id)
    rows = [_signed(signer, actor, happening, log) for happening in happenings]
    size = max(1, min(BATCH_SIZE, transaction.get_connection().ops.bulk_batch_size(_FIELDS, rows)))
    for start in range(0, len(rows), size):
        _insert(rows[start : start + size])
    return rows


@transaction.atomic
def establish_key() -> Signer:
    """The open signing key; made, and its making recorded, if there was none. Any number may ask at once."""
    signer, made = keys.create_signer()
    if made is not None:
        resource = Resource("audit_key", made.pk, made.key_id)
        metadata = {"public_key": signer.public_key.hex()}
        happening = Happening(event=EventName.AUDIT_KEY_CREATED, resource=resource, metadata=metadata)
        _insert([_signed(signer, SYSTEM, happening, SYSTEM_LOG)])
    return signer


def establish_key_after_migration(*, using: str, **_signal: Any) -> None:
    """Make the key while nobody waits, so that the first event of a new system is not slower than the second."""
    keys.forget()  # A flush may have taken the row of the key that is open here.
    connection = connections[using]
    if using == "default" and AuditKey._meta.db_table in connection.introspection.table_names():
        establish_key()


def _signer() -> Signer:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an audit event is written in the transaction it tells about")
    return keys.active_signer() or establish_key()


def _log_number(organization_id: int | None) -> int:
    return SYSTEM_LOG if organization_id is None else organization_id


def _signed(signer: Signer, actor: Actor, happening: Happening, log: int) -> AuditEvent:
    document = event_document(
        event_id=happening.event_id or new_event_id(),
        at=timezone.now(),
        log=log,
        actor=actor,
        event=happening.event,
        resource=happening.resource,
        metadata=happening.metadata,
    )
    canonical = canonical_bytes(document)
    return AuditEvent(
        canonical=canonical, signature=signer.signature(canonical), key_id=signer.key_id, **columns(document)
    )


def _insert(rows: Sequence[AuditEvent]) -> None:
    connection = transaction.get_connection()
    values = [each.get_db_prep_save(getattr(row, each.attname), connection) for row in rows for each in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT}{', '.join([_PLACES] * len(rows))} RETURNING id", values)
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias

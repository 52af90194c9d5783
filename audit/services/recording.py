"""One event, in the transaction of what it tells about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an audit event is written in the transaction it tells about")
    log = SYSTEM_LOG if organization_id is None else organization_id
    signer = keys.active_signer() or establish_key()
    return _write(signer, actor, event, resource, log=log, event_id=event_id, metadata=metadata)


@transaction.atomic
def establish_key() -> Signer:
    """The open signing key; made, and its making recorded, if there was none. Any number may ask at once."""
    signer, made = keys.create_signer()
    if made is not None:
        resource = Resource("audit_key", made.pk, made.key_id)
        public_key = signer.public_key.hex()
        _write(
            signer, SYSTEM, EventName.AUDIT_KEY_CREATED, resource, log=SYSTEM_LOG, metadata={"public_key": public_key}
        )
    return signer


def establish_key_after_migration(*, using: str, **_signal: Any) -> None:
    """Make the key while nobody waits, so that the first event of a new system is not slower than the second."""
    keys.forget()  # A flush may have taken the row of the key that is open here.
    connection = connections[using]
    if using == "default" and AuditKey._meta.db_table in connection.introspection.table_names():
        establish_key()


def _write(
    signer: Signer,
    actor: Actor,
    event: EventName,
    resource: Resource,
    *,
    log: int,
    metadata: Mapping[str, object],
    event_id: str | None = None,
) -> AuditEvent:
    document = event_document(
        event_id=event_id or new_event_id(),
        at=timezone.now(),
        log=log,
        actor=actor,
        event=event,
        resource=resource,
        metadata=metadata,
    )
    canonical = canonical_bytes(document)
    row = AuditEvent(
        canonical=canonical, signature=signer.signature(canonical), key_id=signer.key_id, **columns(document)
    )
    row.save(force_insert=True)
    return row

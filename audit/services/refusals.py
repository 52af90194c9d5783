"""What was asked for and refused: told after the rollback, and not once for each of ten thousand tries."""

from __future__ import annotations

import hashlib
import logging
from typing import Final

from django.core.cache import cache
from django.db import transaction

from audit.canonical import canonical_bytes
from audit.events import EventName
from audit.models import AuditEvent
from audit.resource import Resource
from audit.services.recording import append
from kernel.actor import Actor

log = logging.getLogger(__name__)

WINDOW: Final = 60


def record_refusal(
    actor: Actor,
    event: EventName,
    resource: Resource,
    *,
    organization_id: int | None,
    **metadata: object,
) -> AuditEvent | None:
    """Record that `actor` was refused, in a transaction of its own. None: it was counted and not written.

    The same refusal (actor, event, resource) is written at its 1st, 10th, 100th … time within a minute, with
    `times` in the metadata. Raises RuntimeError inside a transaction, where it would go with the rollback.
    """
    times = _count(actor, event, resource, organization_id)
    if not _is_power_of_ten(times):
        return None
    with transaction.atomic(durable=True):
        counted = metadata | {"times": times}
        return append(actor, event, resource, organization_id=organization_id, event_id=None, metadata=counted)


def _count(actor: Actor, event: EventName, resource: Resource, organization_id: int | None) -> int:
    same = {"actor": actor.pk, "event": event, "log": organization_id, "type": resource.type, "id": resource.id}
    key = "audit.refusal." + hashlib.sha256(canonical_bytes(same | {"label": resource.label})).hexdigest()
    try:
        if cache.add(key, 1, timeout=WINDOW):
            return 1
        return cache.incr(key)
    except ValueError:  # It lapsed between the two.
        return 1
    except Exception:
        # Whatever client the cache has: without it each refusal is written, rather than none.
        log.warning("refusals are not counted: no cache", exc_info=True)
        return 1


def _is_power_of_ten(number: int) -> bool:
    return str(number).rstrip("0") == "1"

"""The log as JSON lines, which `verifier.py` checks without this system.

    {"type":"export","version":1,"at":"2026-11-22T10:00:00.000Z"}
    {"type":"keys","public_keys":[…]}                          in hex
    {"type":"log","log":7,"origin":…,"first":300,"size":1000}  of what is before `first`, only the hashes follow
    {"type":"leaves","position":0,"hashes":…}                  up to 256 leaf hashes, joined, in base64
    {"type":"event","position":300,"canonical":…,"signature":"ed25519:…","key":…}
    {"type":"checkpoint","size":301,"note":…}                  after the event that it covers last
    {"type":"event","position":null,…}                         not sealed yet
    {"type":"end"}

Leaf hashes stand before their events, so that the verifier can say which event is another than was sealed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from audit import keys, selectors
from audit.canonical import timestamp
from audit.events import EventName
from audit.merkle import HASH_SIZE, TILE_WIDTH
from audit.models import AuditCheckpoint, AuditEvent, AuditTile
from audit.resource import Resource
from audit.services.recording import record
from audit.signing import signature_text
from audit.verifier import EXPORT_VERSION
from kernel.actor import Actor
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.text import _

_CHUNK: Final = 500
_PIECE: Final = 64 * 1024


def export(*, actor: Actor, logs: Iterable[int], since: date | datetime | None = None) -> Iterator[bytes]:
    """The lines of an export of these logs, each with its newline, read from the database as they are taken.

    The events since `since` (a date is its first moment in UTC) and whatever was sealed after the first of them;
    of older ones the hashes, so that the tree is whole. That it was exported is recorded in each log, at once.
    Raises Denied, NotFound (a log that the actor does not see).
    """
    if Permission.AUDIT_READ not in actor.permissions:
        raise Denied(
            _("Exporting the audit log needs the permission %(permission)s."), permission=Permission.AUDIT_READ
        )
    numbers = [selectors.visible_log(log, visible_to=actor) for log in logs]
    told = None if since is None else since.isoformat()
    with transaction.atomic():
        for number in numbers:
            resource = Resource("audit_log", number)
            record(actor, EventName.AUDIT_EXPORTED, resource, organization_id=number, since=told)
    return _export(numbers, since)


def in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes for a client, to whom each piece is a write: a line is short."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _export(numbers: list[int], since: date | datetime | None) -> Iterator[bytes]:
    yield _line("export", version=EXPORT_VERSION, at=timestamp(timezone.now()))
    yield _line("keys", public_keys=[key.hex() for key in keys.genuine_public_keys().values()])
    for number in numbers:
        yield from _log_lines(number, since)
    yield _line("end")


def _log_lines(log: int, since: date | datetime | None) -> Iterator[bytes]:
    checkpoint = selectors.latest_checkpoint(log)
    size = 0 if checkpoint is None else checkpoint.size
    first = _first_position(log, since, size)
    yield _line("log", log=log, origin=selectors.log_origin(log), first=first, size=size)
    checkpoints = AuditCheckpoint.objects.filter(log=log, size__gte=first, size__lte=size).order_by("size")
    waiting = checkpoints.iterator(chunk_size=_CHUNK)
    due = next(waiting, None)
    for start in range(0, size, TILE_WIDTH):
        end = min(start + TILE_WIDTH, size)
        yield from _leaves(log, start, end)
        within = AuditEvent.objects.filter(log=log, position__gte=max(start, first), position__lt=end)
        for event in within.order_by("position"):
            while due is not None and due.size <= (event.position or 0):
                yield _line("checkpoint", size=due.size, note=due.note)
                due = next(waiting, None)
            yield _event(event, event.position)
    while due is not None:
        yield _line("checkpoint", size=due.size, note=due.note)
        due = next(waiting, None)
    uncovered = AuditEvent.objects.filter(Q(position=None) | Q(position__gte=size), log=log).order_by("pk")
    for event in uncovered.iterator(chunk_size=_CHUNK):
        yield _event(event, None)


def _first_position(log: int, since: date | datetime | None, size: int) -> int:
    if since is None:
        return 0
    later = AuditEvent.objects.filter(log=log, at__gte=selectors.first_moment(since), position__lt=size)
    first: int | None = later.aggregate(first=Min("position"))["first"]
    return size if first is None else first


def _leaves(log: int, start: int, end: int) -> Iterator[bytes]:
    tile = AuditTile.objects.filter(log=log, level=0, number=start // TILE_WIDTH).first()
    if tile is not None:
        hashes = bytes(tile.hashes)[: (end - start) * HASH_SIZE]
        yield _line("leaves", position=start, hashes=base64.b64encode(hashes).decode())


def _event(event: AuditEvent, position: int | None) -> bytes:
    # Nothing was ever signed that is not UTF-8: what had to be replaced does not verify.
    canonical = bytes(event.canonical).decode(errors="replace")
    signature = signature_text(bytes(event.signature))
    return _line("event", position=position, canonical=canonical, signature=signature, key=event.key_id)


def _line(kind: str, **values: object) -> bytes:
    line = json.dumps({"type": kind, **values}, ensure_ascii=False, separators=(",", ":"))
    return line.encode() + b"\n"

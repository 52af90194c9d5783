"""What was asked for once under an `Idempotency-Key` is done once, and answered alike for a day.

The answer is kept in the transaction of what was done: either both are there, or neither, whatever ends the process.
"""

from __future__ import annotations

import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Self

from django.db import connection, transaction
from django.utils import timezone

from accounts import policy, vault
from accounts.models import ServerSecret
from accounts.policy import Judgement
from accounts.rows import insert, select
from api.common.errors import InProgress
from api.models import IdempotencyRecord
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.seal import context, derive_key, seal, unseal
from kernel.secret import Secret
from kernel.text import _

HEADER: Final = "Idempotency-Key"
LIFETIME: Final = timedelta(hours=24)
LARGEST_ANSWER: Final = 8 * 1024 * 1024
_CHUNK: Final = 1000
_LONGEST_PATH: Final = 500
_LONGEST_LABEL: Final = 200
# Most of an answer is base64 of what is random: a better level finds nothing more.
_COMPRESSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, by whom, and under which key."""

    actor: Actor
    method: str
    path: str
    # The body and whatever else two questions may differ by.
    body: Secret
    key: Secret

    @property
    def principal(self) -> str:
        """Who asks, whatever token comes now; a person is another one in another organization."""
        return f"{self.actor.pk}/{self.actor.person_id}/{self.actor.organization_id}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire: the first time and every other."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def answer_once(question: Question, act: Callable[[], Answer]) -> Answer:
    """Act and remember the answer, or give the one that is remembered. What fails leaves nothing.

    Raises Conflict (the key was used with another body), InProgress, Denied (what was allowed then is not any more),
    Invalid (the answer is too large to be remembered), and whatever `act` raises.
    """
    drawer = _Drawer.of(question)
    with transaction.atomic():
        is_alone = _take_turn(drawer.lookup)
        row = next(iter(select(IdempotencyRecord, "WHERE lookup = %s", [drawer.lookup])), None)
        if row is not None and row.expires_at > timezone.now():
            return _repeat(question, drawer, row)
        if not is_alone:
            raise InProgress(_("The first request with this key is still running. Ask again in a moment."))
        if row is not None:
            row.delete()
        with policy.noting(question.actor) as judged:
            answer = act()
        if answer.is_success:
            _keep(question, drawer, answer, judged)
        else:
            transaction.set_rollback(True)
        return answer


@transaction.atomic
def _forget_chunk(at: datetime) -> int:
    rows = IdempotencyRecord.objects.filter(expires_at__lte=at).order_by("expires_at")
    chunk = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_CHUNK])
    IdempotencyRecord.objects.filter(pk__in=chunk).delete()
    return len(chunk)


def forget_expired(*, at: datetime) -> int:
    """Delete the answers whose day is over, a thousand in a transaction; how many there were."""
    forgotten = 0
    while chunk := _forget_chunk(at):
        forgotten += chunk
    return forgotten


@dataclass(frozen=True, slots=True)
class _Drawer:
    """Where the answer to a question lies, and how it is locked."""

    lookup: bytes
    body_digest: bytes
    key: Secret

    @classmethod
    def of(cls, question: Question) -> Self:
        secret = vault.server_secret(ServerSecret.Purpose.IDEMPOTENCY)
        key = question.key.reveal()
        scope = context(question.principal, question.method, question.path, key.decode())
        lookup = _hmac(secret, "lookup", scope)
        # Neither the database with the server's keys nor the client's key alone opens an answer.
        both = Secret(secret.reveal() + key)
        return cls(
            lookup=lookup,
            body_digest=_hmac(secret, "body", lookup + question.body.reveal()),
            key=derive_key(both, "idempotency-answer"),
        )

    def close(self, answer: Answer, judged: set[Judgement]) -> bytes:
        about = {
            "status": answer.status,
            "headers": dict(answer.headers),
            "judged": [[each.permission, each.organization_id, each.ca_id] for each in judged],
        }
        content = json.dumps(about).encode() + b"\n" + answer.body
        return seal(self.key, Secret(zlib.compress(content, _COMPRESSION)), self._bound_to)

    def open(self, sealed: bytes) -> tuple[Answer, list[Judgement]]:
        content = zlib.decompress(unseal(self.key, sealed, self._bound_to).reveal())
        head, _newline, body = content.partition(b"\n")
        about = json.loads(head)
        judged = [Judgement(Permission(name), organization, ca) for name, organization, ca in about["judged"]]
        return Answer(about["status"], about["headers"], body), judged

    @property
    def _bound_to(self) -> bytes:
        return context(IdempotencyRecord._meta.db_table, self.lookup.hex(), self.body_digest.hex())


def _hmac(secret: Secret, purpose: str, message: bytes) -> bytes:
    return hmac.digest(derive_key(secret, f"idempotency-{purpose}").reveal(), message, sha256)


def _take_turn(lookup: bytes) -> bool:
    """Be the only one with this key until the transaction ends; False where somebody else is.

    The first statement of the transaction: what comes after it sees whatever was committed before it.
    """
    if connection.vendor != "postgresql":
        # The transaction began with the writer's lock: whoever came before has ended.
        return True
    with connection.cursor() as cursor:
        # One number of 64 bits; the other rooms' locks are pairs, which PostgreSQL keeps apart from these.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(lookup[:8], signed=True)])
        (taken,) = cursor.fetchone()
    return bool(taken)


def _repeat(question: Question, drawer: _Drawer, row: IdempotencyRecord) -> Answer:
    if not hmac.compare_digest(bytes(row.body_digest), drawer.body_digest):
        raise Conflict(
            _("This key was used with another body. A new request needs a new key."), code="idempotency-conflict"
        )
    answer, judged = drawer.open(bytes(row.sealed))
    for each in judged:
        policy.require(question.actor, each.permission, organization_id=each.organization_id, ca_id=each.ca_id)
    # A secret may stand in it, and has been read once more.
    audit.record(
        question.actor,
        EventName.ANSWER_REPEATED,
        Resource("endpoint", None, f"{question.method} {question.path}"[:_LONGEST_LABEL]),
        organization_id=row.organization_id,
        answered_at=row.created_at,
    )
    return answer


def _keep(question: Question, drawer: _Drawer, answer: Answer, judged: set[Judgement]) -> None:
    if len(answer.body) > LARGEST_ANSWER:
        text = _("The answer to this would be too large to be remembered. Ask for less at once.")
        raise Invalid.of(HEADER, "answer-too-large", text)
    now = timezone.now()
    row = IdempotencyRecord(
        organization_id=question.actor.organization_id,
        principal=question.principal,
        method=question.method,
        path=question.path[:_LONGEST_PATH],
        lookup=drawer.lookup,
        body_digest=drawer.body_digest,
        status=answer.status,
        sealed=drawer.close(answer, judged),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    insert([row])

"""CRLs: claimed by lease, read as one snapshot, signed outside every lock, kept only while the lease holds.

See `docs/revocation.md` for the life of one.
"""

from __future__ import annotations

import logging
import time
import uuid
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import policy, queue
from accounts.said import cut
from audit import services as audit
from audit.events import EventName
from cas import addresses, keystore
from cas.chains import certificates_of, lock_chain
from cas.core.crl import crl_to_be_signed
from cas.core.signing import sign_crl
from cas.models import CertificateAuthority
from cas.services.founding import reference as ca_reference
from certificates.models import Certificate, Crl, CrlScope, PublicPath, Revocation
from kernel.actor import Actor
from kernel.errors import Conflict, DomainError
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

log = logging.getLogger(__name__)

_LEASE: Final = timedelta(minutes=5)
# Clients fetch a new CRL long before the old one ends.
_REFRESH: Final = timedelta(days=1)
_LONGEST_BACKOFF: Final = timedelta(minutes=15)
_CHUNK: Final = 10_000


class RegisterDisagrees(Exception):
    """The register calls certificates revoked that no revocation names: this CRL would be a lie, and is not signed."""


@dataclass(frozen=True, slots=True)
class _Lease:
    scope: CrlScope
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a CRL carries, and which revocations it is the first to carry or to leave out.

    Entries are joined as they are read, and ids stand in arrays: a million Python objects weigh more than the CRL.
    """

    joined: list[bytes]
    entries: int
    newly_listed: array[int]
    newly_released: array[int]


@transaction.atomic
def open_publication(ca: CertificateAuthority) -> None:
    """A step: the CRL scopes and public paths of a new CA. Doing it twice changes nothing."""
    paths = [
        (addresses.ca_path(ca), PublicPath.Kind.CA, 0),
        (addresses.ocsp_path(ca), PublicPath.Kind.OCSP, 0),
        *((addresses.crl_path(ca, shard), PublicPath.Kind.CRL, shard) for shard in range(ca.crl_shards + 1)),
    ]
    for path, kind, scope in paths:
        row, _is_new = PublicPath.objects.get_or_create(
            path=path, defaults={"kind": kind, "ca": ca, "organization_id": ca.organization_id, "scope": scope}
        )
        if row.ca_id != ca.pk:
            raise Conflict(_("The address %(path)s belongs to another CA."), code="path-used", path=path)
    for shard in range(ca.crl_shards + 1):
        CrlScope.objects.get_or_create(
            ca=ca, scope=shard, defaults={"organization_id": ca.organization_id, "next_due_at": timezone.now()}
        )


def publish_crl(*, actor: Actor, scope: CrlScope, passphrase: Secret | None = None) -> Crl | None:
    """Sign and keep the next CRL of this scope. None: another publisher has it in hand, and will say the same.

    Raises Denied, Unavailable (the CA is locked), and RegisterDisagrees, which is an alarm.
    """
    policy.require(actor, Permission.CRLS_PUBLISH, organization_id=scope.organization_id, ca_id=scope.ca_id)
    lease = _claim(scope)
    if lease is None:
        return None
    try:
        snapshot = _read(lease.scope)
        return _sign_and_keep(actor, lease, snapshot, passphrase)
    except Exception as error:
        _give_back(lease, error)
        raise


def _claim(scope: CrlScope) -> _Lease | None:
    now = timezone.now()
    with transaction.atomic():
        free = Q(lease__isnull=True) | Q(lease_until__lte=now)
        # Ordered, or the model's own order joins the CA and locks it: an issuance in flight would hide the scope.
        row = CrlScope.objects.select_for_update(skip_locked=True).filter(free, pk=scope.pk).order_by("pk").first()
        if row is None:
            return None
        row.lease, row.lease_until = uuid.uuid4(), now + _LEASE
        row.save(update_fields=["lease", "lease_until"])
    row.ca = CertificateAuthority.objects.select_related("key").get(pk=row.ca_id)
    return _Lease(row, row.lease)


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """All reads inside see the database as it was at one moment."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _read(scope: CrlScope) -> _Snapshot:
    """The entries of the scope's next CRL.

    An entry may go once a CRL from after its notAfter has carried it (RFC 5280 3.3).
    """
    mark = "first_shard_crl" if scope.scope else "first_crl"
    rows = Revocation.objects.filter(ca_id=scope.ca_id).order_by("id")
    if scope.scope:
        rows = rows.filter(shard=scope.scope)
    listed = Q(lifted_at__isnull=True)
    if scope.last_this_update is not None:
        listed &= ~Q(not_after__lt=scope.last_this_update, **{f"{mark}__isnull": False})
    new = rows.filter(**{f"{mark}__isnull": True}).values_list("pk", flat=True)
    with _one_snapshot():
        _check_against_register(scope)
        return _Snapshot(
            joined=_joined(rows.filter(listed)),
            entries=rows.filter(listed).count(),
            newly_listed=array("q", new.filter(lifted_at__isnull=True).iterator(chunk_size=_CHUNK)),
            newly_released=array("q", new.filter(lifted_at__isnull=False).iterator(chunk_size=_CHUNK)),
        )


def _joined(rows: QuerySet[Revocation]) -> list[bytes]:
    """The entries in long runs."""
    runs: list[bytes] = []
    run: list[bytes] = []
    for entry in rows.values_list("entry_der", flat=True).iterator(chunk_size=_CHUNK):
        run.append(bytes(entry))
        if len(run) == _CHUNK:
            runs.append(b"".join(run))
            run.clear()
    return [*runs, b"".join(run)]


def _check_against_register(scope: CrlScope) -> None:
    revoked = Certificate.objects.filter(ca_id=scope.ca_id).exclude(state=Certificate.State.ISSUED)
    listed = Revocation.objects.filter(ca_id=scope.ca_id, lifted_at__isnull=True, certificate__isnull=False)
    counts = revoked.count(), listed.count()
    if counts[0] != counts[1]:
        raise RegisterDisagrees(f"CA {scope.ca_id}: {counts[0]} certificates revoked or held, {counts[1]} revocations")


def _sign_and_keep(actor: Actor, lease: _Lease, snapshot: _Snapshot, passphrase: Secret | None) -> Crl | None:
    scope, ca = lease.scope, lease.scope.ca
    this_update = timezone.now().replace(microsecond=0)
    next_update = this_update + ca.crl_lifetime
    # It rises after a restore too, when last_number comes from an old copy.
    number = max(scope.last_number + 1, time.time_ns() // 1000)
    tbs = crl_to_be_signed(
        issuer=certificates_of([ca]).certificates[0],
        number=number,
        this_update=this_update,
        next_update=next_update,
        entries=snapshot.joined,
        issuing_distribution_point=addresses.crl_url(ca, scope.scope) if scope.scope else None,
    )
    snapshot.joined.clear()
    with keystore.open_signer(ca, passphrase=passphrase) as signer:
        body = sign_crl(tbs, signer)
    del tbs
    crl = Crl(
        organization_id=scope.organization_id,
        scope=scope,
        number=number,
        this_update=this_update,
        next_update=next_update,
        entries=snapshot.entries,
        sha256=sha256(body).hexdigest(),
        body=body,
        event=audit.new_event_id(),
    )
    return _keep(actor, lease, snapshot, crl)


@transaction.atomic
def _keep(actor: Actor, lease: _Lease, snapshot: _Snapshot, crl: Crl) -> Crl | None:
    """Store it if the lease is still ours; a publisher that was overtaken throws its work away."""
    row = CrlScope.objects.select_for_update().get(pk=lease.scope.pk)
    if row.lease != lease.token:
        return None
    # Whoever revokes the CA lifts its holds, in another order: the two take turns, or they wait for each other.
    lock_chain(row.ca_id)
    crl.save(force_insert=True)
    _mark(lease.scope, snapshot, crl)
    row.last_number = crl.number
    row.last_this_update = crl.this_update
    row.next_due_at = crl.this_update + min(_REFRESH, (crl.next_update - crl.this_update) / 2)
    row.lease, row.lease_until, row.attempts, row.last_error = None, None, 0, ""
    row.save()
    # A CRL that has ended is of no use to anyone; its number and hash stay.
    Crl.objects.filter(scope=row, next_update__lt=crl.this_update).exclude(body=b"").update(body=b"")
    audit.record(
        actor,
        EventName.CRL_PUBLISHED,
        ca_reference(lease.scope.ca),
        organization_id=row.organization_id,
        event_id=crl.event,
        # Numbers that were begun elsewhere may be longer than JSON has integers.
        number=str(crl.number),
        scope=row.scope,
        entries=crl.entries,
        sha256=crl.sha256,
        next_update=crl.next_update,
    )
    return crl


def _mark(scope: CrlScope, snapshot: _Snapshot, crl: Crl) -> None:
    """Note the first CRL of each new entry. One that was lifted while the CRL was signed stays unmarked, and due."""
    mark = "first_shard_crl" if scope.scope else "first_crl"
    for keys, still in ((snapshot.newly_listed, True), (snapshot.newly_released, False)):
        for start in range(0, len(keys), _CHUNK):
            rows = Revocation.objects.filter(pk__in=keys[start : start + _CHUNK], lifted_at__isnull=still)
            rows.filter(**{f"{mark}__isnull": True}).update(**{mark: crl.number})


def _give_back(lease: _Lease, error: Exception) -> None:
    """Free the scope, and wait longer after each failure, so that one broken CA does not stop the others.

    A CA behind a passphrase waits for a person, who may have mistyped it and try again at once.
    """
    scope = lease.scope
    held = CrlScope.objects.filter(pk=scope.pk, lease=lease.token)
    if scope.ca.passphrase_protected and isinstance(error, DomainError):
        held.update(lease=None, lease_until=None)
        return
    log.error("publishing a CRL failed: ca %s scope %s", scope.ca_id, scope.scope, exc_info=error)
    attempts = scope.attempts + 1
    wait = min(_LONGEST_BACKOFF, timedelta(seconds=5 * 2 ** min(attempts, 10)))
    reason = cut(queue.sentence_of(error) if isinstance(error, DomainError) else str(error), 500)
    held.update(lease=None, lease_until=timezone.now() + wait, attempts=attempts, last_error=reason)

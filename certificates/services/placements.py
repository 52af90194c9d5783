"""Where a certificate is used, and whether the newest of its line is what is seen there."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy, queue
from accounts.outbound import OutboundError, place
from accounts.quotas import require_room
from accounts.said import Said, cut
from accounts.selectors import private_ranges_of, within_reach
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas.core.general_names import NameKind, general_name, general_name_text, kind_of
from certificates import selectors
from certificates.import_selectors import chain_above
from certificates.lineage import current, lineage
from certificates.models import Certificate, Placement
from certificates.placement_selectors import get_placement
from certificates.probing import look_at
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, Invalid, Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

log = logging.getLogger(__name__)

Outcome = Placement.Outcome

# Longer than a look takes.
_LEASE: Final = timedelta(minutes=1)
_AT_ONCE: Final = 20
_MOST_PLACES: Final = 10_000
# A sweep ends after so long, and the next one goes on.
_ENOUGH_SECONDS: Final = 20.0
_RHYTHM: Final = timedelta(hours=6)
_SOON: Final = timedelta(minutes=10)
_MOST_PORTS: Final = 65_535
_LONGEST_ERROR: Final = 500


@transaction.atomic
def add_placement(*, actor: Actor, certificate: Ref, host: str, port: int = 443) -> Placement:
    """Say where a certificate, and whatever renews it, is used: it is looked at there from now on.

    Raises NotFound, Denied, Invalid (`host`, `port`), Conflict (it is known; there are too many).
    """
    row = selectors.get_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id, ca_id=row.ca_id)
    of_organization = Placement.objects.filter(organization_id=row.organization_id)
    require_room(row.organization_id, of_organization, _MOST_PLACES)
    placement = Placement(
        organization_id=row.organization_id,
        certificate=row,
        host=_host(host),
        port=port,
        due_at=timezone.now(),
        event=audit.new_event_id(),
    )
    if not 0 < port <= _MOST_PORTS:
        raise Invalid.of("port", "out-of-range", _("Ports are numbers from 1 to 65535."))
    try:
        with transaction.atomic():
            placement.save(force_insert=True)
            _record(actor, EventName.PLACEMENT_ADDED, placement, event_id=placement.event, certificate=row.public_id)
    except IntegrityError as error:
        raise Conflict(_("This place is known."), code="placement-known") from error
    return placement


@transaction.atomic
def remove_placement(*, actor: Actor, placement: Ref) -> None:
    """Look there no more. Raises NotFound, Denied."""
    row = _permitted(actor, placement)
    _record(actor, EventName.PLACEMENT_REMOVED, row)
    row.delete()


def check_placement(*, actor: Actor, placement: Ref) -> Placement:
    """Look there now. Raises NotFound, Denied, Conflict (somebody is looking at this moment), Unavailable (too many are
    asked at once).
    """
    row = _permitted(actor, placement)
    try:
        with place(row.organization_id):
            _look(actor, _claimed(row), by_hand=True)
    except OutboundError as error:
        raise Unavailable(_("Too many servers are being asked at this moment: try again.")) from error
    return get_placement(Ref("pk", row.pk), visible_to=actor)


def check_due_placements(*, actor: Actor) -> int:
    """Look wherever it is time to, as far as the actor reaches; how many looks there were."""
    looks, until = 0, time.monotonic() + _ENOUGH_SECONDS
    for row in queue.claim_each(within_reach(Placement.objects.all(), actor), lasting=_LEASE, most=_AT_ONCE):
        try:
            _look(replace(SYSTEM, organization_id=row.organization_id), row)
            looks += 1
        except queue.Lost:
            log.info("place %s was looked at by another", row.pk)
        except Exception as error:
            log.exception("place %s could not be looked at", row.pk)
            queue.postpone(row, pause=_RHYTHM, error=queue.sentence_of(error))
        if time.monotonic() >= until:
            break
    return looks


def _claimed(row: Placement) -> Placement:
    claimed = queue.claim(Placement.objects.all(), row.pk, lasting=_LEASE, at_once=True)
    if claimed is None:
        raise Conflict(_("It is being looked at already."), code="placement-busy")
    return claimed


def _look(actor: Actor, claimed: Placement, *, by_hand: bool = False) -> None:
    wanted = current(claimed.certificate, visible_to=actor)
    served, is_complete, error = "", None, ""
    # Outside of any transaction: a server may take its time.
    try:
        shown = look_at(
            claimed.host,
            claimed.port,
            root=_root_above(wanted),
            private_ranges=private_ranges_of(claimed.organization_id),
        )
    except OutboundError as failed:
        outcome, error = Outcome.UNREACHABLE, cut(Said(failed.text), _LONGEST_ERROR)
    else:
        served, is_complete = sha256(shown.der).hexdigest(), shown.is_chain_complete
        outcome = _judge(actor, claimed, wanted, served)
    with transaction.atomic():
        _keep(actor, claimed, outcome, served, is_complete, error, by_hand=by_hand)


def _judge(actor: Actor, claimed: Placement, wanted: Certificate, served: str) -> Outcome:
    if served == wanted.fingerprint:
        return Outcome.SERVED
    line = lineage(claimed.certificate, visible_to=actor)
    return Outcome.OLDER if line.filter(fingerprint=served).exists() else Outcome.STRANGER


def _keep(
    actor: Actor,
    claimed: Placement,
    outcome: Outcome,
    served: str,
    is_complete: bool | None,
    error: str,
    *,
    by_hand: bool,
) -> None:
    row, now = queue.still_held(claimed), timezone.now()
    is_told = by_hand or row.outcome != outcome
    is_right = outcome is Outcome.SERVED
    queue.settle(
        row,
        due_at=now + (_RHYTHM if is_right else _SOON),
        outcome=outcome,
        served_fingerprint=served,
        is_chain_complete=is_complete,
        last_error=error,
        checked_at=now,
        wrong_since=None if is_right else row.wrong_since or now,
    )
    if is_told:
        _record(actor, EventName.PLACEMENT_CHECKED, row, outcome=outcome.value, fingerprint=served, error=error)


def _root_above(row: Certificate) -> x509.Certificate | None:
    chain = chain_above(row)
    return chain[-1] if chain and chain[-1].issuer == chain[-1].subject else None


def _host(text: str) -> str:
    name = general_name(text.strip(), field="host")
    host = general_name_text(name)
    if kind_of(name) not in (NameKind.DNS, NameKind.IP) or "*" in host:
        raise Invalid.of("host", "not-a-host", _("This is neither a host name nor an address."))
    return host


def _permitted(actor: Actor, placement: Ref) -> Placement:
    row = get_placement(placement, visible_to=actor)
    ca_id = row.certificate.ca_id
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id, ca_id=ca_id)
    return row


def _record(actor: Actor, event: EventName, row: Placement, **facts: Any) -> None:
    about = Resource("placement", row.pk, str(row), public_id=row.public_id)
    audit.record(actor, event, about, organization_id=row.organization_id, **facts)

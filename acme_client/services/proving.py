"""The second step of an order, taken as often as it needs: its names are proven (RFC 8555 section 7.5).

Each time the server is asked where the order stands; what it wants proven is written down; answers are published; the
server is told where they can be seen; and it is asked what it has found. All of it in slices, so that an order for a
hundred names keeps nobody's lease for long.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import queue
from acme_client import wire
from acme_client.client import Client, thumbprint
from acme_client.models import AcmeAuthorization, AcmeChallenge, AcmeOrder
from acme_client.order_names import MOST_NAMES
from acme_client.services import names as public_names
from acme_client.services.upstream import client_of, open_key
from acme_client.solvers import SOLVERS
from acme_client.wire import AcmeError, Lie
from kernel.actor import Actor

Challenge = AcmeChallenge.Status
Authorization = AcmeAuthorization.Status

_SLICE: Final = 10
_AT_ONCE: Final = timedelta(0)
# How long nothing is asked where the server does not say how long (RFC 8555 section 7.5.1).
_PAUSE: Final = timedelta(seconds=3)
_PAUSE_BY_HAND: Final = timedelta(minutes=1)
_LONGEST_ERROR: Final = 1000
# The next step goes on with the rest: servers that are slow keep nobody else's order waiting for long.
_ENOUGH_SECONDS: Final = 30.0


def prove(actor: Actor, row: AcmeOrder) -> None:
    """A step: go on with whatever is to be proven. Raises AcmeError, SolverError, Invalid (names that are not the
    organization's any more), Lost.
    """
    public_names.require_own(row.organization, row.names)
    client = client_of(row.account)
    remote = client.order(row.order_url)
    if remote.names != frozenset(row.names):
        raise Lie("the server has an order for other names")
    if remote.status == "invalid":
        raise AcmeError(_reasons(client, row) or remote.error or "the server has given the order up", is_final=True)
    if remote.status != "pending":
        _is_proven(row)
        return
    known = set(row.authorizations.values_list("url", flat=True))
    if len(known.union(remote.authorizations)) > MOST_NAMES:
        raise Lie("the server asks for more and more")
    missing = [url for url in remote.authorizations if url not in known]
    for url in missing[:_SLICE]:
        _take_up(row, client.authorization(url))
    pause = _AT_ONCE if missing else _go_on(client, row)
    with transaction.atomic():
        queue.settle(queue.still_held(row), due_at=timezone.now() + pause)


def tell_server(client: Client, row: AcmeOrder, challenge: AcmeChallenge) -> None:
    """A step: the answer can be seen, the server may look. Raises AcmeError, Lost."""
    client.answer(challenge.url)
    _save(row, challenge, status=Challenge.PROCESSING)


def _take_up(row: AcmeOrder, remote: wire.RemoteAuthorization) -> None:
    """Write down what the server wants proven, and by which challenge it will be."""
    name = f"*.{remote.name}" if remote.is_wildcard else remote.name
    if name not in row.names:
        raise Lie(f"the server asks for a name that was not ordered: {name[:100]}")
    offered = next((each for each in remote.challenges if each.type == row.challenge_type), None)
    is_valid = remote.status == Authorization.VALID
    if offered is None and not is_valid:
        kinds = ", ".join(sorted({each.type for each in remote.challenges}))[:200]
        raise AcmeError(f"the server offers no {row.challenge_type} for {name}, but {kinds}", is_final=True)
    if offered is not None and not is_valid and not (offered.token and offered.url):
        raise Lie("a challenge has no token, or no address")
    with transaction.atomic():
        queue.still_held(row)
        authorization = AcmeAuthorization.objects.create(
            organization_id=row.organization_id,
            order=row,
            url=remote.url,
            name=remote.name,
            is_wildcard=remote.is_wildcard,
            status=Authorization.VALID if is_valid else Authorization.PENDING,
        )
        if offered is None:
            return
        AcmeChallenge.objects.create(
            organization_id=row.organization_id,
            authorization=authorization,
            type=row.challenge_type,
            url=offered.url,
            token=offered.token,
            key_authorization=f"{offered.token}.{thumbprint(open_key(row.account))}",
            status=Challenge.VALID if is_valid else Challenge.PENDING,
            host=remote.name,
        )


def _go_on(client: Client, row: AcmeOrder) -> timedelta:
    """Each challenge by one step; when to look again."""
    open_ones = AcmeChallenge.objects.select_related("authorization", "dns_provider").filter(
        authorization__order=row, status__in=[Challenge.PENDING, Challenge.PRESENTED, Challenge.PROCESSING]
    )
    # What waits for nobody first, or ten that wait for a person would keep the others from going on.
    turns = sorted(open_ones, key=lambda each: (each.presented_at is not None, each.presented_at or row.created_at))
    pauses, until = [], time.monotonic() + _ENOUGH_SECONDS
    for challenge in turns[:_SLICE]:
        pauses.append(_step(client, row, challenge))
        if time.monotonic() >= until:
            break
    return min(pauses, default=_PAUSE)


def _step(client: Client, row: AcmeOrder, challenge: AcmeChallenge) -> timedelta:
    if challenge.status == Challenge.PROCESSING:
        return _look(client, row, challenge)
    if challenge.status == Challenge.PENDING:
        _publish(row, challenge)
    if not SOLVERS[challenge.type].is_ready(challenge):
        return _PAUSE if challenge.status == Challenge.PRESENTED else _PAUSE_BY_HAND
    tell_server(client, row, challenge)
    return _AT_ONCE


def _publish(row: AcmeOrder, challenge: AcmeChallenge) -> None:
    # First, so that whatever comes of it is taken away one day.
    _save(row, challenge, presented_at=timezone.now())
    presented = SOLVERS[challenge.type].present(challenge)
    _save(
        row,
        challenge,
        record_name=presented.record_name,
        dns_provider=presented.dns_provider,
        status=Challenge.PENDING if presented.by_hand else Challenge.PRESENTED,
        presented_at=timezone.now(),
    )


def _look(client: Client, row: AcmeOrder, challenge: AcmeChallenge) -> timedelta:
    """What the server has found. Raises AcmeError: not what it should have."""
    remote = client.authorization(challenge.authorization.url)
    if remote.status == Authorization.PENDING:
        return remote.retry_after or _PAUSE
    _decided(row, challenge, remote)
    if remote.status == Authorization.VALID:
        return _AT_ONCE
    raise AcmeError(f"{challenge.authorization}: {challenge.error}", is_final=True)


def _decided(row: AcmeOrder, challenge: AcmeChallenge, remote: wire.RemoteAuthorization) -> None:
    is_valid = remote.status == Authorization.VALID
    said = next((each.error for each in remote.challenges if each.url == challenge.url and each.error), "")
    status = remote.status if remote.status in Authorization.values else Authorization.INVALID
    error = "" if is_valid else said or f"the server calls it {status}"
    with transaction.atomic():
        _save(row, challenge, status=Challenge.VALID if is_valid else Challenge.INVALID, error=error[:_LONGEST_ERROR])
        AcmeAuthorization.objects.filter(pk=challenge.authorization_id).update(status=status)


def _reasons(client: Client, row: AcmeOrder) -> str:
    """Why the server has given an order up: what it says of the names that were not proven."""
    undecided = AcmeChallenge.objects.select_related("authorization").filter(authorization__order=row)
    told = []
    for challenge in undecided.filter(status__in=[Challenge.PROCESSING, Challenge.PRESENTED])[:_SLICE]:
        remote = client.authorization(challenge.authorization.url)
        if remote.status not in (Authorization.PENDING, Authorization.VALID):
            _decided(row, challenge, remote)
            told.append(f"{challenge.authorization}: {challenge.error}")
    return " · ".join(told)


@transaction.atomic
def _is_proven(row: AcmeOrder) -> None:
    row = queue.still_held(row)
    AcmeAuthorization.objects.filter(order=row).update(status=Authorization.VALID)
    AcmeChallenge.objects.filter(authorization__order=row).update(status=Challenge.VALID)
    # Whoever issues has a day for it; no server is waited for any longer.
    expires_at = timezone.now() + timedelta(days=1)
    queue.settle(row, due_at=timezone.now(), status=AcmeOrder.Status.FINALIZING, expires_at=expires_at)


@transaction.atomic
def _save(row: AcmeOrder, challenge: AcmeChallenge, **changes: object) -> None:
    """While the order is ours: what has become of the challenge. Raises Lost."""
    queue.still_held(row)
    for name, value in changes.items():
        setattr(challenge, name, value)
    challenge.save(update_fields=list(changes))

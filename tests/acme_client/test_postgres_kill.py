"""`kill -9` of a worker at every step of an order: nothing is lost, nothing ordered twice (design, section 11)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from acme_client.client import Client
from acme_client.models import AcmeAccount, AcmeChallenge, AcmeOrder
from acme_client.services import accounts, advancing, finishing, placing, proving, registering
from acme_client.services.advancing import advance_due
from acme_client.services.upstream import client_of
from audit.events import EventName
from audit.models import AuditEvent
from certificates.models import Certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests import forks
from tests.acme_client.conftest import SUFFIX, account_order, make_due, may_ask_loopback, open_desk
from tests.office import open_office
from tests.pebble import Pebble, running_pebble

pytestmark = [pytest.mark.postgres, pytest.mark.needs("pebble"), pytest.mark.django_db(transaction=True)]

BEFORE, AFTER = False, True
POINTS = {
    "after it was placed": (Client, "place", AFTER),
    "before it is written that it was placed": (placing, "record", BEFORE),
    "after the names were taken up": (proving, "_take_up", AFTER),
    "after it was published": (proving, "_publish", AFTER),
    "after the server was told": (Client, "answer", AFTER),
    "after the CSR was sent": (Client, "finalize", AFTER),
    "after the certificate was fetched": (Client, "download", AFTER),
    "before it is kept": (finishing, "store_public_certificate", BEFORE),
    "after it was kept": (finishing, "store_public_certificate", AFTER),
    "after all was written": (finishing, "record", AFTER),
    "while it is cleaned up": (advancing, "clean_up", BEFORE),
}


def die_at(point: forks.Point) -> Callable[[], None]:
    def work() -> None:
        forks.act_at(point, forks.die)
        _work_until_done()

    return work


def _work_until_done() -> None:
    for _round in range(60):
        # Of a worker that was killed the lease is over.
        for model in (AcmeOrder, AcmeAccount):
            model.objects.filter(due_at__isnull=False).update(lease_until=timezone.now())
        make_due()
        advance_due(actor=SYSTEM)
        if not AcmeOrder.objects.filter(due_at__isnull=False).exists():
            return
        time.sleep(0.05)


@pytest.fixture(scope="module")
def pebble() -> Iterator[Pebble]:
    """One that takes every nonce: what is tried here is something else, and often."""
    with running_pebble(WFE_NONCEREJECT="0") as running:
        yield running


@pytest.fixture
def orders_issued() -> Callable[[AcmeOrder], int]:
    """How many of its certificates there are in the register, and by the events."""

    def count(order: AcmeOrder) -> int:
        fulfilled = AuditEvent.objects.filter(name=EventName.ACME_ORDER_FULFILLED, resource_id=order.pk)
        assert fulfilled.count() == 1
        return Certificate.objects.filter(source=Certificate.Source.ACME, acme_order=order).count()

    return count


def test_a_worker_that_is_killed_anywhere_loses_nothing_and_orders_nothing_twice(pebble, published, orders_issued):
    desk = open_desk(open_office(), pebble)
    for number, (name, point) in enumerate(POINTS.items()):
        order = desk.order(f"host{number}.{SUFFIX}")
        assert forks.forked([die_at(point)]) == [-signal.SIGKILL], name
        _work_until_done()
        order.refresh_from_db()
        assert (order.status, order.last_error) == (AcmeOrder.Status.VALID, ""), name
        assert orders_issued(order) == 1, name
        left = AcmeChallenge.objects.filter(presented_at__isnull=False, cleaned_at__isnull=True)
        assert not left.exists(), name
    assert Certificate.objects.filter(source=Certificate.Source.ACME).count() == len(POINTS)


ACCOUNT_POINTS: dict[str, Any] = {
    "before it is registered": (Client, "register", BEFORE),
    "after it was registered": (Client, "register", AFTER),
    "before it is written": (registering, "record", BEFORE),
}


def test_an_account_whose_worker_was_killed_is_registered_once(pebble):
    office = open_office()
    may_ask_loopback(office)
    for name, point in ACCOUNT_POINTS.items():
        account = accounts.register_account(actor=office.owner, order=account_order(office, pebble, name=name))
        assert forks.forked([die_at(point)]) == [-signal.SIGKILL], name
        _work_until_done()
        account.refresh_from_db()
        assert account.status == AcmeAccount.Status.VALID, name
        assert client_of(account).find() == account.account_url


KEY_POINTS: dict[str, Any] = {
    "before the key changes": (Client, "change_key", BEFORE),
    "after the key changed": (Client, "change_key", AFTER),
    "before it is written": (registering, "record", BEFORE),
}


def test_a_change_of_key_whose_process_was_killed_is_completed(pebble):
    desk = open_desk(open_office(), pebble)
    for name, point in KEY_POINTS.items():

        def roll(point: forks.Point = point) -> None:
            forks.act_at(point, forks.die)
            accounts.roll_account_key(actor=desk.office.owner, account=Ref("pk", desk.account.pk))

        assert forks.forked([roll]) == [-signal.SIGKILL], name
        _work_until_done()
        desk.account.refresh_from_db()
        assert desk.account.sealed_next_key is None, name
        assert client_of(desk.account).find() == desk.account.account_url


def test_two_workers_at_once_order_once(pebble, published, orders_issued):
    desk = open_desk(open_office(), pebble)
    orders = [desk.order(f"host{number}.{SUFFIX}") for number in range(4)]
    assert forks.forked([_sweep, _sweep, _sweep]) == [0, 0, 0]
    _work_until_done()
    for order in orders:
        order.refresh_from_db()
        assert order.status == AcmeOrder.Status.VALID
        assert orders_issued(order) == 1
        placed = AuditEvent.objects.filter(name=EventName.ACME_ORDER_PLACED, resource_id=order.pk)
        assert placed.count() == 1


def _sweep() -> None:
    for _round in range(6):
        make_due()
        advance_due(actor=SYSTEM)

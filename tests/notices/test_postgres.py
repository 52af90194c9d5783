"""Several workers at once, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.services import seal
from certificates.models import Certificate
from kernel.actor import SYSTEM
from notices.models import Delivery, Notice, Rule
from notices.services.deliveries import send_due_deliveries
from notices.services.following import follow_events
from notices.services.rules import give_first_rules
from notices.services.telling import tell_due
from tests.notices.making import HOOK, rule, webhook
from tests.notices.receiver import Receiver, allow_loopback
from tests.office import Office, open_office

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def office() -> Office:
    return open_office()


def at_once(work: Callable[[], object], times: int = 4) -> None:
    start = threading.Barrier(times)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            start.wait()
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def end_soon(office: Office, count: int) -> None:
    for number in range(count):
        office.issue(f"{number}.acme.test")
    Certificate.objects.update(
        not_before=timezone.now() - timedelta(days=60), not_after=timezone.now() + timedelta(days=20)
    )


def test_several_who_look_at_once_tell_it_once(office: Office):
    rule(office, webhook(office).channel)
    end_soon(office, 3)
    at_once(tell_due)
    assert Notice.objects.count() == 3
    assert Delivery.objects.count() == 3


def test_several_who_send_at_once_send_it_once(office: Office, hook: Receiver):
    allow_loopback(office.organization)
    rule(office, webhook(office, hook.address).channel)
    end_soon(office, 3)
    tell_due()
    at_once(send_due_deliveries)
    assert len(hook.received) == 3
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_several_who_follow_at_once_tell_it_once(office: Office):
    webhook(office, HOOK, "certificate.issued")
    for _number in range(3):
        office.issue()
    seal(actor=SYSTEM)
    at_once(follow_events)
    assert Delivery.objects.count() == 3


def test_several_who_give_the_first_rules_give_them_once(office: Office):
    at_once(give_first_rules)
    names = list(Rule.objects.filter(organization=office.organization).values_list("name", flat=True))
    assert len(names) == len(set(names)) == 9

"""A year of public certificates, with a week in which nothing worked."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509

from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.orders import PublicOrder
from acme_client.services.advancing import advance_due
from acme_client.services.orders import start_order
from acme_client.services.renewing import renew_due_public_certificates
from certificates.models import Certificate
from certificates.orders import Managed
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.acme_server import SUFFIX, account_at, fake_server
from tests.clock import Clock
from tests.office import Office, open_office

DAY = timedelta(days=1)
# A worker comes by every few seconds; what an order waits for in between is less than this.
SLACK = timedelta(hours=2)


def days_of(names: x509.SubjectAlternativeName) -> int:
    (name,) = names.get_values_for_type(x509.DNSName)
    return int(name.partition(".")[0].removeprefix("d"))


def order(office: Office, account: AcmeAccount, days: int) -> None:
    name = f"d{days}.{SUFFIX}"
    wish = PublicOrder(account=Ref("pk", account.pk), names=(name,), challenge_type="http-01", key=Managed())
    start_order(actor=office.owner, order=wish)


def pass_by(clock: Clock, *, until: datetime, outage: tuple[datetime, datetime]) -> None:
    """From one thing that is due to the next, but for the outage."""
    while (moment := _next()) is not None and moment < until:
        clock.move_to(moment)
        if outage[0] <= clock.now < outage[1]:
            clock.move_to(outage[1])
        renew_due_public_certificates(actor=SYSTEM)
        advance_due(actor=SYSTEM)


def _next() -> datetime | None:
    certificates = Certificate.objects.filter(renew_at__isnull=False, replaced_by=None).order_by("renew_at")
    orders = AcmeOrder.objects.filter(due_at__isnull=False).order_by("due_at")
    moments = [*certificates.values_list("renew_at", flat=True)[:1], *orders.values_list("due_at", flat=True)[:1]]
    return min(moments, default=None)


def says_nothing_of_windows(directory: dict[str, object]) -> dict[str, object]:
    return {name: url for name, url in directory.items() if name != "renewalInfo"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lives", "whole", "down_from"),
    [
        pytest.param((47, 90), 365, 180, id="a year"),
        # They end within the outage, whatever is done before it.
        pytest.param((6,), 40, 15, id="weeks of those with a short life"),
    ],
)
def test_everything_is_renewed_in_time_and_once(monkeypatch, lives, whole, down_from):
    clock = Clock(monkeypatch)
    begin = clock.now
    outage = (begin + down_from * DAY, begin + (down_from + 7) * DAY)
    with fake_server(days_of=days_of, lies={"directory": says_nothing_of_windows}) as server:
        office = open_office()
        account = account_at(office)
        for days in lives:
            order(office, account, days)
        pass_by(clock, until=begin + whole * DAY, outage=outage)
    clock.move_to(begin + whole * DAY)
    assert not AcmeOrder.objects.exclude(status=AcmeOrder.Status.VALID).exists()
    assert len(server.issued) == Certificate.objects.filter(source="acme").count()
    for days in lives:
        line = list(Certificate.objects.filter(names__value=f"d{days}.{SUFFIX}", source="acme").order_by("pk"))
        assert [row.replaces_id for row in line] == [None, *(row.pk for row in line[:-1])]
        assert line[-1].not_after > clock.now
        for old, new in pairwise(line):
            lapsed_in_outage = outage[0] <= old.not_after <= outage[1]
            assert new.created_at < (outage[1] + SLACK if lapsed_in_outage else old.not_after)
            # Not before two thirds of its life are over.
            assert new.created_at >= old.not_before + (old.not_after - old.not_before) * 2 / 3 - timedelta(minutes=1)

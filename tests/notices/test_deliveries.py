"""Messages on their way: signed, sent, tried again, given up, and never to what stands behind us."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from kernel.errors import Conflict
from kernel.ref import Ref
from kernel.secret import Secret
from notices.models import Channel, Delivery
from notices.orders import ChannelChange
from notices.services import deliveries
from notices.services.channels import rotate_secret, test_channel, update_channel
from notices.services.deliveries import (
    KEPT,
    PAUSES,
    forget_old_deliveries,
    repeat_delivery,
    send_due_deliveries,
)
from notices.services.sending import Message, Outcome
from notices.services.telling import tell_due
from tests.notices.making import Clock, rule, webhook
from tests.notices.receiver import Receiver, allow_loopback, receiver
from tests.office import Office

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(office: Office, hook: Receiver, clock: Clock) -> Delivery:
    """A message that is due, to a receiver that may be reached."""
    allow_loopback(office.organization)
    rule(office, webhook(office, hook.address).channel)
    office.issue()
    clock.go(days=61)
    tell_due()
    return Delivery.objects.get()


def fresh(row: Delivery) -> Delivery:
    row.refresh_from_db()
    return row


def test_a_webhook_is_told_and_can_verify_who_told_it(office: Office, hook: Receiver, clock: Clock):
    allow_loopback(office.organization)
    new = webhook(office, hook.address)
    rule(office, new.channel)
    row = office.issue().certificate
    clock.go(days=61)
    tell_due()
    assert send_due_deliveries() == 1
    (received,) = hook.received
    assert received.is_signed_by(new.secret.reveal().decode())
    assert abs(int(received.headers["Chancery-Timestamp"]) - time.time()) < 60
    document = received.document
    assert document["id"] == received.headers["Chancery-Event-Id"]
    assert document["event"] == "certificate.expiring"
    assert document["threshold_days"] == 30
    assert document["object"] == {"kind": "certificate", "id": str(row.public_id), "name": "www.acme.test"}
    assert document["url"] == f"http://localhost:8000/certificates/{row.public_id}/"
    assert document["facts"]["serial"] == row.serial
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_status, delivery.due_at) == ("delivered", 204, None)


def test_a_changed_body_is_no_longer_signed(office: Office, hook: Receiver, made: Delivery):
    send_due_deliveries()
    (received,) = hook.received
    secret = rotate_secret(actor=office.owner, channel=Ref("pk", made.channel_id)).secret.reveal().decode()
    assert not received.is_signed_by(secret)


def test_while_the_secret_changes_both_are_good(office: Office, hook: Receiver, clock: Clock):
    allow_loopback(office.organization)
    old = webhook(office, hook.address)
    new = rotate_secret(actor=office.owner, channel=Ref("pk", old.channel.pk))
    test_channel(actor=office.owner, channel=Ref("pk", old.channel.pk))
    clock.go(hours=25)
    test_channel(actor=office.owner, channel=Ref("pk", old.channel.pk))
    during, after = hook.received
    old_secret, new_secret = old.secret.reveal().decode(), new.secret.reveal().decode()
    assert during.is_signed_by(old_secret)
    assert during.is_signed_by(new_secret)
    assert after.is_signed_by(new_secret)
    assert not after.is_signed_by(old_secret)


def test_what_fails_is_tried_again_with_the_same_bytes(hook: Receiver, made: Delivery, clock: Clock):
    hook.status = 500
    assert send_due_deliveries() == 0
    row = fresh(made)
    assert (row.status, row.attempts, row.last_status) == ("waiting", 1, 500)
    assert timedelta(seconds=50) < row.due_at - clock.at < timedelta(seconds=70)
    assert send_due_deliveries() == 0
    assert len(hook.received) == 1
    hook.status = 200
    clock.go(minutes=2)
    assert send_due_deliveries() == 1
    first, second = hook.received
    assert first.body == second.body
    assert first.headers["Chancery-Event-Id"] == second.headers["Chancery-Event-Id"]
    assert fresh(made).status == "delivered"
    assert Channel.objects.get().last_error == ""


def test_it_is_given_up_after_three_days(hook: Receiver, made: Delivery, clock: Clock):
    hook.status = 503
    attempts = 0
    while fresh(made).status == "waiting":
        send_due_deliveries()
        attempts += 1
        clock.go(hours=7)
    assert attempts == len(PAUSES) + 1
    assert timedelta(days=2.5) < sum(PAUSES, timedelta()) < timedelta(days=3.5)
    row = fresh(made)
    assert (row.status, row.last_error, row.due_at) == ("dead", "It answers 503.", None)


def test_who_is_gone_is_not_asked_again(hook: Receiver, made: Delivery):
    hook.status = 410
    send_due_deliveries()
    row = fresh(made)
    assert (row.status, row.attempts, row.last_error) == ("dead", 1, "It answers 410.")


def test_who_says_when_to_come_again_is_believed(hook: Receiver, made: Delivery, clock: Clock):
    hook.status, hook.headers = 429, {"Retry-After": "1800"}
    send_due_deliveries()
    assert fresh(made).due_at == clock.at + timedelta(minutes=30)


def test_a_redirect_is_not_followed(hook: Receiver, made: Delivery):
    hook.status, hook.headers = 302, {"Location": hook.address}
    send_due_deliveries()
    assert len(hook.received) == 1
    assert fresh(made).last_error == "It answers 302."


def test_what_was_given_up_is_sent_once_more_when_somebody_says_so(office: Office, hook: Receiver, made: Delivery):
    with pytest.raises(Conflict):
        repeat_delivery(actor=office.owner, delivery=Ref("pk", made.pk))
    hook.status = 410
    send_due_deliveries()
    hook.status = 200
    repeat_delivery(actor=office.owner, delivery=Ref("public_id", made.public_id))
    assert send_due_deliveries() == 1
    first, second = hook.received
    assert first.body == second.body


def test_a_slow_receiver_keeps_nobody_else_waiting(
    office: Office, hook: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    allow_loopback(office.organization)
    with receiver() as slow:
        _takes_a_minute(monkeypatch, slow.address)
        rule(
            office,
            webhook(office, slow.address, name="slow").channel,
            webhook(office, hook.address, name="quick").channel,
        )
        for number in range(4):
            office.issue(f"{number}.acme.test")
        clock.go(days=61)
        tell_due()
        assert send_due_deliveries() == 5
        assert (len(hook.received), len(slow.received)) == (4, 1)
        # What was left is no failure, and has its turn at once.
        left = Delivery.objects.filter(status="waiting")
        assert [(row.attempts, row.lease) for row in left] == [(0, None)] * 3
        assert send_due_deliveries() == 1


def _takes_a_minute(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Each message to this address; the others take no time, however slow the machine is. A lane is a thread."""
    waited, transmit = threading.local(), deliveries.transmit

    def transmit_slowly(message: Message) -> Outcome:
        outcome = transmit(message)
        if message.opened.url == address:
            waited.seconds = getattr(waited, "seconds", 0) + 60
        return outcome

    monkeypatch.setattr(deliveries, "transmit", transmit_slowly)
    monkeypatch.setattr(deliveries, "time", SimpleNamespace(monotonic=lambda: getattr(waited, "seconds", 0)))


def test_a_receiver_that_fails_is_asked_once_and_not_for_each_message(office: Office, hook: Receiver, clock: Clock):
    allow_loopback(office.organization)
    rule(office, webhook(office, hook.address).channel)
    for number in range(4):
        office.issue(f"{number}.acme.test")
    clock.go(days=61)
    tell_due()
    hook.status = 500
    send_due_deliveries()
    assert len(hook.received) == 1


def test_a_worker_that_died_loses_nothing(hook: Receiver, made: Delivery, clock: Clock):
    (claimed,) = deliveries._claimed((made.organization_id, made.channel_id))
    assert send_due_deliveries() == 0
    clock.go(minutes=6)
    assert send_due_deliveries() == 1
    # It was only slow, and comes back: what it knows is not noted any more.
    with pytest.raises(deliveries.queue.Lost):
        deliveries._note(claimed, deliveries.Outcome("It answers 500."))
    assert fresh(made).status == "delivered"


def test_what_stands_behind_us_is_not_reached(office: Office, hook: Receiver, clock: Clock):
    rule(office, webhook(office, hook.address).channel)
    office.issue()
    clock.go(days=61)
    tell_due()
    send_due_deliveries()
    assert hook.received == []
    assert "is no public address" in Delivery.objects.get().last_error


def test_a_channel_out_of_use_is_sent_nothing(office: Office, hook: Receiver, made: Delivery):
    change = ChannelChange(is_active=False)
    update_channel(actor=office.owner, channel=Ref("pk", made.channel_id), change=change)
    send_due_deliveries()
    assert hook.received == []
    assert fresh(made).status == "dead"


def test_slack_gets_its_text_with_nothing_in_it_that_calls_people(office: Office, hook: Receiver):
    allow_loopback(office.organization)
    made = webhook(office, hook.address, kind="slack", name="<!channel> & friends")
    assert made.secret is None
    test_channel(actor=office.owner, channel=Ref("pk", made.channel.pk))
    (received,) = hook.received
    text = json.loads(received.body)["text"]
    assert text.startswith("This is a test of the channel &lt;!channel&gt; &amp; friends.")
    assert "Chancery-Signature" not in received.headers


def test_teams_gets_a_card_with_nothing_in_it_that_links_elsewhere(office: Office, hook: Receiver):
    allow_loopback(office.organization)
    made = webhook(office, hook.address, kind="teams", name="[click](https://evil.example)")
    test_channel(actor=office.owner, channel=Ref("pk", made.channel.pk))
    (received,) = hook.received
    (card,) = json.loads(received.body)["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    text = card["content"]["body"][0]["text"]
    assert r"\[click\]\(https://evil.example\)" in text


def test_a_test_says_what_came_of_it(office: Office, hook: Receiver):
    allow_loopback(office.organization)
    row = webhook(office, hook.address).channel
    hook.status = 403
    (failed,) = test_channel(actor=office.owner, channel=Ref("pk", row.pk))
    assert (failed.status, failed.last_error, failed.due_at) == ("dead", "It answers 403.", None)
    hook.status = 200
    (delivered,) = test_channel(actor=office.owner, channel=Ref("pk", row.pk))
    assert delivered.status == "delivered"
    row.refresh_from_db()
    assert row.last_error == ""
    assert row.tested_at is not None


def test_another_address_is_where_it_goes_from_then_on(office: Office, hook: Receiver, made: Delivery):
    change = ChannelChange(url=Secret(hook.address + "/new"))
    update_channel(actor=office.owner, channel=Ref("pk", made.channel_id), change=change)
    assert send_due_deliveries() == 1


def test_old_deliveries_are_forgotten_and_waiting_ones_never(office: Office, made: Delivery, clock: Clock):
    Delivery.objects.update(created_at=clock.at - KEPT - timedelta(days=1))
    assert forget_old_deliveries() == 0
    Delivery.objects.update(due_at=None, status="delivered")
    assert forget_old_deliveries() == 1

"""Channels and rules: what is accepted, who may, and what is shown of what is secret."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import AuditEvent
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from kernel.seal import SealBroken
from kernel.secret import Secret
from notices.models import Channel, Notice, Rule, RuleChannel
from notices.orders import ChannelChange, ChannelOrder, RuleChange, RuleOrder
from notices.sealing import open_channel
from notices.services.channels import create_channel, delete_channel, rotate_secret, test_channel, update_channel
from notices.services.deliveries import repeat_delivery, send_due_deliveries
from notices.services.reading import mute
from notices.services.rules import create_rule, delete_rule, update_rule
from notices.services.telling import tell_due
from tests import cast
from tests.notices.making import HOOK, Clock, mail_to, rule, webhook
from tests.notices.receiver import Receiver, allow_loopback
from tests.office import Office

pytestmark = pytest.mark.django_db

WRONG_CHANNELS = {
    "a kind that there is not": ({"kind": "pigeon"}, "kind"),
    "no name": ({"name": " "}, "name"),
    "a name that turns": ({"name": "a\u202eb"}, "name"),
    "no address": ({"url": None}, "url"),
    "an address without TLS": ({"url": Secret("http://hooks.example.com/x")}, "url"),
    "an address with a password": ({"url": Secret("https://me:secret@hooks.example.com/x")}, "url"),
    "an address of a file": ({"url": Secret("file:///etc/passwd")}, "url"),
    "an address with a line": ({"url": Secret("https://hooks.example.com/\r\nX: y")}, "url"),
    "no address at all": ({"url": Secret("https://")}, "url"),
    "a port that is none": ({"url": Secret("https://hooks.example.com:99999/")}, "url"),
    "an event that there is not": ({"subjects": ("certificate.lost",)}, "subjects[0]"),
    "a test as an event": ({"subjects": ("test",)}, "subjects[0]"),
    "recipients of what is no mail": ({"recipients": ("a@example.com",)}, "recipients"),
    "mail to nobody": ({"kind": "mail", "url": None}, "recipients"),
    "mail to an address of the web": ({"kind": "mail", "recipients": ("a@example.com",)}, "url"),
    "mail to no address": ({"kind": "mail", "url": None, "recipients": ("nobody",)}, "recipients[0]"),
    "mail to a crowd": (
        {"kind": "mail", "url": None, "recipients": tuple(f"{n}@example.com" for n in range(21))},
        "recipients",
    ),
    "events by mail": (
        {"kind": "mail", "url": None, "recipients": ("a@example.com",), "subjects": ("certificate.issued",)},
        "subjects",
    ),
}

WRONG_RULES = {
    "no name": ({"name": ""}, "name"),
    "what is told by events alone": ({"subject": "certificate.issued"}, "subject"),
    "a subject that there is not": ({"subject": "weather"}, "subject"),
    "no threshold": ({"thresholds": ()}, "thresholds"),
    "a threshold of nothing": ({"thresholds": (0,)}, "thresholds"),
    "eleven thresholds": ({"thresholds": tuple(range(1, 12))}, "thresholds"),
    "a filter that says nothing": ({"filter": "colour:red"}, "filter[0]"),
    "a filter of what is no certificate": ({"subject": "crl.late", "thresholds": (), "filter": "cn:x"}, "filter"),
    "thresholds of what has no end": ({"subject": "crl.late"}, "thresholds"),
    "the owner of a CRL": ({"subject": "crl.late", "thresholds": (), "tells_owner": True}, "tells_owner"),
    "a channel that there is not": ({"channels": (Ref("pk", 0),)}, "channels[0]"),
}


@pytest.mark.parametrize(("changes", "field"), WRONG_CHANNELS.values(), ids=WRONG_CHANNELS)
def test_a_channel_that_cannot_be_is_refused_by_its_field(office: Office, changes: dict, field: str):
    order = ChannelOrder(organization=Ref("pk", office.organization.pk), name="x", kind="webhook", url=Secret(HOOK))
    with pytest.raises(Invalid) as refused:
        create_channel(actor=office.owner, order=replace(order, **changes))
    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize(("changes", "field"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_a_rule_that_cannot_be_is_refused_by_its_field(office: Office, changes: dict, field: str):
    order = RuleOrder(
        organization=Ref("pk", office.organization.pk),
        name="x",
        subject="certificate.expiring",
        thresholds=(30,),
    )
    with pytest.raises(Invalid) as refused:
        create_rule(actor=office.owner, order=replace(order, **changes))
    assert [error.field for error in refused.value.errors] == [field]


def test_a_name_is_used_once(office: Office):
    webhook(office)
    rule(office)
    with pytest.raises(Conflict):
        webhook(office)
    with pytest.raises(Conflict):
        rule(office)


def test_what_goes_with_a_rule_is_over(office: Office, clock: Clock):
    row = rule(office)
    office.issue()
    clock.go(days=61)
    tell_due()
    delete_rule(actor=office.owner, rule=Ref("pk", row.pk))
    assert Notice.objects.get().closed_at is not None


def test_a_channel_goes_and_its_rule_stays(office: Office):
    made = webhook(office).channel
    row = rule(office, made)
    delete_channel(actor=office.owner, channel=Ref("public_id", made.public_id))
    assert list(row.channels.all()) == []
    assert Rule.objects.filter(pk=row.pk).exists()


def test_strangers_find_nothing_and_members_who_only_read_change_nothing(office: Office, clock: Clock):
    made, kept = webhook(office).channel, rule(office)
    office.issue()
    clock.go(days=61)
    update_rule(actor=office.owner, rule=Ref("pk", kept.pk), change=RuleChange(channels=(Ref("pk", made.pk),)))
    tell_due()
    notice, delivery = Notice.objects.get(), made.deliveries.get()
    organization = Ref("pk", office.organization.pk)
    channel, about = Ref("public_id", made.public_id), Ref("public_id", kept.public_id)
    told, sent = Ref("public_id", notice.public_id), Ref("public_id", delivery.public_id)
    order = ChannelOrder(organization=organization, name="x", kind="webhook", url=Secret(HOOK))
    ruling = RuleOrder(organization=organization, name="x", subject="crl.late")
    calls = {
        "create_channel": lambda actor: create_channel(actor=actor, order=order),
        "update_channel": lambda actor: update_channel(actor=actor, channel=channel, change=ChannelChange()),
        "delete_channel": lambda actor: delete_channel(actor=actor, channel=channel),
        "rotate_secret": lambda actor: rotate_secret(actor=actor, channel=channel),
        "test_channel": lambda actor: test_channel(actor=actor, channel=channel),
        "create_rule": lambda actor: create_rule(actor=actor, order=ruling),
        "update_rule": lambda actor: update_rule(actor=actor, rule=about, change=RuleChange()),
        "delete_rule": lambda actor: delete_rule(actor=actor, rule=about),
        "mute": lambda actor: mute(actor=actor, notice=told),
        "repeat_delivery": lambda actor: repeat_delivery(actor=actor, delivery=sent),
    }
    stranger, operator = cast.stranger().actor, cast.member(office.organization, "operator").actor
    for call in calls.values():
        with pytest.raises(NotFound):
            call(stranger)
        with pytest.raises(Denied):
            call(operator)


def test_a_rule_does_not_speak_over_another_organizations_channel(office: Office):
    stranger = cast.stranger()
    order = RuleOrder(
        organization=Ref("pk", stranger.organization.pk),
        name="x",
        subject="crl.late",
        channels=(Ref("public_id", webhook(office).channel.public_id),),
    )
    with pytest.raises(Invalid, match="no such channel"):
        create_rule(actor=stranger.actor, order=order)


def test_the_database_itself_keeps_organizations_apart(office: Office):
    other, kept, channel = cast.stranger().organization, rule(office), webhook(office).channel
    point = transaction.savepoint()
    RuleChannel.objects.create(organization=other, rule=kept, channel=channel)
    with pytest.raises(IntegrityError):
        connection.check_constraints()
    transaction.savepoint_rollback(point)


def test_secrets_are_nowhere_in_clear(office: Office, hook: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture):
    allow_loopback(office.organization)
    made = webhook(office, hook.address, "certificate.issued")
    rotated = rotate_secret(actor=office.owner, channel=Ref("pk", made.channel.pk))
    rule(office, made.channel)
    office.issue()
    clock.go(days=61)
    tell_due()
    hook.status = 500
    send_due_deliveries()
    hook.address = ""
    secrets = [b"canary-path", made.secret.reveal(), rotated.secret.reveal()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  a name of ours
            kept = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor]).encode()
            assert [secret for secret in secrets if secret in kept] == [], table
    for secret in secrets:
        assert secret.decode() not in caplog.text
        assert not any(secret in bytes(event.canonical) for event in AuditEvent.objects.all())


def test_a_secret_does_not_open_in_another_row(office: Office, clock: Clock):
    one, other = webhook(office).channel, webhook(office, name="other").channel
    Channel.objects.filter(pk=other.pk).update(sealed_url=one.sealed_url)
    with pytest.raises(SealBroken):
        open_channel(Channel.objects.get(pk=other.pk), at=clock.at)


def test_mail_goes_to_each_recipient_once(office: Office):
    assert mail_to(office, "owner@acme.example", "owner@acme.example").recipients == ["owner@acme.example"]

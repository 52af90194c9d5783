"""Each threshold is told once, whatever happens meanwhile, and what is over is closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags
from django.db import connection
from django.utils import timezone

from certificates import search
from certificates.models import Certificate
from certificates.orders import RenewOrder, RevokeOrder
from certificates.services.authorities import publish_everything
from certificates.services.editing import update_certificate
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from certificates.services.submission import submit_request
from kernel.errors import Invalid
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _
from notices.conditions import certificates as looking
from notices.models import Delivery, Notice, Rule
from notices.orders import RuleChange
from notices.selectors import unread_count, visible_notices
from notices.sentences import sentence_of
from notices.services.reading import mark_read, mute, unmute
from notices.services.rules import give_first_rules, update_rule
from notices.services.telling import close_what_is_over, tell_due
from notices.subjects import CONDITIONS, Subject
from tests import cast
from tests.notices.making import HOOK, Clock, mail_to, rule, webhook
from tests.office import Office, open_office, order_for

pytestmark = pytest.mark.django_db

SUPERSEDED = ReasonFlags.superseded


def told() -> list[tuple[str, int | None]]:
    return list(Notice.objects.order_by("pk").values_list("label", "threshold"))


def still_open() -> list[int | None]:
    return list(Notice.objects.filter(closed_at=None).order_by("pk").values_list("threshold", flat=True))


def test_each_threshold_is_told_once_as_days_go_by(office: Office, clock: Clock):
    rule(office)
    office.issue()
    for _day in range(100):
        clock.go(days=1)
        tell_due()
        tell_due()
    assert told() == [("www.acme.test", 30), ("www.acme.test", 14), ("www.acme.test", 7), ("www.acme.test", 1)]
    assert still_open() == [1]


def test_after_an_outage_the_nearest_threshold_alone_is_told(office: Office, clock: Clock):
    rule(office)
    office.issue()
    clock.go(days=59)
    tell_due()
    assert told() == []
    clock.go(days=18)
    tell_due()
    assert told() == [("www.acme.test", 14)]
    clock.go(days=7)
    tell_due()
    assert [threshold for _name, threshold in told()] == [14, 7]


def test_what_ended_during_an_outage_is_told_all_the_same(office: Office, clock: Clock):
    rule(office)
    office.issue()
    clock.go(days=59)
    tell_due()
    clock.go(days=34)
    tell_due()
    assert told() == [("www.acme.test", 1)]
    assert Notice.objects.get().level == Notice.Level.CRITICAL


def test_the_page_shows_the_nearest_threshold_only(office: Office, clock: Clock):
    rule(office)
    office.issue()
    for _step in range(2):
        clock.go(days=62 if not told() else 15)
        tell_due()
    assert [threshold for _name, threshold in told()] == [30, 14]
    assert still_open() == [14]


@pytest.mark.parametrize("way", ["renewed", "revoked", "muted"])
def test_what_is_over_is_closed_and_not_told_again(office: Office, clock: Clock, way: str):
    rule(office)
    row = office.issue().certificate
    clock.go(days=61)
    tell_due()
    assert still_open() == [30]
    if way == "renewed":
        renew_at_once(actor=office.owner, order=RenewOrder(certificate=Ref("pk", row.pk)))
    elif way == "revoked":
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=SUPERSEDED))
    else:
        mute(actor=office.owner, notice=Ref("pk", Notice.objects.get().pk))
    close_what_is_over()
    assert still_open() == []
    clock.go(days=20)
    tell_due()
    assert len(told()) == 1


def test_a_successor_that_is_revoked_is_none(office: Office, clock: Clock):
    rule(office)
    row = office.issue().certificate
    new = renew_at_once(actor=office.owner, order=RenewOrder(certificate=Ref("pk", row.pk))).certificate
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", new.pk), reason=SUPERSEDED))
    clock.go(days=61)
    tell_due()
    assert [notice.object_id for notice in Notice.objects.all()] == [row.public_id]


def test_what_was_muted_is_told_again_after_it(office: Office, clock: Clock):
    rule(office)
    office.issue()
    clock.go(days=61)
    tell_due()
    row = mute(actor=office.owner, notice=Ref("pk", Notice.objects.get().pk))
    unmute(actor=office.owner, mute=Ref("public_id", row.public_id))
    clock.go(days=16)
    tell_due()
    assert [threshold for _name, threshold in told()] == [30, 14]


def test_what_is_made_for_a_short_life_is_not_told_of_at_its_birth(office: Office, clock: Clock):
    rule(office)
    tell_due()
    office.issue(validity=timedelta(days=20))
    clock.go(hours=1)
    tell_due()
    assert told() == []
    clock.go(days=7)
    tell_due()
    assert told() == []
    clock.go(days=6)
    tell_due()
    assert [threshold for _name, threshold in told()] == [7]


def test_what_comes_late_into_the_register_is_told_of_at_the_next_look(office: Office, clock: Clock):
    rule(office)
    row = office.issue().certificate
    clock.go(days=61)
    # As an import does it: the row is new, its end is near, and its life began long ago.
    other = office.issue("old.acme.test").certificate
    Certificate.objects.filter(pk=other.pk).update(state=Certificate.State.REVOKED)
    tell_due()
    assert len(told()) == 1
    Certificate.objects.filter(pk=other.pk).update(
        state=Certificate.State.ISSUED, not_before=row.not_before, not_after=clock.at + timedelta(days=5)
    )
    Rule.objects.update(looked_through=other.pk - 1)
    clock.go(minutes=11)
    tell_due()
    assert told()[1:] == [("old.acme.test", 7)]


def test_a_look_reads_only_what_is_new_and_once_a_day_everything(office: Office, clock: Clock):
    row = rule(office)
    tell_due()
    clock.go(minutes=11)
    row.refresh_from_db()
    assert not looking.look(row, clock.at).was_whole
    clock.go(days=1)
    assert looking.look(row, clock.at).was_whole


def test_more_than_is_told_at_once_is_told_by_and_by(office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "MOST", 2)
    rule(office)
    for number in range(5):
        office.issue(f"{number}.acme.test")
    clock.go(days=61)
    for _look in range(4):
        tell_due()
    assert sorted(name for name, _threshold in told()) == [f"{number}.acme.test" for number in range(5)]


def test_a_filter_narrows_what_is_told(office: Office, clock: Clock):
    rule(office, filter="tag:shop")
    row = office.issue().certificate
    office.issue("other.acme.test")
    update_certificate(actor=office.owner, certificate=Ref("pk", row.pk), tags=["shop"])
    clock.go(days=61)
    tell_due()
    assert told() == [("www.acme.test", 30)]


def test_a_rule_that_is_changed_looks_at_everything_again(office: Office, clock: Clock):
    row = rule(office, thresholds=(7,))
    office.issue()
    clock.go(days=61)
    tell_due()
    assert told() == []
    update_rule(actor=office.owner, rule=Ref("pk", row.pk), change=RuleChange(thresholds=(7, 30)))
    tell_due()
    assert told() == [("www.acme.test", 30)]


def test_a_rule_that_fails_does_not_stop_the_others(office: Office, clock: Clock):
    broken = rule(office, name="broken")
    Rule.objects.filter(pk=broken.pk).update(filter="no such field:1")
    rule(office)
    office.issue()
    clock.go(days=61)
    tell_due()
    broken.refresh_from_db()
    assert told() == [("www.acme.test", 30)]
    assert broken.attempts == 1
    assert "no such field" in broken.last_error
    assert broken.due_at > clock.at


def test_many_are_one_message_for_people_and_one_event_each_for_programs(office: Office, clock: Clock):
    hook, people = webhook(office).channel, mail_to(office, office.person.user.email)
    rule(office, hook, people)
    for number in range(3):
        office.issue(f"{number}.acme.test")
    clock.go(days=61)
    tell_due()
    assert Delivery.objects.filter(channel=hook).count() == 3
    (message,) = Delivery.objects.filter(channel=people)
    assert [item["object"]["name"] for item in message.document["items"]] == [f"{n}.acme.test" for n in range(3)]


def test_the_owner_gets_what_is_theirs_and_nobody_who_has_left(office: Office, clock: Clock):
    rule(office, tells_owner=True)
    office.issue()
    clock.go(days=61)
    tell_due()
    (message,) = Delivery.objects.all()
    assert (message.channel, message.recipient) == (None, office.person.user.email)


def test_a_channel_that_asked_for_a_subject_needs_no_place_in_a_rule(office: Office, clock: Clock):
    hook = webhook(office, HOOK, Subject.CERTIFICATE_EXPIRING).channel
    rule(office)
    office.issue()
    clock.go(days=61)
    tell_due()
    assert [message.channel for message in Delivery.objects.all()] == [hook]


def test_a_request_that_waits_is_told_until_it_is_decided(office: Office, clock: Clock):
    template = office.template
    type(template).objects.filter(pk=template.pk).update(requires_approval=True)
    rule(office, subject=Subject.REQUEST_WAITING)
    request = submit_request(actor=office.owner, order=order_for(template))
    tell_due()
    assert told() == []
    clock.go(hours=1, minutes=1)
    tell_due()
    tell_due()
    assert told() == [("www.acme.test", None)]
    assert "has waited for approval since" in str(sentence_of(Notice.objects.get()))
    type(request).objects.filter(pk=request.pk).update(status="cancelled")
    close_what_is_over()
    assert still_open() == []


def test_a_crl_that_does_not_come_is_told_and_over_when_it_came(office: Office, clock: Clock):
    rule(office, subject=Subject.CRL_LATE)
    tell_due()
    assert told() == []
    clock.go(days=2)
    tell_due()
    assert {name for name, _threshold in told()} == {"ACME Root", "ACME Issuing CA"}
    for ca in (office.root, office.issuing):
        publish_everything(actor=office.owner, ca=ca)
    close_what_is_over()
    assert still_open() == []


def test_a_crl_that_needs_a_passphrase_is_told_a_day_before_it_is_missed(db: None, clock: Clock):
    office = open_office(passphrase=Secret("open sesame, please"))
    rule(office, subject=Subject.CRL_LATE)
    clock.go(days=2)
    tell_due()
    assert told() == [("ACME Root", None)]
    clock.at += office.issuing.crl_lifetime - timedelta(days=2, hours=23)
    tell_due()
    close_what_is_over()
    assert told() == [("ACME Root", None), ("ACME Root", None), ("ACME Issuing CA", None)]
    assert len(still_open()) == 2


def test_a_ca_that_ends_is_told(office: Office, clock: Clock):
    rule(office, subject=Subject.CA_EXPIRING)
    clock.go(days=1825 - 20)
    tell_due()
    tell_due()
    assert told() == [("ACME Issuing CA", 30)]


def test_every_organization_begins_with_rules_once(office: Office):
    give_first_rules()
    own = Rule.objects.filter(organization=office.organization)
    assert {row.subject for row in own} == CONDITIONS
    own.delete()
    give_first_rules()
    assert not own.exists()


def test_what_is_read_is_not_counted_any_more(office: Office, clock: Clock):
    rule(office)
    office.issue()
    clock.go(days=61)
    tell_due()
    teammate = cast.member(office.organization, "operator").actor
    assert unread_count(visible_to=office.owner) == 1
    mark_read(actor=office.owner)
    assert unread_count(visible_to=office.owner) == 0
    assert unread_count(visible_to=teammate) == 1


def test_what_is_told_is_seen_by_its_own_organization_alone(office: Office, clock: Clock):
    rule(office)
    office.issue()
    clock.go(days=61)
    tell_due()
    stranger = cast.stranger().actor
    assert visible_notices(visible_to=office.owner).count() == 1
    assert visible_notices(visible_to=stranger).count() == 0
    assert visible_notices(visible_to=replace(office.owner, grants=())).count() == 0


def test_a_closed_organization_is_told_nothing(office: Office, clock: Clock):
    rule(office)
    office.issue()
    type(office.organization).objects.filter(pk=office.organization.pk).update(closed_at=clock.at)
    clock.go(days=61)
    tell_due()
    assert told() == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a planner that knows how small the table is reads it whole")
def test_the_register_is_read_by_the_index_on_its_end(office: Office, clock: Clock):
    row = rule(office)
    for _threshold, band in looking._bands(row, clock.at):
        plan = band.explain()
        assert "certificates_certificate USING INDEX certificates_by_expiry" in plan
        assert "SCAN certificates_certificate" not in plan


@pytest.mark.parametrize("subject", [Subject.CERTIFICATE_EXPIRING, Subject.RENEWAL_FAILED])
def test_a_filter_that_takes_too_long_stops_its_own_rule_alone(office, monkeypatch: pytest.MonkeyPatch, subject):
    slow = rule(office, subject=subject, filter="name:*shop*")

    @contextmanager
    def over(_milliseconds: int) -> Iterator[None]:
        raise Invalid.of("filter", "too-slow", _("This takes too long."))
        yield

    monkeypatch.setattr(search, "time_limit", over)
    tell_due()
    slow.refresh_from_db()
    assert (slow.attempts, bool(slow.last_error), slow.due_at > timezone.now()) == (1, True, True)

"""The notification centre, rules, channels and deliveries in the browser."""

from __future__ import annotations

import hmac
import re
import time
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from accounts.roles import ORGANIZATION_PERMISSIONS
from certificates.models import Certificate
from notices.models import Channel, Delivery, Mute, Notice, Rule
from notices.services.deliveries import send_due_deliveries
from notices.services.rules import give_first_rules
from notices.services.telling import close_what_is_over, tell_due
from tests import cast
from tests.certificates.asking import with_capability
from tests.notices.making import mail_to, rule, webhook
from tests.notices.receiver import allow_loopback, receiver
from tests.office import open_office
from tests.web.people import browser_of

CENTRE = "/notifications/"
RULES, CHANNELS, DELIVERIES, MUTED = (f"{CENTRE}{name}/" for name in ("rules", "channels", "deliveries", "muted"))
NO_ID = "00000000-0000-4000-8000-000000000000"
BELL = re.compile(r'<a class="btn ghost square bell".*?</a>', re.S)


def words_of(answer: Any) -> str:
    return unescape(re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode()))


def bell_of(client: Any, path: str = "/") -> str | None:
    """What the bell says; None where there is none."""
    found = BELL.search(client.get(path).content.decode())
    return words_of(type("Part", (), {"content": found[0].encode()})).strip() if found else None


def ends_in(certificate: Certificate, days: float) -> None:
    """It has lived for long, and the rules look at everything anew."""
    ends = timezone.now() + timedelta(days=days)
    Certificate.objects.filter(pk=certificate.pk).update(not_before=ends - timedelta(days=90), not_after=ends)
    Rule.objects.update(due_at=timezone.now(), looked_at_all=None)


@pytest.fixture
def told(office) -> Notice:
    """A certificate ends in twelve days, and a rule has said so."""
    rule(office, name="Ends")
    ends_in(office.issue("www.acme.test").certificate, 12)
    tell_due()
    return Notice.objects.get()


class TestWhoMay:
    def test_strangers_find_nothing_and_change_nothing(self, office, told):
        channel = webhook(office, name="Our hook").channel
        delivery = Delivery.objects.create(organization=office.organization, channel=channel, subject="test")
        client = browser_of(with_everything(open_office("Umbrella").person).user)
        for path in (CENTRE, RULES, CHANNELS, DELIVERIES, MUTED):
            assert not any(word in words_of(client.get(path)) for word in ("acme.test", "Our hook", "Ends")), path
        rows = (f"{CENTRE}{told.public_id}/mute/", f"{RULES}{told.rule.public_id}/remove/")
        rows += (f"{CHANNELS}{channel.public_id}/test/", f"{CHANNELS}{channel.public_id}/rotate/")
        for path in (*rows, f"{DELIVERIES}{delivery.public_id}/repeat/"):
            assert client.get(path).status_code == client.post(path, {"overlap": "0"}).status_code == 404, path
        assert client.post(f"{CENTRE}read/", {"up_to": str(told.public_id)}).status_code == 404
        assert Rule.objects.filter(organization=office.organization).count() == 1
        assert not Mute.objects.exists()

    def test_whoever_reads_is_offered_nothing_else(self, office, told):
        channel = webhook(office).channel
        reader = browser_of(cast.member(office.organization, "auditor").user)
        page = reader.get(f"{CHANNELS}{channel.public_id}/")
        assert page.status_code == 200
        assert "/rotate/" not in page.content.decode()
        assert "/mute/" not in reader.get(CENTRE).content.decode()
        for path in (f"{CHANNELS}webhook/", f"{CHANNELS}{channel.public_id}/remove/", f"{RULES}create/"):
            assert reader.get(path).status_code == reader.post(path).status_code == 403, path


class TestCentre:
    def test_what_was_told_is_grouped_read_and_over(self, owner, office, told):
        assert bell_of(owner) == "Notifications 1 unread"
        page = owner.get(CENTRE)
        assert "The certificate www.acme.test ends on" in words_of(page)
        assert f"/certificates/{told.object_id}/" in page.content.decode()
        assert [group.is_unread for group in page.context["groups"]] == [True]
        assert f'name="up_to" value="{told.public_id}"' in page.content.decode()
        assert owner.post(f"{CENTRE}read/", {"up_to": str(told.public_id)}).status_code == 302
        assert "up_to" not in owner.get(CENTRE).content.decode()
        assert bell_of(owner) == "Notifications"
        assert [group.is_unread for group in owner.get(CENTRE).context["groups"]] == [False]
        ends_in(Certificate.objects.get(), 6)
        tell_due()
        assert [(len(group.told), group.is_unread) for group in owner.get(CENTRE).context["groups"]] == [(1, True)]
        ends_in(Certificate.objects.get(), -60)
        close_what_is_over()
        assert "Nothing new" in words_of(owner.get(CENTRE))
        assert len(owner.get(CENTRE, {"status": "closed"}).context["groups"][0].told) == 2

    def test_nothing_is_read_that_nobody_has_seen(self, owner, told):
        for sent in ({}, {"up_to": "x"}, {"up_to": NO_ID}):
            assert owner.post(f"{CENTRE}read/", sent).status_code == 404
        assert owner.get(f"{CENTRE}read/").status_code == 405
        assert bell_of(owner) == "Notifications 1 unread"

    def test_what_is_muted_is_told_of_no_more_until_it_is_again(self, owner, office, told):
        page = owner.get(f"{CENTRE}{told.public_id}/mute/")
        assert "www.acme.test" in words_of(page)
        assert owner.post(f"{CENTRE}{told.public_id}/mute/")["Location"] == CENTRE
        ends_in(Certificate.objects.get(), 6)
        tell_due()
        assert not owner.get(CENTRE).context["groups"]
        muted = Mute.objects.get()
        assert f"/certificates/{told.object_id}/" in owner.get(MUTED).content.decode()
        assert owner.post(f"{MUTED}{muted.public_id}/unmute/")["Location"] == MUTED
        assert "Nothing is muted" in words_of(owner.get(MUTED))

    def test_it_asks_as_often_for_many_as_for_few(self, owner, office, told, django_assert_max_num_queries):
        for number in range(55):
            about = {"object_id": None, "label": f"CRL {number}", "kind": "ca", "occasion": str(number)}
            Notice.objects.create(organization=office.organization, subject="crl.late", level="warning", **about)
        owner.get(CENTRE)
        with django_assert_max_num_queries(12):
            page = owner.get(CENTRE)
        assert sum(len(group.told) for group in page.context["groups"]) == 50
        assert len(owner.get(CENTRE + page.context["page"].next).context["groups"]) == 6

    def test_no_bell_where_nobody_is_told_anything(self, client, root):
        assert bell_of(client, "/sign-in/") is None
        assert bell_of(root) is None


class TestRules:
    def test_from_a_preset_over_its_preview_to_its_end(self, owner, office, told):
        channel = mail_to(office, office.person.user.email, name="Ops")
        form = owner.get(f"{RULES}create/", {"preset": "certificates"}).context["form"]
        sent = {
            "organization": office.organization.pk,
            "name": "Soon",
            "subject": form.initial["subject"],
            "thresholds": "7, 30",
            "channels": [channel.pk],
        }
        preview = words_of(owner.post(f"{RULES}create/", {**sent, "check": "1"}))
        assert "30 days before 0 in the last 30 days" not in preview
        assert "30 days before 1 in the last 30 days 7 days before 0 in the last 30 days" in preview
        assert "www.acme.test (in 11 days)" in preview
        unsaid = owner.post(f"{RULES}create/", {**sent, "thresholds": "", "check": "1"})
        assert set(unsaid.context["form"].errors) == {"thresholds"}
        assert Rule.objects.count() == 1
        path = owner.post(f"{RULES}create/", sent)["Location"]
        page = words_of(owner.get(path))
        assert "A certificate ends soon: told 30 and 7 days before." in page
        assert "Also goes to Ops." in page
        assert owner.post(f"{path}edit/", {"name": "Soon", "thresholds": "3", "filter": "tag:x"})["Location"] == path
        made = Rule.objects.get(name="Soon")
        assert (made.thresholds, made.filter, made.channels.count()) == ([3], "tag:x", 0)
        assert owner.post(f"{path}disable/")["Location"] == path
        assert owner.get(f"{path}disable/").status_code == 409
        assert "Disabled" in words_of(owner.get(path))
        assert owner.post(f"{path}enable/")["Location"] == path
        assert owner.post(f"{path}remove/")["Location"] == RULES
        assert owner.get(path).status_code == 404

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"thresholds": "soon"}, "thresholds"),
            ({"thresholds": ""}, "thresholds"),
            ({"filter": 'cn:"'}, "filter"),
            ({"subject": "certificate.issued"}, "subject"),
            ({"name": "Ends"}, "__all__"),
            ({"subject": "crl.late"}, "thresholds"),
            ({"channels": ["0"]}, "channels"),
        ],
    )
    def test_what_is_wrong_stands_beside_its_field(self, owner, office, told, wrong, field):
        sent = {"name": "New", "subject": "certificate.expiring", "thresholds": "7"}
        answer = owner.post(f"{RULES}create/", {"organization": office.organization.pk, **sent, **wrong})
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
        assert Rule.objects.count() == 1

    def test_a_channel_of_others_is_no_choice(self, owner, office):
        foreign = webhook(open_office("Umbrella")).channel
        sent = {"organization": office.organization.pk, "name": "New", "subject": "crl.late", "channels": [foreign.pk]}
        assert owner.post(f"{RULES}create/", sent).status_code == 422

    def test_what_everybody_begins_with_is_listed(self, owner, office):
        give_first_rules()
        rows = owner.get(RULES).context["rows"]
        assert len(rows) > 5
        assert any("30, 14, 7 and 1 days before" in sentence for _row, sentence, _standing in rows)


class TestChannels:
    def test_a_webhook_s_secret_is_shown_once_and_what_the_page_says_verifies_it(self, owner, office):
        allow_loopback(office.organization)
        with receiver() as there:
            sent = {"organization": office.organization.pk, "name": "Deploy", "url": there.address}
            page = owner.post(f"{CHANNELS}webhook/", sent)
            assert page["Cache-Control"] == "no-store"
            secret = page.context["secret"]
            path = f"{CHANNELS}{Channel.objects.get().public_id}/"
            record = owner.get(path)
            for hidden in (secret, "canary-path"):
                assert hidden not in record.content.decode()
                assert hidden not in owner.get(f"{path}edit/").content.decode()
            assert owner.post(f"{path}test/")["Location"] == path
            assert "The test has arrived." in words_of(owner.get(path))
            names: dict[str, Any] = {"hmac": hmac, "time": time, "secret": secret}
            names |= {"headers": there.received[0].headers, "body": there.received[0].body}
            exec(record.context["verifying"], names)  # noqa: S102  what the page tells people to run
            assert names["is_ours"]
            assert names["is_new"]
            exec(record.context["verifying"], names | {"secret": "another"})  # noqa: S102
            new = owner.post(f"{path}rotate/", {"overlap": "24"}).context["secret"]
            owner.post(f"{path}test/")
            for each in (secret, new):
                assert there.received[1].is_signed_by(each)

    def test_a_test_that_fails_says_why_and_is_sent_again(self, owner, office):
        allow_loopback(office.organization)
        with receiver() as there:
            there.status = 500
            channel = webhook(office, there.address).channel
            path = f"{CHANNELS}{channel.public_id}/"
            assert "The test did not arrive: It answers 500." in words_of(owner.post(f"{path}test/", follow=True))
            row = Delivery.objects.get()
            assert "1 message could not be delivered" in words_of(owner.get(DELIVERIES))
            assert "1 message could not be delivered" in words_of(owner.get("/"))
            assert [each for each, _standing in owner.get(DELIVERIES, {"status": "dead"}).context["rows"]] == [row]
            assert not owner.get(DELIVERIES, {"status": "delivered"}).context["rows"]
            record = f"{DELIVERIES}{row.public_id}/"
            page = words_of(owner.get(record))
            assert "HTTP 500" in page
            assert str(row.public_id) in page
            assert owner.post(f"{record}repeat/")["Location"] == record
            assert owner.get(f"{record}repeat/").status_code == 409
            there.status = 204
            send_due_deliveries()
        assert "Delivered" in words_of(owner.get(record))
        assert there.received[0].body == there.received[1].body

    def test_mail_is_changed_switched_off_and_deleted(self, owner, office):
        sent = {"organization": office.organization.pk, "name": "Ops", "recipients": "ops@elsewhere.example"}
        path = owner.post(f"{CHANNELS}mail/", sent)["Location"]
        assert owner.get(f"{path}rotate/").status_code == 409
        changed = {"name": "Ops", "recipients": f"{office.person.user.email}\nops@elsewhere.example"}
        assert owner.post(f"{path}edit/", changed)["Location"] == path
        assert len(Channel.objects.get().recipients) == 2
        assert owner.post(f"{path}edit/", {"name": "Ops", "recipients": "no address"}).status_code == 422
        rule(office, Channel.objects.get(), name="Ends")
        assert "Ends" in words_of(owner.get(path))
        owner.post(f"{path}disable/")
        assert owner.get(f"{path}test/").status_code == 409
        owner.post(f"{path}enable/")
        assert "Ends" in words_of(owner.get(f"{path}remove/"))
        assert owner.post(f"{path}remove/")["Location"] == CHANNELS
        assert Rule.objects.get().channels.count() == 0

    @pytest.mark.parametrize("kind", ["slack", "teams", "webhook"])
    def test_an_address_has_to_be_one_of_the_web(self, owner, office, kind):
        sent = {"organization": office.organization.pk, "name": "There"}
        for url in ("", "ftp://there.example/", "https://u:p@there.example/", "https://there.example/ x"):
            assert "url" in owner.post(f"{CHANNELS}{kind}/", {**sent, "url": url}).context["form"].errors
        assert not Channel.objects.exists()
        address = "https://hooks.example.com/services/canary"
        owner.post(f"{CHANNELS}{kind}/", {**sent, "url": address, "subjects": ["certificate.revoked"]})
        row = Channel.objects.get()
        assert (row.kind, row.subjects, row.host) == (kind, ["certificate.revoked"], "hooks.example.com")
        path = f"{CHANNELS}{row.public_id}/"
        sealed = bytes(row.sealed_url)
        owner.post(f"{path}edit/", {"name": "Elsewhere", "url": "", "subjects": []})
        row.refresh_from_db()
        assert (row.name, row.subjects, bytes(row.sealed_url)) == ("Elsewhere", [], sealed)


def test_lists_ask_little(owner, office, told, django_assert_max_num_queries):
    channels = [mail_to(office, office.person.user.email, name=f"Mail {number}") for number in range(8)]
    for number in range(8):
        rule(office, *channels, name=f"Rule {number}")
        Delivery.objects.create(organization=office.organization, channel=channels[number], subject="test")
    owner.get("/")
    for path in (RULES, CHANNELS, DELIVERIES, MUTED, f"{CHANNELS}{channels[0].public_id}/"):
        with django_assert_max_num_queries(12):
            owner.get(path)


def test_the_admin_shows_them_and_calls_the_same_services(root, office, told):
    channel = webhook(office, name="Our hook").channel
    base = "/admin/notices"
    assert "The certificate www.acme.test ends on" in words_of(root.get(f"{base}/notice/{told.pk}/change/"))
    assert "Our hook" in words_of(root.get(f"{base}/channel/"))
    root.post(f"{base}/channel/{channel.pk}/disable/")
    channel.refresh_from_db()
    assert not channel.is_active
    root.post(f"{base}/notice/{told.pk}/mute/")
    root.post(f"{base}/mute/{Mute.objects.get().pk}/unmute/")
    root.post(f"{base}/rule/{told.rule_id}/remove/")
    assert not Mute.objects.exists()
    assert not Rule.objects.exists()


def with_everything(person: cast.Person) -> cast.Person:
    with_capability(person, *ORGANIZATION_PERMISSIONS)
    return person

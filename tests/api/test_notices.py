"""Channels, rules, notices, mutes and deliveries over the API."""

from __future__ import annotations

import pytest

from kernel.permissions import Permission
from notices.models import Channel, Delivery, Mute, Notice, Rule
from tests import cast
from tests.api.wire import wire_of, wrong_fields
from tests.security.whole_acme import channel_of, delivery_of, notice_of

CHANNELS, RULES, NOTICES = "/api/v2/channels", "/api/v2/notification-rules", "/api/v2/notices"
DELIVERIES, MUTES = "/api/v2/deliveries", "/api/v2/mutes"
HOOK = {
    "name": "Deployment",
    "kind": "webhook",
    "url": "https://hooks.acme.example/secret-path",
    "subjects": ["certificate.renewed"],
}
RULE = {"name": "Shop", "subject": "certificate.expiring", "thresholds": [7, 30], "filter": "tag:shop"}


def body(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()


def code(answer, status):
    return body(answer, status)["type"].rpartition("/")[2]


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(api):
    answer = api.post(CHANNELS, HOOK)
    made = body(answer, 201)
    assert answer["Location"] == f"{CHANNELS}/{made['id']}"
    secret = made.pop("secret")
    assert (made["host"], made["subjects"], made["is_active"]) == ("hooks.acme.example", ["certificate.renewed"], True)
    assert "secret-path" not in answer.content.decode()
    assert body(api.get(answer["Location"])) == made
    assert body(api.get(CHANNELS))["data"] == [made]
    rotated = body(api.post(f"{CHANNELS}/{made['id']}/rotate-secret"))
    assert rotated["secret"] not in (secret, None)
    assert rotated["old_secret_ends_at"] is not None
    for again in (api.get(answer["Location"]), api.get(CHANNELS)):
        assert not any(each.encode() in again.content for each in (secret, rotated["secret"]))


def test_a_channel_is_changed_and_removed(api):
    place = f"{CHANNELS}/{body(api.post(CHANNELS, HOOK), 201)['id']}"
    changed = body(api.patch(place, {"name": "Other", "is_active": False, "url": "https://other.acme.example/x"}))
    assert (changed["name"], changed["is_active"], changed["host"]) == ("Other", False, "other.acme.example")
    assert code(api.post(f"{place}/test"), 409) == "channel-inactive"
    assert api.delete(place).status_code == 204
    assert code(api.get(place), 404) == "channel-not-found"


def test_a_channel_without_a_signature_has_no_secret(api):
    slack = {"name": "Chat", "kind": "slack", "url": "https://hooks.slack.test/services/T0/B0/x"}
    made = body(api.post(CHANNELS, slack), 201)
    assert made["secret"] is None
    assert list(wrong_fields(api.post(f"{CHANNELS}/{made['id']}/rotate-secret"))) == ["kind"]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"url": "http://hooks.acme.example/"}, "url"),
        ({"url": None}, "url"),
        ({"kind": "pager"}, "kind"),
        ({"subjects": ["certificate.lost"]}, "subjects"),
        ({"recipients": ["a@acme.example"]}, "recipients"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_with_a_channel_is_named(api, changes, wrong):
    (field,) = wrong_fields(api.post(CHANNELS, HOOK | changes))
    assert field.partition("[")[0].partition(".")[0] == wrong
    assert not Channel.objects.exists()


def test_mail_goes_to_members_and_to_whom_an_owner_has_named(office, api):
    mail = {"name": "Mail", "kind": "mail", "recipients": ["pki@elsewhere.example"]}
    admin = wire_of(office.person, Permission.NOTICES_WRITE, Permission.NOTICES_READ)
    assert list(wrong_fields(admin.post(CHANNELS, mail))) == ["recipients[0]"]
    assert body(api.post(CHANNELS, mail), 201)["recipients"] == ["pki@elsewhere.example"]


def test_a_rule_is_made_changed_and_removed(office, api):
    channel = channel_of(office)
    answer = api.post(RULES, RULE | {"channel_ids": [str(channel.public_id)]})
    made = body(answer, 201)
    assert answer["Location"] == f"{RULES}/{made['id']}"
    assert (made["thresholds"], made["channel_ids"]) == ([30, 7], [str(channel.public_id)])
    assert body(api.get(answer["Location"])) == made
    changed = body(api.patch(answer["Location"], {"channel_ids": [], "thresholds": [1]}))
    assert (changed["thresholds"], changed["channel_ids"], changed["filter"]) == ([1], [], "tag:shop")
    assert code(api.post(RULES, RULE), 409) == "notice-rule-exists"
    assert api.delete(answer["Location"]).status_code == 204
    assert code(api.get(answer["Location"]), 404) == "notice-rule-not-found"


def test_a_rule_does_not_speak_over_the_channel_of_another_organization(office, stranger):
    channel = channel_of(office)
    sent = RULE | {"channel_ids": [str(channel.public_id)]}
    assert wrong_fields(stranger.post(RULES, sent)) == {"channel_ids[0]": "unknown"}
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"thresholds": [0]}, "thresholds"),
        ({"thresholds": []}, "thresholds"),
        ({"subject": "moon.full"}, "subject"),
        ({"filter": "colour:red"}, "filter"),
        ({"channel_ids": ["x"]}, "channel_ids"),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(api, changes, wrong):
    (field,) = wrong_fields(api.post(RULES, RULE | changes))
    assert field.partition("[")[0].partition(".")[0] == wrong
    assert not Rule.objects.exists()


def test_notices_are_listed_read_and_muted(office, api):
    told, over = notice_of(office), notice_of(office, number=1)
    Notice.objects.filter(pk=over.pk).update(closed_at=over.created_at)
    for query, expected in (("", [over, told]), ("?is_open=true", [told]), ("?is_open=false", [over])):
        found = body(api.get(f"{NOTICES}{query}"))["data"]
        assert [row["id"] for row in found] == [str(row.public_id) for row in expected], query
    shown = body(api.get(f"{NOTICES}/{told.public_id}"))
    assert shown.items() >= {"subject": "certificate.expiring", "level": "warning", "threshold": 30}.items()
    assert body(api.get(f"{NOTICES}/counts")) == {"unread": 1}
    assert api.post(f"{NOTICES}/read", {"up_to": str(told.public_id)}).status_code == 204
    assert body(api.get(f"{NOTICES}/counts")) == {"unread": 0}
    answer = api.post(f"{NOTICES}/{told.public_id}/mute")
    mute = body(answer, 201)
    assert answer["Location"] == f"{MUTES}/{mute['id']}"
    assert (mute["object_id"], mute["kind"]) == (str(told.object_id), "certificate")
    assert body(api.get(f"{NOTICES}/{told.public_id}"))["closed_at"] is not None
    assert code(api.post(f"{NOTICES}/{told.public_id}/mute"), 409) == "mute-exists"
    assert body(api.get(MUTES))["data"] == [mute]
    assert api.delete(answer["Location"]).status_code == 204
    assert not Mute.objects.exists()


def test_everybody_reads_for_themselves(office, api):
    notice_of(office)
    teammate = wire_of(cast.member(office.organization, "owner", "second@acme.example"))
    assert api.post(f"{NOTICES}/read").status_code == 204
    assert body(api.get(f"{NOTICES}/counts")) == {"unread": 0}
    assert body(teammate.get(f"{NOTICES}/counts")) == {"unread": 1}


def test_a_message_that_was_given_up_is_sent_again(office, api):
    channel = channel_of(office)
    delivery = delivery_of(channel, notice_of(office))
    (listed,) = body(api.get(f"{DELIVERIES}?status=dead&channel_id={channel.public_id}"))["data"]
    assert listed["id"] == str(delivery.public_id)
    assert (listed["channel_id"], listed["last_status"], listed["attempts"]) == (str(channel.public_id), 500, 12)
    again = body(api.post(f"{DELIVERIES}/{delivery.public_id}/repeat"))
    assert again["status"] == "waiting"
    assert Delivery.objects.get(public_id=again["id"]).due_at is not None
    assert body(api.get(f"{DELIVERIES}?status=dead"))["data"] == []


def test_deliveries_over_the_channel_of_another_organization_are_not_found(office, stranger):
    channel = channel_of(office)
    assert code(stranger.get(f"{DELIVERIES}?channel_id={channel.public_id}"), 404) == "channel-not-found"


def test_who_reads_notices_changes_nothing(office):
    notice, channel = notice_of(office), channel_of(office)
    reader = wire_of(office.person, Permission.NOTICES_READ)
    for path in (
        f"{NOTICES}/{notice.public_id}/mute",
        CHANNELS,
        RULES,
        f"{CHANNELS}/{channel.public_id}/rotate-secret",
    ):
        assert code(reader.post(path, {}), 403) == "permission-denied", path

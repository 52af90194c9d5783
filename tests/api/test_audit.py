"""The audit log on the wire: found by every filter, shown as it was signed, and nobody else's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import ReasonFlags
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import selectors
from audit.canonical import canonical_bytes
from audit.models import AuditEvent
from audit.services import seal
from audit.verifier import SIGNATURE_PREFIX, key_id
from certificates.orders import RevokeOrder
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.append_only import unguarded

V1, V2 = "/api/v1/audit", "/api/v2/audit"
both = pytest.mark.parametrize("url", [V1, V2], ids=["v1", "v2"])


@pytest.fixture
def issued(office):
    """Two certificates, the second of them revoked."""
    rows = [office.issue(name).certificate for name in ("www.acme.test", "old.acme.test")]
    order = RevokeOrder(certificate=Ref("pk", rows[1].pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    return rows


def signed_in(user):
    """A browser of this person."""
    wire = Wire()
    wire.client.force_login(user, backend="accounts.sessions.PasswordBackend")
    return wire


def events(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_a_stranger_reads_their_own_log_alone(issued, office, stranger, subtests):
    seal(actor=SYSTEM)
    event = selectors.visible_events(office.owner)[0]
    size = selectors.latest_checkpoint(office.organization.pk).size
    for path in (V1, V2):
        with subtests.test(path):
            assert b"ACME" not in stranger.get(path).content
            assert events(stranger.get(f"{path}?serial=0x{issued[0].serial}")) == []
            assert events(stranger.get(f"{path}?resource_type=certificate&resource_id={issued[0].pk}")) == []
    addresses = [f"{V2}/{event.event_id}", f"{V2}/{event.event_id}/proof", f"{V2}/checkpoints/{size}"]
    for path in (*addresses, f"{V2}/checkpoints/{size}/consistency"):
        with subtests.test(path):
            assert stranger.get(path).status_code == 404
    for path in ("", "/checkpoints", "/checkpoints/latest", "/checkpoints/latest/note", "/export"):
        with subtests.test(f"{path} of another organization"):
            refused = stranger.get(f"{V2}{path}?organization_id={office.organization.public_id}")
            absent = stranger.get(f"{V2}{path}?organization_id=00000000-0000-4000-8000-000000000000")
            assert refused.status_code == absent.status_code == 403
            assert refused.json()["detail"] == absent.json()["detail"]
    exported = stranger.get(f"{V2}/export").getvalue()
    assert b"ACME" not in exported
    assert f'"log":{office.organization.pk},' not in exported.decode()


def test_the_log_is_read_with_its_permission_alone(office):
    others = set(office.person.actor.permissions) - {Permission.AUDIT_READ}
    for path in (V1, V2, f"{V2}/export", f"{V2}/keys", f"{V2}/verifier", f"{V2}/checkpoints"):
        assert wire_of(office.person, *others).get(path).status_code == 403
    assert signed_in(cast.member(office.organization, "auditor").user).get(V1).status_code == 200


# --- as the document has it -------------------------------------------------------------------------------------------


@pytest.mark.row("P71", "P74", "P75", "P76", "P77")
def test_an_issuance_is_told_as_documented(office):
    owner = signed_in(office.person.user)
    issued = office.issue().certificate
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    (event,) = events(owner.get(f"{V1}?event=certificate.issued&since={today}"))
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", event["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["ts"])
    assert event["event"] == "certificate.issued"
    person = office.person.user
    assert {name: event["actor"][name] for name in ("type", "id", "email")} == {
        "type": "user",
        "id": person.pk,
        "email": person.email,
    }
    serial = ":".join(re.findall("..", issued.serial.upper().zfill(40)))
    assert {name: event["resource"][name] for name in ("type", "id", "serial")} == {
        "type": "certificate",
        "id": issued.pk,
        "serial": serial.removeprefix("00:"),
    }
    assert event["metadata"]["template_code"] == "web-tls"
    assert event["metadata"]["pki_id"] == office.issuing.pk
    assert "ip" in event["metadata"]


@pytest.mark.row("P77")
def test_the_address_is_told_of_what_came_over_the_wire(api, office):
    api.post("/api/v1/certificates", {"template_code": "web-tls", "common_name": "www.acme.test"})
    (event,) = events(api.get(f"{V1}?event=certificate.issued"))
    assert event["metadata"]["ip"] == "127.0.0.1"
    assert event["actor"]["type"] == "api_key"
    assert event["actor"]["email"] is None


@pytest.mark.row("P78")
def test_every_signature_is_verified_by_the_published_key(api, issued):
    keys = {
        row["key"]: Ed25519PublicKey.from_public_bytes(bytes.fromhex(row["public_key"]))
        for row in events(api.get(f"{V2}/keys"))
    }
    found = events(api.get(f"{V1}?limit=1000"))
    assert len(found) > 5
    for event in found:
        detail = api.get(f"{V2}/{event['id']}").json()
        assert detail["signature"] == event["signature"]
        assert event["signature"].startswith(SIGNATURE_PREFIX)
        stored = AuditEvent.objects.get(event_id=event["id"])
        keys[detail["key"]].verify(bytes(stored.signature), detail["canonical"].encode())


def test_the_keys_are_named_by_what_they_are(api, office):
    (key,) = events(api.get(f"{V2}/keys"))
    assert key["key"] == key_id(bytes.fromhex(key["public_key"]))
    assert (key["algorithm"], key["active"]) == ("ed25519", True)


# --- narrowed ---------------------------------------------------------------------------------------------------------


def names(answer):
    return [event["event"] for event in events(answer)]


@pytest.mark.row("P72")
@both
def test_an_event_is_asked_for_by_its_name(api, issued, url):
    assert names(api.get(f"{url}?event=certificate.issued")) == ["certificate.issued"] * 2
    assert names(api.get(f"{url}?event=certificate.revoked")) == ["certificate.revoked"]
    assert names(api.get(f"{url}?event=session.refused")) == []


def at(row):
    """The moment of the event that tells of this row, as the log has it."""
    return AuditEvent.objects.get(event_id=row.event).document["ts"]


@pytest.mark.row("P73")
@both
def test_since_is_a_day_or_a_moment_and_included(api, issued, url):
    today = datetime.now(UTC)
    issuances = f"{url}?event=certificate.issued"
    assert len(names(api.get(f"{issuances}&since={today:%Y-%m-%d}"))) == 2
    assert names(api.get(f"{issuances}&since={today + timedelta(days=1):%Y-%m-%d}")) == []
    assert len(names(api.get(f"{issuances}&since={at(issued[0])}"))) == 2
    assert len(names(api.get(f"{issuances}&since={at(issued[1])}"))) <= 2
    hour = (today - timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "%2B00:00")
    assert len(names(api.get(f"{issuances}&since={hour}"))) == 2


@both
def test_until_is_left_out(api, issued, url):
    issuances = f"{url}?event=certificate.issued"
    assert names(api.get(f"{issuances}&until={at(issued[0])}")) == []
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert len(names(api.get(f"{issuances}&until={tomorrow:%Y-%m-%d}"))) == 2


@both
def test_events_are_found_by_who_where_and_about_what(api, office, issued, url, subtests):
    answer = api.post("/api/v2/certificates", {"template_code": "web-tls", "common_name": "api.acme.test"})
    wired = answer.json()
    (last,) = events(api.get(f"{url}?trace_id={answer['X-Trace-Id']}"))
    assert last["resource"]["public_id"] == wired["id"]
    robot = f"api_key:{last['actor']['id']}"
    about = f"resource_type=certificate&resource_id={issued[1].pk}"
    both_events = ["certificate.revoked", "certificate.issued"]
    table = {
        f"actor={robot}&event=certificate.issued": ["certificate.issued"],
        f"actor=user:{office.person.user.pk}&event=certificate.issued": ["certificate.issued"] * 2,
        "actor=user:999999&event=certificate.issued": [],
        about: both_events,
        f"serial=0x{issued[1].serial}": both_events,
        f"serial={issued[1].serial.upper().zfill(40)}": both_events,
        f"serial={int(issued[1].serial, 16)}": both_events,
        "ip=127.0.0.1&event=certificate.issued": ["certificate.issued"],
        "ip=::ffff:192.0.2.1": [],
        f"event=certificate.revoked&{about}": ["certificate.revoked"],
    }
    for query, expected in table.items():
        with subtests.test(query):
            assert names(api.get(f"{url}?{query}")) == expected


WRONG = {
    "event=certificate.eaten": {"event": "unknown-value"},
    "event=": {"event": "unknown-value"},
    "since=yesterday": {"since": "invalid"},
    "since=2026-13-01": {"since": "invalid"},
    "since=2026-04-01T10:00:00": {"since": "invalid"},
    "since=2026-W14-1": {"since": "invalid"},
    "until=0": {"until": "invalid"},
    "actor=12": {"actor": "invalid"},
    "actor=ghost:12": {"actor": "invalid"},
    "actor=user:1:2": {"actor": "invalid"},
    "resource_id=12": {"resource_type": "required"},
    "resource_type=ca&resource_id=x": {"resource_id": "invalid"},
    "serial=zz": {"serial": "invalid"},
    "serial=3f*": {"serial": "invalid"},
    "serial=": {"serial": "invalid"},
    "ip=localhost": {"ip": "invalid"},
    "trace_id=%00": {"trace_id": "null-characters-not-allowed"},
    "event=certificate.issued&event=certificate.revoked": {"event": "repeated"},
    "ts=1": {"ts": "unknown-field"},
}


@both
@pytest.mark.parametrize(("query", "wrong"), WRONG.items(), ids=WRONG)
def test_a_filter_that_makes_no_sense_is_named(api, url, query, wrong):
    assert wrong_fields(api.get(f"{url}?{query}")) == wrong


def test_everything_that_is_wrong_is_told_at_once(api):
    answer = api.get(f"{V1}?event=x&since=y&actor=z&ip=w")
    assert set(wrong_fields(answer)) == {"event", "since", "actor", "ip"}


def test_digits_that_two_events_could_mean_are_not_guessed_at(api, office):
    """`10` is 0x10, and in decimal 0xa."""
    rows = [office.issue().certificate for _ in range(2)]
    with unguarded():
        for row, serial in zip(rows, ("10", "a"), strict=True):
            AuditEvent.objects.filter(event_id=row.event).update(serial=serial)
    answer = api.get(f"{V1}?serial=10")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "ambiguous-serial")
    assert len(events(api.get(f"{V1}?serial=0x10"))) == 1
    assert len(events(api.get(f"{V1}?serial=0xa"))) == 1


@both
def test_a_filtered_list_goes_on_where_it_stopped(api, issued, url):
    every = [event["id"] for event in events(api.get(f"{url}?event=certificate.issued"))]
    page = api.get(f"{url}?event=certificate.issued&limit=1").json()
    assert page["pagination"]["total"] == 2
    rest = api.get(f"{url}?event=certificate.issued&limit=1&cursor={page['pagination']['next_cursor']}").json()
    assert [page["data"][0]["id"], rest["data"][0]["id"]] == every
    assert rest["pagination"]["next_cursor"] is None


def test_the_total_of_a_whole_log_is_exact_however_long_it_is(api, office, issued, monkeypatch):
    seal(actor=SYSTEM)
    office.issue()
    monkeypatch.setattr("api.common.paging.COUNTED", 5)
    count = AuditEvent.objects.filter(log=office.organization.pk).count()
    for url in (V1, V2):
        assert api.get(f"{url}?limit=1").json()["pagination"]["total"] == count > 5
    narrowed = api.get(f"{V1}?actor=user:{office.person.user.pk}&limit=1").json()["pagination"]
    assert (narrowed["total"], narrowed["total_is_estimate"]) == (5, True)


def test_a_superuser_reads_every_log_or_one(office, issued):
    root = signed_in(cast.superuser())
    logs = {event["event"] for event in events(root.get(f"{V2}?limit=1000"))}
    assert {"audit.key_created", "certificate.issued"} <= logs
    one = events(root.get(f"{V2}?limit=1000&organization_id={office.organization.public_id}"))
    assert "audit.key_created" not in {event["event"] for event in one}
    assert len(one) == AuditEvent.objects.filter(log=office.organization.pk).count()


# --- one event --------------------------------------------------------------------------------------------------------


def test_an_event_is_shown_with_what_proves_it(api, office, issued):
    event_id = issued[0].event
    shown = api.get(f"{V2}/{event_id}").json()
    stored = AuditEvent.objects.get(event_id=event_id)
    assert shown["canonical"].encode() == bytes(stored.canonical) == canonical_bytes(stored.document)
    assert (shown["log"], shown["position"], shown["key"]) == (office.organization.pk, None, stored.key_id)
    seal(actor=SYSTEM)
    stored.refresh_from_db()
    assert api.get(f"{V2}/{event_id}").json() == shown | {"position": stored.position}


def test_an_event_in_the_list_is_the_same_as_alone(api, issued):
    for event in events(api.get(f"{V2}?limit=5")):
        alone = api.get(f"{V2}/{event['id']}").json()
        assert {name: alone[name] for name in event} == event


SPOILT = {
    "no JSON": b"\xff{",
    "nothing": b"",
    "a list": b"[]",
    "an empty object": b"{}",
    "an actor of another kind": b'{"id":1,"ts":"2026-01-01T00:00:00.000Z","actor":7,"metadata":{}}',
}


@pytest.mark.parametrize("canonical", SPOILT.values(), ids=SPOILT)
def test_an_event_whose_bytes_were_spoilt_hides_no_list(api, issued, canonical):
    with unguarded():
        AuditEvent.objects.filter(event_id=issued[0].event).update(canonical=canonical)
    for url in (V1, V2):
        assert names(api.get(f"{url}?event=certificate.issued")) == ["certificate.issued"] * 2
    shown = api.get(f"{V2}/{issued[0].event}")
    assert (shown.status_code, shown.json()["metadata"]) == (200, {"ip": None})


@both
def test_a_page_takes_as_many_queries_however_long_it_is(api, issued, url):
    counts = []
    for limit in (1, 20):
        api.get(f"{url}?limit={limit}")
        with CaptureQueriesContext(connection) as queries:
            api.get(f"{url}?limit={limit}&event=certificate.issued&since=2026-01-01")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 4

"""Requests over the wire: 202 where others must agree, exactly what is agreed to, four eyes, and the key, once."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.services.people import actor_for_user
from api.native.openapi import document
from audit.models import AuditEvent
from certificates.models import Certificate, Decision, Request
from certificates.services.fulfilment import fulfil_request
from certificates.services.sweeps import fulfil_approved
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast, pki
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.certificates.asking import Desk, named, open_desk, with_capability

pytestmark = pytest.mark.django_db

URL = "/api/v2/requests"
PASSPHRASE = "correct horse battery"
BODY = {"template_code": "web-tls", "common_name": "www.acme.test"}


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def signed_in(person: cast.Person) -> Wire:
    """This person at a browser, which speaks the API."""
    client = Client(raise_request_exception=False)
    client.force_login(person.user, backend="accounts.sessions.PasswordBackend")
    return Wire(client=client)


def key_of(person: cast.Person, *permissions: Permission) -> Wire:
    """A key with these permissions, which the person has made."""
    rights = {*person.actor.permissions, *permissions, Permission.API_KEYS_WRITE}
    return wire_of(replace(person, actor=with_capability(person, *rights)), *permissions)


def asked(wire: Wire, **changes: object) -> dict:
    answer = wire.post("/api/v2/certificates", BODY | changes)
    assert answer.status_code == 202, answer.content
    return answer.json()


def problem(answer) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def shown(wire: Wire, request: dict) -> dict:
    answer = wire.get(f"{URL}/{request['id']}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def approve(wire: Wire, request: dict):
    return wire.post(f"{URL}/{request['id']}/approve", {"digest": shown(wire, request)["digest"]})


def approved(desk: Desk, **changes: object) -> dict:
    answer = approve(signed_in(desk.approver), asked(signed_in(desk.asker), **changes))
    assert answer.json()["status"] == "approved", answer.content
    return answer.json()


# --- a stranger -------------------------------------------------------------------------------------------------------


def test_for_a_stranger_there_is_no_request(desk):
    request = asked(signed_in(desk.asker))
    stranger = cast.stranger()
    with_capability(stranger, Permission.REQUESTS_DECIDE)
    wire, digest = signed_in(stranger), Request.objects.get().digest
    calls = {
        "retrieve": lambda: wire.get(f"{URL}/{request['id']}"),
        "approve": lambda: wire.post(f"{URL}/{request['id']}/approve", {"digest": digest}),
        "reject": lambda: wire.post(f"{URL}/{request['id']}/reject", {"reason": "no"}),
        "cancel": lambda: wire.post(f"{URL}/{request['id']}/cancel"),
        "fulfil": lambda: wire.post(f"{URL}/{request['id']}/fulfil"),
        "private-key": lambda: wire.post(f"{URL}/{request['id']}/private-key"),
    }
    for name, call in calls.items():
        assert problem(call()) == (404, "request-not-found"), name
    for query in ("", "?mine=true", "?inbox=true", "?template=web-tls", "?requester=member@acme.example"):
        assert wire.get(URL + query).json() == {"data": [], "pagination": {"next_cursor": None, "total": 0}}
    counts = {"pending_approval": 0, "approved": 0, "mine": 0, "inbox": 0}
    assert wire.get(f"{URL}/counts").json() == counts
    assert Request.objects.get().status == "pending"


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.row("P68")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_where_an_approval_is_asked_for_nothing_is_issued_and_a_request_is_filed(desk, version):
    wire = signed_in(desk.asker)
    answer = wire.post(f"/api/{version}/certificates", BODY | {"sans": ["www.acme.test", "10.0.0.1"]})
    row, office = Request.objects.get(), desk.office
    ids = (lambda each: each.pk) if version == "v1" else (lambda each: str(each.public_id))
    assert answer.status_code == 202
    assert answer["Location"] == f"{URL}/{row.public_id}"
    assert answer.json() == {
        "id": str(row.public_id),
        "organization_id": ids(office.organization),
        "kind": "issue",
        "status": "pending_approval",
        "subject": {"common_name": "www.acme.test"},
        "sans": ["www.acme.test", "10.0.0.1"],
        "key_algorithm": "ECDSA_P256",
        "pki": {"id": ids(office.issuing), "name": "ACME Issuing CA", "type": "internal"},
        "template": {"id": ids(office.template), "code": "web-tls"},
        "requester": "member@acme.example",
        "approvals_needed": 1,
        "approvals_given": 0,
        "created_at": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{row.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "certificate_id": None,
    }
    assert not Certificate.objects.exists()
    assert wire.get(answer["Location"]).json()["status"] == "pending_approval"


@pytest.mark.row("P68")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_was_approved_is_issued_and_found_where_certificates_are(desk, version):
    request = asked(signed_in(desk.asker))
    approve(signed_in(desk.approver), request)
    assert fulfil_approved() == 1
    wire = signed_in(desk.asker)
    assert shown(wire, request)["status"] == "fulfilled"
    (item,) = wire.get(f"/api/{version}/certificates").json()["data"]
    assert (item["subject"], item["status"]) == ({"common_name": "www.acme.test"}, "issued")
    if version == "v2":
        assert shown(wire, request)["certificate_id"] == item["id"]


def test_what_can_never_be_issued_is_said_at_once_and_nobody_is_asked(desk):
    answer = signed_in(desk.asker).post("/api/v2/certificates", BODY | {"sans": ["evil.test"], "validity_days": 9000})
    assert wrong_fields(answer) == {"sans[0]": "name-not-allowed", "validity": "too-long"}
    assert not Request.objects.exists()


def test_a_key_that_may_only_issue_asks_and_sees_what_it_has_asked_for(desk):
    owner = signed_in(desk.office.person)
    others = asked(owner)
    wire = key_of(desk.asker, Permission.CERTIFICATES_ISSUE)
    own = asked(wire)
    assert own["requester"] == "robot"
    assert [each["id"] for each in wire.get(URL).json()["data"]] == [own["id"]]
    assert problem(wire.get(f"{URL}/{others['id']}")) == (404, "request-not-found")
    assert wire.post(f"{URL}/{own['id']}/cancel").json()["status"] == "cancelled"
    reader = key_of(desk.asker, Permission.CERTIFICATES_READ)
    assert reader.get(URL).status_code == 403


def test_a_renewal_that_needs_an_approval_waits_as_well(desk):
    request = approved(desk)
    row = fulfil_request(actor=desk.asker.actor, request=named(Request.objects.get())).certificate
    wire = signed_in(desk.office.person)
    answer = wire.post(f"/api/v2/certificates/{row.public_id}/renew")
    assert answer.status_code == 202, answer.content
    renewal = answer.json()
    assert (renewal["kind"], renewal["status"]) == ("renew", "pending_approval")
    assert shown(wire, renewal)["replaces_id"] == str(row.public_id)
    assert shown(wire, request)["replaces_id"] is None
    approve(signed_in(desk.approver), renewal)
    done = wire.post(f"{URL}/{renewal['id']}/fulfil").json()
    assert done["status"] == "fulfilled"
    successor = wire.get(f"/api/v2/certificates/{done['certificate_id']}").json()
    assert successor["replaces_id"] == str(row.public_id)


# --- what is agreed to ------------------------------------------------------------------------------------------------


def test_an_approver_sees_exactly_what_would_be_signed(desk):
    csr = pki.make_csr(subject="CN=www.acme.test")
    body = {"csr": csr, "sans": ["www.acme.test", "10.0.0.1"], "tags": ["shop"], "description": "for the shop"}
    request = asked(signed_in(desk.asker), **body)
    seen = shown(signed_in(desk.approver), request)
    assert request.items() <= seen.items()
    row = Request.objects.get()
    key_sha256 = row.facts["key"]
    signed = seen["to_be_signed"]
    assert sha256(signed.pop("canonical").encode()).hexdigest() == seen["digest"] == row.digest
    assert signed == {
        "template_version": 1,
        "role_version": 1,
        "subject": "CN=www.acme.test",
        "sans": [{"type": "dns", "value": "www.acme.test"}, {"type": "ip", "value": "10.0.0.1"}],
        "key_algorithm": "ECDSA_P256",
        "key_sha256": key_sha256,
        "key_made_here": False,
        "validity": "90d",
        "key_usage": ["digital_signature"],
        "extended_key_usage": ["server_auth"],
        "certificate_policies": [],
    }
    assert x509.load_pem_x509_csr(seen["csr"].encode()) == x509.load_pem_x509_csr(csr.encode())
    assert (seen["person"], seen["maker"]) == ("member@acme.example", None)
    assert (seen["tags"], seen["description"]) == (["shop"], "for the shop")
    assert seen["demands"] == [{"approvals": 1, "role": ""}]
    assert (seen["findings"], seen["decisions"], seen["last_error"]) == ([], [], "")


def test_what_stands_against_it_by_now_is_shown(desk):
    request = asked(signed_in(desk.asker))
    desk.change_template(description="other rules")
    (finding,) = shown(signed_in(desk.approver), request)["findings"]
    assert (finding["field"], finding["code"]) == ("", "template-changed")
    assert "web-tls" in finding["detail"]
    assert problem(approve(signed_in(desk.approver), request)) == (409, "template-changed")


def test_a_decision_is_about_what_was_seen(desk):
    request, other = asked(signed_in(desk.asker)), asked(signed_in(desk.asker), validity_days=30)
    wire = signed_in(desk.approver)
    path = f"{URL}/{request['id']}"
    digest = shown(wire, other)["digest"]
    assert problem(wire.post(f"{path}/approve", {"digest": digest})) == (409, "digest-mismatch")
    assert problem(wire.post(f"{path}/reject", {"digest": digest, "reason": "no"})) == (409, "digest-mismatch")
    assert problem(wire.post(f"{path}/approve", {"digest": ""})) == (422, "validation-failed")
    assert wrong_fields(wire.post(f"{path}/approve", {})) == {"digest": "required"}
    assert not Decision.objects.exists()


# --- four eyes --------------------------------------------------------------------------------------------------------


def test_the_history_tells_who_has_said_what(desk):
    wire = signed_in(desk.approver)
    answer = approve(wire, asked(signed_in(desk.asker)))
    assert answer.status_code == 200
    body, decision = answer.json(), Decision.objects.get()
    assert (body["status"], body["approvals_given"]) == ("approved", 1)
    assert body["decisions"] == [
        {
            "approver": "approver@acme.example",
            "by": "approver@acme.example",
            "verdict": "approved",
            "reason": "",
            "digest": body["digest"],
            "decided_at": f"{decision.created_at:%Y-%m-%dT%H:%M:%SZ}",
        }
    ]
    assert AuditEvent.objects.filter(name="request.approved").count() == 1


def by_a_key(desk: Desk) -> Wire:
    return key_of(desk.asker, Permission.REQUESTS_DECIDE, Permission.REQUESTS_READ)


def with_the_permission(desk: Desk) -> Wire:
    with_capability(desk.asker, Permission.REQUESTS_DECIDE)
    return signed_in(desk.asker)


def as_a_superuser(desk: Desk) -> Wire:
    desk.asker.user.is_superuser = True
    desk.asker.user.save()
    return signed_in(desk.asker)


@pytest.mark.parametrize("disguise", [by_a_key, with_the_permission, as_a_superuser])
def test_nobody_decides_on_their_own_request(desk, disguise):
    request = asked(signed_in(desk.asker))
    wire = disguise(desk)
    assert problem(approve(wire, request)) == (403, "own-request")
    assert problem(wire.post(f"{URL}/{request['id']}/reject", {"reason": "no"})) == (403, "own-request")
    assert not Decision.objects.exists()


def test_who_made_the_key_that_asked_decides_as_little_as_its_owner(desk):
    boss = cast.superuser()
    made_by_boss = replace(desk.asker, actor=actor_for_user(boss, organization=desk.office.organization))
    request = asked(wire_of(made_by_boss, Permission.CERTIFICATES_ISSUE))
    wire = signed_in(replace(desk.asker, user=boss))
    seen = shown(wire, request)
    assert (seen["person"], seen["maker"]) == ("member@acme.example", "root@localhost")
    assert problem(approve(wire, request)) == (403, "own-request")
    assert approve(signed_in(desk.approver), request).json()["status"] == "approved"


def test_no_key_decides_unless_its_owner_has_made_one_for_that(desk):
    request = asked(signed_in(desk.asker))
    default = wire_of(desk.office.person)
    assert problem(approve(default, request)) == (403, "permission-denied")
    assert default.get("/api/v2/api-keys").json()["data"][0]["maker"] == "owner@acme.example"
    body = {"name": "decider", "permissions": ["requests:decide"]}
    assert problem(default.post("/api/v2/api-keys", body)) == (403, "permission-denied")
    own = key_of(desk.approver, Permission.REQUESTS_DECIDE, Permission.REQUESTS_READ)
    (decision,) = approve(own, request).json()["decisions"]
    assert (decision["approver"], decision["by"]) == ("approver@acme.example", "robot")


@pytest.mark.row("P69")
def test_only_the_role_that_the_template_names_approves():
    desk = open_desk(approver_role="auditor")
    request = asked(signed_in(desk.asker))
    refusal = approve(signed_in(desk.approver), request)
    assert problem(refusal) == (403, "not-an-approver")
    assert "auditor" in refusal.json()["detail"]
    auditor = cast.member(desk.office.organization, "auditor")
    assert problem(approve(signed_in(auditor), request)) == (403, "permission-denied")
    with_capability(auditor, Permission.REQUESTS_DECIDE)
    assert approve(signed_in(auditor), request).json()["status"] == "approved"


def test_as_many_people_agree_as_are_asked_for():
    desk = open_desk(approvals_needed=2)
    request = asked(signed_in(desk.asker))
    first = approve(signed_in(desk.approver), request).json()
    assert (first["status"], first["approvals_given"], first["approvals_needed"]) == ("pending_approval", 1, 2)
    assert problem(approve(signed_in(desk.approver), request)) == (409, "already-decided")
    assert approve(signed_in(desk.second), request).json()["status"] == "approved"
    assert problem(approve(signed_in(desk.second), request)) == (409, "request-state")


def test_a_no_has_a_reason_and_ends_it(desk):
    request, wire = asked(signed_in(desk.asker)), signed_in(desk.approver)
    path = f"{URL}/{request['id']}/reject"
    for body, code in (({}, "required"), ({"reason": ""}, "blank"), ({"reason": "  "}, "required")):
        assert wrong_fields(wire.post(path, body)) == {"reason": code}
    rejected = wire.post(path, {"reason": "not our shop"}).json()
    assert (rejected["status"], rejected["decisions"][0]["reason"]) == ("rejected", "not our shop")
    assert problem(wire.post(path, {"reason": "again"})) == (409, "request-state")
    assert problem(signed_in(desk.asker).post(f"{URL}/{request['id']}/fulfil")) == (409, "request-state")


def test_after_its_time_it_is_too_late(desk):
    request = asked(signed_in(desk.asker))
    Request.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    seen = shown(signed_in(desk.approver), request)
    assert [finding["code"] for finding in seen["findings"]] == ["request-expired"]
    assert problem(approve(signed_in(desk.approver), request)) == (409, "request-expired")
    fulfil_approved()
    assert shown(signed_in(desk.asker), request)["status"] == "expired"


def test_who_asked_takes_it_back_and_nobody_else(desk):
    request = asked(signed_in(desk.asker))
    path = f"{URL}/{request['id']}/cancel"
    assert problem(signed_in(desk.approver).post(path)) == (403, "permission-denied")
    assert problem(signed_in(desk.office.person).post(path)) == (403, "not-own-request")
    assert signed_in(desk.asker).post(path).json()["status"] == "cancelled"
    assert problem(signed_in(desk.asker).post(path)) == (409, "request-state")


# --- fulfilled --------------------------------------------------------------------------------------------------------


def test_the_key_waits_and_is_collected_once_by_who_asked(desk):
    request, wire = approved(desk), signed_in(desk.asker)
    path = f"{URL}/{request['id']}"
    assert problem(wire.post(f"{path}/private-key")) == (409, "request-state")
    done = wire.post(f"{path}/fulfil").json()
    assert (done["status"], done["private_key"], done["delivery"]) == ("fulfilled", None, None)
    again = wire.post(f"{path}/fulfil").json()
    assert again["certificate_id"] == done["certificate_id"]
    assert Certificate.objects.count() == 1
    assert problem(signed_in(desk.office.person).post(f"{path}/private-key", {"key_format": "x"}))[0] == 422
    assert wrong_fields(wire.post(f"{path}/private-key", {"key_format": "p12"})) == {"password": "required"}
    answer = wire.post(f"{path}/private-key", {"key_format": "pkcs8"})
    key = load_pem_private_key(answer.json()["private_key"].encode(), None)
    leaf = Certificate.objects.get().body.x509
    assert key.public_key() == leaf.public_key()
    assert problem(wire.post(f"{path}/private-key")) == (410, "key-collected")


def test_who_is_here_gets_the_key_with_the_answer(desk):
    request, wire = approved(desk), signed_in(desk.asker)
    path = f"{URL}/{request['id']}/fulfil"
    now = {"key_delivery": "now", "delivery_format": "p12"}
    assert problem(signed_in(desk.approver).post(path, {"key_delivery": "now"})) == (403, "not-own-request")
    assert wrong_fields(wire.post(path, now)) == {"password": "required"}
    assert wrong_fields(wire.post(path, {"key_format": "pem"})) == {"key_format": "contradiction"}
    assert not Certificate.objects.exists()
    done = wire.post(path, now | {"password": "twelve letters"}).json()
    leaf = Certificate.objects.get().body.x509
    file = pkcs12.load_pkcs12(base64.b64decode(done["delivery"]["content"]), b"twelve letters")
    assert file.key is not None
    assert file.key.public_key() == leaf.public_key()
    assert done["private_key"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    issuing, root = (x509.load_pem_x509_certificate(each.encode()) for each in done["chain"])
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    assert problem(wire.post(path, {"key_delivery": "now"})) == (410, "key-collected")


def test_a_csr_is_certified_and_no_key_is_handed_out(desk):
    csr = pki.make_csr(subject="CN=www.acme.test")
    request, wire = approved(desk, csr=csr), signed_in(desk.asker)
    path = f"{URL}/{request['id']}"
    assert wrong_fields(wire.post(f"{path}/fulfil", {"key_delivery": "now"})) == {"key_delivery": "contradiction"}
    assert wire.post(f"{path}/fulfil").json()["status"] == "fulfilled"
    assert problem(wire.post(f"{path}/private-key")) == (404, "no-private-key")


def test_a_ca_with_a_passphrase_waits_for_somebody_who_knows_it():
    desk = open_desk(passphrase=Secret(PASSPHRASE))
    request, wire = approved(desk), signed_in(desk.asker)
    path = f"{URL}/{request['id']}/fulfil"
    assert problem(wire.post(path)) == (503, "ca-locked")
    assert problem(wire.post(path, {"passphrase": "wrong horse battery"})) == (403, "wrong-passphrase")
    assert shown(wire, request)["status"] == "approved"
    assert wire.post(path, {"passphrase": PASSPHRASE}).json()["status"] == "fulfilled"
    assert not any(b"horse" in bytes(event.canonical) for event in AuditEvent.objects.all())


def test_what_cannot_be_issued_any_more_has_failed_and_says_why(desk):
    request = approved(desk)
    desk.change_template(validity=timedelta(days=10))
    answer = signed_in(desk.asker).post(f"{URL}/{request['id']}/fulfil", {"key_delivery": "now"})
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["private_key"], answer.json()["chain"]) == ("failed", None, [])
    assert "web-tls" in answer.json()["last_error"]
    assert not Certificate.objects.exists()


def test_a_yes_that_is_sent_twice_under_one_key_is_one_yes(desk):
    request, wire = asked(signed_in(desk.asker)), signed_in(desk.approver)
    body, header = {"digest": shown(wire, request)["digest"]}, {"Idempotency-Key": str(uuid4())}
    first, second = (wire.post(f"{URL}/{request['id']}/approve", body, **header) for _time in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Decision.objects.count() == 1


def test_asking_twice_under_one_key_is_one_request(desk):
    wire, header = signed_in(desk.asker), {"Idempotency-Key": str(uuid4())}
    first, second = (wire.post("/api/v2/certificates", BODY, **header) for _time in range(2))
    assert (
        (first.status_code, first["Location"]) == (second.status_code, second["Location"]) == (202, first["Location"])
    )
    assert first.content == second.content
    assert Request.objects.count() == 1


# --- lists ------------------------------------------------------------------------------------------------------------


def test_requests_are_looked_for_and_counted(desk):
    asker, approver, owner = (signed_in(each) for each in (desk.asker, desk.approver, desk.office.person))
    first, second, third = asked(asker), asked(owner), asked(asker)
    approve(approver, first)
    approver.post(f"{URL}/{third['id']}/reject", {"reason": "no"})
    looked_for = {
        "": [third, second, first],
        "?status=pending_approval": [second],
        "?status=approved": [first],
        "?status=rejected": [third],
        "?kind=renew": [],
        "?template=web-tls&kind=issue": [third, second, first],
        "?requester=owner@acme.example": [second],
        "?inbox=true": [second],
        "?inbox=false": [third, first],
        "?mine=true": [],
        "?mine=false&status=approved": [first],
    }
    for query, found in looked_for.items():
        listed = approver.get(URL + query).json()
        assert [each["id"] for each in listed["data"]] == [each["id"] for each in found], query
        assert listed["pagination"]["total"] == len(found)
    assert [each["id"] for each in asker.get(f"{URL}?mine=true").json()["data"]] == [third["id"], first["id"]]
    open_ones = {"pending_approval": 1, "approved": 1}
    assert approver.get(f"{URL}/counts").json() == open_ones | {"mine": 0, "inbox": 1}
    assert asker.get(f"{URL}/counts").json() == open_ones | {"mine": 1, "inbox": 0}


def test_what_is_looked_for_is_spelled_as_documented(desk):
    wire = signed_in(desk.asker)
    wrong = {
        "status=pending": {"status": "unknown-value"},
        "status=": {"status": "unknown-value"},
        "kind=revoke": {"kind": "unknown-value"},
        "mine=1": {"mine": "unknown-value"},
        "inbox=True": {"inbox": "unknown-value"},
        "template=": {"template": "blank"},
        "offset=0": {"offset": "unknown-field"},
        "sort=id": {"sort": "unknown-field"},
    }
    for query, errors in wrong.items():
        assert wrong_fields(wire.get(f"{URL}?{query}")) == errors, query


def test_a_cursor_leads_through_what_is_looked_for(desk):
    wire = signed_in(desk.asker)
    wanted = [asked(wire)["id"] for _number in range(5)][::-1]
    asked(signed_in(desk.office.person))
    found, cursor = [], ""
    while cursor is not None:
        page = wire.get(f"{URL}?mine=true&limit=2{cursor and '&cursor=' + cursor}").json()
        found += [each["id"] for each in page["data"]]
        cursor = page["pagination"]["next_cursor"]
    assert found == wanted


def test_a_list_takes_as_many_queries_for_five_as_for_one(desk):
    wire = signed_in(desk.approver)
    for _number in range(5):
        approve(wire, asked(signed_in(desk.asker)))
    counts = {}
    for query in ("limit=1", "limit=5", "limit=5&inbox=false&mine=false"):
        with CaptureQueriesContext(connection) as queries:
            assert wire.get(f"{URL}?{query}").status_code == 200
        counts[query] = len(queries)
    assert set(counts.values()) == {counts["limit=1"]}
    assert counts["limit=1"] <= 8


def test_a_detail_takes_a_bounded_number_of_queries(desk):
    request, wire = asked(signed_in(desk.asker)), signed_in(desk.approver)
    with CaptureQueriesContext(connection) as queries:
        shown(wire, request)
    assert len(queries) <= 25, "\n".join(query["sql"][:150] for query in queries)


def test_answers_are_as_the_documents_say(desk):
    csr = pki.make_csr(subject="CN=www.acme.test")
    wire, approver = signed_in(desk.asker), signed_in(desk.approver)
    request = approved(desk)
    path = f"{URL}/{request['id']}"
    answers = {
        ("v1", "RequestItem"): wire.post("/api/v1/certificates", BODY),
        ("v2", "RequestItem"): wire.post("/api/v2/certificates", BODY | {"csr": csr}),
        ("v2", "RequestDetail"): approver.get(path),
        ("v2", "Fulfilled"): wire.post(f"{path}/fulfil", {"key_delivery": "now", "delivery_format": "zip"}),
        ("v2", "RequestItemList"): wire.get(URL),
        ("v2", "RequestCounts"): approver.get(f"{URL}/counts"),
    }
    for (version, name), answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document(version)["components"]}
        Draft202012Validator(schema).validate(answer.json())
        assert set(document(version)["components"]["schemas"][name]["required"]) == set(answer.json()), name

"""`Idempotency-Key`: done once, answered alike, for a day (design, section 6)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import ClassVar

import pytest
from django.db import connection
from django.http import JsonResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.response import Response

from accounts import policy, vault
from accounts.models import ApiKey, Membership, ServerSecret
from accounts.services.organizations import change_member_role
from api import tasks
from api.common import remembered
from api.common.dialect import DialectViewSet
from api.models import IdempotencyRecord
from api.native import batches
from api.native.dialect import STATUSES
from api.native.openapi import document
from audit.models import AuditEvent
from cas.models import Template
from certificates.models import Certificate, Request
from kernel.permissions import Permission
from kernel.seal import SealBroken, context, derive_key, unseal
from pkiproject.celery import TIMETABLE, app
from tests import cast
from tests.api.routes import ROUTES
from tests.api.wire import Wire, wire_of, wrong_fields

KEY = "7a0b-first-try"
PASSWORD = "a password that nobody else has"
V1, V2 = "/api/v1/certificates", "/api/v2/certificates"
versions = pytest.mark.parametrize("certificates", [V1, V2], ids=["v1", "v2"])


def wish(name="www.acme.test", **more):
    return {"template_code": "web-tls", "subject": {"common_name": name}, "sans": [name]} | more


def said(answer):
    """Everything that two answers to the same question must have in common."""
    names = ("Content-Type", "Location", "Cache-Control", "Allow")
    return answer.status_code, answer.content, {name: answer.headers.get(name) for name in names}


def keyed(wire, path, body=None, key=KEY):
    return wire.post(path, body, **{"Idempotency-Key": key})


def is_problem(answer, code, status):
    assert answer.status_code == status, answer.content
    assert answer.json()["type"].endswith(f"/{code}")
    return True


# --- strangers, first -------------------------------------------------------------------------------------------------


def test_a_stranger_with_the_same_key_and_body_gets_nothing_of_it(office, api, stranger):
    first = keyed(api, V2, wish())
    assert first.status_code == 201
    assert is_problem(keyed(stranger, V2, wish()), "template-not-found", 404)
    assert is_problem(keyed(stranger, f"{first['Location']}/revoke", {}), "certificate-not-found", 404)


@versions
def test_another_key_of_the_same_person_gets_a_certificate_of_its_own(office, api, certificates):
    first, second = keyed(api, certificates, wish()), keyed(wire_of(office.person), certificates, wish())
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert first.json()["private_key"] != second.json()["private_key"]


def test_a_session_and_an_api_key_of_one_person_are_two(office, api):
    first = keyed(api, V2, wish())
    browser = wire_of(office.person)
    browser.token = None
    browser.client.force_login(office.person.user)
    second = keyed(browser, V2, wish())
    assert second.status_code == 201, second.content
    assert second.json()["id"] != first.json()["id"]
    assert said(keyed(browser, V2, wish())) == said(second)


def test_a_permission_that_was_taken_away_is_missed_at_the_next_try(office, api):
    assert keyed(api, V2, wish()).status_code == 201
    # Two owners, or the last one could not become anything less.
    cast.member(office.organization, "owner", "second@acme.example")
    membership = Membership.objects.get(user=office.person.user)
    change_member_role(actor=cast.SUPERUSER, membership=membership, role="auditor")
    assert is_problem(keyed(api, V2, wish()), "permission-denied", 403)


def test_what_was_allowed_at_the_object_is_asked_again(office, api, monkeypatch):
    assert keyed(api, V2, wish()).status_code == 201
    asked = []
    real = policy._covers_ca

    def covers(actor, permission, ca_id):
        asked.append((permission, ca_id))
        return ca_id != office.issuing.pk and real(actor, permission, ca_id)

    monkeypatch.setattr(policy, "_covers_ca", covers)
    assert is_problem(keyed(api, V2, wish()), "permission-denied", 403)
    assert asked == [(Permission.CERTIFICATES_ISSUE, office.issuing.pk)]


def test_a_key_that_is_revoked_is_no_key_for_a_replay_either(office, api):
    assert keyed(api, V2, wish()).status_code == 201
    ApiKey.objects.update(revoked_at=timezone.now())
    assert keyed(api, V2, wish()).status_code == 401


# --- the same answer --------------------------------------------------------------------------------------------------


@pytest.mark.row("P4", "P6")
@versions
def test_issuing_again_is_answered_byte_for_byte_and_issues_nothing(office, api, certificates):
    first = keyed(api, certificates, wish())
    assert first.status_code == 201
    assert "PRIVATE KEY" in first.json()["private_key"]
    for _time in range(3):
        assert said(keyed(api, certificates, wish())) == said(first)
    assert Certificate.objects.count() == 1


@pytest.mark.row("P5")
@versions
def test_revoking_again_is_answered_before_anybody_says_that_it_is_revoked(office, api, certificates):
    issued = api.post(certificates, wish()).json()
    revoke = f"{certificates}/{issued['id']}/revoke"
    first = keyed(api, revoke, {"reason": "superseded"})
    assert (first.status_code, first.json()["status"]) == (200, "revoked")
    assert said(keyed(api, revoke, {"reason": "superseded"})) == said(first)
    assert is_problem(api.post(revoke, {"reason": "superseded"}), "already-revoked", 409)


@pytest.mark.row("P8")
@versions
def test_renewing_again_is_answered_before_anybody_says_that_there_is_a_successor(office, api, certificates):
    issued = api.post(certificates, wish()).json()
    renew = f"{certificates}/{issued['id']}/renew"
    first = keyed(api, renew, {})
    assert first.status_code == 201, first.content
    assert said(keyed(api, renew, {})) == said(first)
    assert Certificate.objects.count() == 2
    assert is_problem(api.post(renew, {}), "already-renewed", 409)


def test_a_batch_is_answered_again_with_the_rows_that_failed(office, api):
    body = {"template_code": "web-tls", "rows": [{"common_name": name} for name in ("www.acme.test", "www.else.test")]}
    first = keyed(api, f"{V2}/batch", body)
    assert (first.status_code, first.json()["issued"], first.json()["failed"]) == (207, 1, 1)
    assert said(keyed(api, f"{V2}/batch", body)) == said(first)
    assert Certificate.objects.count() == 1


def test_a_batch_with_a_key_is_one_transaction_so_it_is_not_a_large_one(office, api, monkeypatch):
    monkeypatch.setattr(batches, "_MOST_REMEMBERED", 2)
    body = {"template_code": "web-tls", "rows": [{"common_name": "www.acme.test"}] * 3}
    assert wrong_fields(keyed(api, f"{V2}/batch", body)) == {"rows": "too-many-for-a-key"}
    assert api.post(f"{V2}/batch", body).status_code == 200


def test_chunks_of_a_batch_with_a_key_are_all_there_or_none(office, api, monkeypatch):
    monkeypatch.setattr("certificates.services.batches._CHUNK", 1)
    monkeypatch.setattr(remembered, "LARGEST_ANSWER", 100)
    body = {"template_code": "web-tls", "rows": [{"common_name": "www.acme.test"}] * 3}
    assert keyed(api, f"{V2}/batch", body).status_code == 422
    assert not Certificate.objects.exists()


def test_a_request_that_waits_for_approvers_is_made_once_and_decided_on_once(office, api):
    Template.objects.update(requires_approval=True)
    first = keyed(api, V2, wish())
    assert first.status_code == 202, first.content
    assert said(keyed(api, V2, wish())) == said(first)
    assert Request.objects.count() == 1

    approver = cast.member(office.organization, "approver").user
    browser = Wire()
    browser.client.force_login(approver, backend="accounts.sessions.PasswordBackend")
    approve = f"/api/v2/requests/{first.json()['id']}/approve"
    yes = keyed(browser, approve, {"digest": Request.objects.get().digest})
    assert yes.status_code == 200, yes.content
    assert said(keyed(browser, approve, {"digest": Request.objects.get().digest})) == said(yes)
    assert Request.objects.get().decisions.count() == 1


def test_a_pkcs12_file_is_delivered_again_as_it_was(office, api):
    body = wish(delivery_format="p12", key_format="p12", password=PASSWORD)
    first = keyed(api, V2, body)
    assert first.status_code == 201, first.content
    assert base64.b64decode(first.json()["private_key"])
    assert said(keyed(api, V2, body)) == said(first)


def test_a_key_that_is_handed_out_once_is_handed_out_again_to_whoever_lost_the_answer(office, api):
    issued = api.post(V2, wish(key_delivery="later")).json()
    collect = f"{V2}/{issued['id']}/private-key"
    first = keyed(api, collect, {})
    assert "PRIVATE KEY" in first.json()["private_key"]
    assert said(keyed(api, collect, {})) == said(first)
    assert api.post(collect, {}).status_code == 410


def test_a_body_may_be_laid_out_otherwise(office, api):
    first = keyed(api, V2, wish())
    spaced = json.dumps(dict(reversed(wish().items())), indent=3).encode()
    assert said(keyed(api, V2, spaced)) == said(first)


def test_without_a_body_it_is_the_same_as_with_an_empty_one(office, api):
    issued = api.post(V2, wish()).json()
    api.post(f"{V2}/{issued['id']}/revoke", {"reason": "certificateHold"})
    release = f"{V2}/{issued['id']}/release"
    first = keyed(api, release)
    assert (first.status_code, first.json()["status"]) == (200, "issued")
    assert said(keyed(api, release)) == said(first) == said(keyed(api, release, {}))


def test_without_the_header_nothing_is_remembered(office, api):
    assert [api.post(V2, wish()).status_code for _time in range(2)] == [201, 201]
    assert not IdempotencyRecord.objects.exists()


def test_each_replay_is_told_to_the_audit_log(office, api):
    keyed(api, V2, wish())
    keyed(api, V2, wish())
    event = AuditEvent.objects.order_by("-pk")[0]
    assert (event.name, event.log) == ("answer.repeated", office.organization.pk)
    assert AuditEvent.objects.filter(name="certificate.issued").count() == 1


# --- another question -------------------------------------------------------------------------------------------------


@pytest.mark.row("P7")
@versions
def test_another_body_under_the_same_key_is_a_conflict(office, api, certificates):
    assert keyed(api, certificates, wish()).status_code == 201
    assert is_problem(keyed(api, certificates, wish("api.acme.test")), "idempotency-conflict", 409)
    assert Certificate.objects.count() == 1


def test_the_same_key_at_another_address_is_another(office, api):
    made = [api.post(V2, wish()).json()["id"] for _time in range(2)]
    answers = [keyed(api, f"{V2}/{each}/revoke", {}) for each in made]
    assert [answer.json()["id"] for answer in answers] == made
    assert keyed(api, V1, wish()).status_code == keyed(api, V2, wish()).status_code == 201


REFUSED = {
    "a template that is not there": ({"template_code": "none", "subject": {"common_name": "a.acme.test"}}, 404),
    "a name that is not allowed": (wish("www.elsewhere.test"), 422),
    "a body that is no JSON": (b"{", 400),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
def test_an_error_leaves_nothing_and_the_key_can_be_used_again(office, api, body, status):
    assert keyed(api, V2, body).status_code == status
    assert not IdempotencyRecord.objects.exists()
    assert keyed(api, V2, wish()).status_code == 201


def test_a_failure_after_the_act_undoes_the_act(office, api, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(remembered, "_keep", broken)
        assert keyed(api, V2, wish()).status_code == 500
    assert not Certificate.objects.exists()
    assert not AuditEvent.objects.filter(name="certificate.issued").exists()


def test_an_answer_that_is_too_large_undoes_what_it_would_tell(office, api, monkeypatch):
    monkeypatch.setattr(remembered, "LARGEST_ANSWER", 100)
    assert wrong_fields(keyed(api, V2, wish())) == {"Idempotency-Key": "answer-too-large"}
    assert not Certificate.objects.exists()


# --- the header -------------------------------------------------------------------------------------------------------

BAD_KEYS = {
    "empty": "",
    "too long": "x" * 256,
    "a space": "a b",
    "a tab": "a\tb",
    "not ASCII": "cl\xe9",
    "a NUL": "a\0b",
    "a newline at the end": "a\n",
    "DEL": "a\x7f",
    "given twice": "one,two",
    "given twice, with a space": "one, two",
}


@versions
@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_is_none_is_refused_by_the_name_of_the_header(office, api, certificates, key):
    assert wrong_fields(keyed(api, certificates, wish(), key)).keys() == {"Idempotency-Key"}
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("key", ["!", "~" * 255, '"quoted"', "0b5c2e1a-7f3d-4c0e-9a64-5d8f1b2c3e4f"])
def test_every_other_key_is_one(office, api, key):
    first = keyed(api, V2, wish(), key)
    assert first.status_code == 201
    assert said(keyed(api, V2, wish(), key)) == said(first)


def test_it_means_nothing_where_nothing_changes(office, api):
    assert api.get(V2, **{"Idempotency-Key": "a b"}).status_code == 200


TAKE_NO_KEY = {
    ("Authorities", "publish_crl"),
    ("Validation", "create"),
    ("Roles", "impact"),
    ("Templates", "impact"),
    # Somebody on the network is asked meanwhile.
    ("AcmeAccounts", "roll_key"),
    ("AcmeOrders", "refresh"),
    ("AcmeChallenges", "complete"),
    ("PublicNames", "prove"),
    ("DnsProviders", "test"),
    ("Channels", "test"),
    ("Placements", "check"),
}


def described(version):
    for path, methods in document(version)["paths"].items():
        for method, operation in methods.items():
            yield (version, method.upper(), re.sub(r"\{[^}]+\}", "{}", path)), operation


def test_every_post_takes_a_key_and_says_so_in_its_document():
    operations = dict([*described("v1"), *described("v2")])
    for route in ROUTES:
        operation = operations[route.version, route.method, route.template]
        parameters = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        takes = route.method == "POST" and (route.view.__name__, route.action) not in TAKE_NO_KEY
        assert ("Idempotency-Key" in parameters) == takes, str(route)
        assert not takes or "409" in operation["responses"], str(route)


# --- a day ------------------------------------------------------------------------------------------------------------


def test_it_is_remembered_for_a_day(office, api):
    first = keyed(api, V2, wish())
    IdempotencyRecord.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert said(keyed(api, V2, wish())) == said(first)
    assert abs(keyed_record(api).expires_at - timezone.now() - timedelta(hours=24)) < timedelta(seconds=30)


def keyed_record(api):
    keyed(api, V2, wish("other.acme.test"), "another-key")
    return IdempotencyRecord.objects.latest("pk")


def test_after_a_day_it_is_forgotten_though_it_was_not_deleted_yet(office, api):
    first = keyed(api, V2, wish())
    IdempotencyRecord.objects.update(expires_at=timezone.now())
    second = keyed(api, V2, wish("api.acme.test"))
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert said(keyed(api, V2, wish("api.acme.test"))) == said(second)
    assert IdempotencyRecord.objects.count() == 1


def test_the_sweep_deletes_what_is_over_and_nothing_else(office, api, monkeypatch):
    monkeypatch.setattr(remembered, "_CHUNK", 2)
    for number in range(5):
        keyed(api, V2, wish(), f"old-{number}")
    IdempotencyRecord.objects.update(expires_at=timezone.now())
    first = keyed(api, V2, wish(), "new")
    tasks.forget_answers()
    assert IdempotencyRecord.objects.count() == 1
    assert said(keyed(api, V2, wish(), "new")) == said(first)


def test_the_clock_starts_the_sweep():
    app.loader.import_default_modules()
    assert "api.tasks.forget_answers" in {entry["task"] for entry in TIMETABLE.values()}
    assert "api.tasks.forget_answers" in app.tasks


# --- what is kept -----------------------------------------------------------------------------------------------------


def everything_kept():
    """Each stored value of the table, as bytes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM api_idempotencyrecord")
        return b"\n".join(
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for row in cursor.fetchall()
            for value in row
        )


def test_nothing_secret_is_kept_in_clear(office, api):
    answer = keyed(api, V2, wish(password=PASSWORD), "the-key-of-this-request").json()
    kept = everything_kept()
    key_lines = [line.encode() for line in answer["private_key"].splitlines() if "-----" not in line]
    canaries = [b"PRIVATE KEY", PASSWORD.encode(), b"the-key-of-this-request", b"www.acme.test", *key_lines]
    assert not [canary for canary in canaries if canary in kept]


def test_the_database_and_the_servers_keys_do_not_open_it(office, api):
    """What somebody can do who has both: everything that the server itself does without the raw key."""
    keyed(api, V2, wish())
    row = IdempotencyRecord.objects.get()
    bound_to = context("api_idempotencyrecord", bytes(row.lookup).hex(), bytes(row.body_digest).hex())
    secrets = [vault.server_secret(purpose) for purpose in ServerSecret.Purpose]
    for secret in (*secrets, *(derive_key(each, "idempotency-answer") for each in secrets)):
        with pytest.raises(SealBroken):
            unseal(secret, bytes(row.sealed), bound_to)


def test_two_records_with_the_same_body_have_nothing_in_common(office, api):
    for key in ("one", "two"):
        keyed(api, V2, wish(), key)
    first, second = IdempotencyRecord.objects.all()
    assert bytes(first.body_digest) != bytes(second.body_digest)


# --- another dialect --------------------------------------------------------------------------------------------------


class Counting(DialectViewSet):
    """A dialect that remembers where the client brings the key pair, and has a word of its own for what goes wrong."""

    permissions = {"create": Permission.CERTIFICATES_ISSUE}
    statuses = STATUSES
    made: ClassVar[Iterator[int]] = count()

    @property
    def takes_key(self):
        return self.action == "create" and "csr" in self.request.data

    def render(self, request, problem):
        body = {"oops": problem.code}
        return JsonResponse(body, status=self.statuses[problem.family], headers=dict(problem.headers))

    def create(self, request):
        return Response({"number": next(self.made)}, status=201)


def test_another_dialect_chooses_what_it_remembers_and_speaks_its_own_way(api, rf):
    def ask(body, key=KEY):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {api.token}", "HTTP_IDEMPOTENCY_KEY": key}
        request = rf.post("/elsewhere", json.dumps(body), content_type="application/json", **headers)
        answer = Counting.as_view({"post": "create"})(request)
        return answer.status_code, json.loads(answer.content)

    first = ask({"csr": "x"})
    assert ask({"csr": "x"}) == first
    assert ask({"csr": "y"}) == (409, {"oops": "idempotency-conflict"})
    assert ask({"csr": "x"}, "a b") == (422, {"oops": "validation-failed"})


# --- what it costs ----------------------------------------------------------------------------------------------------


def statements(call):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert call().status_code == 201
    return [query["sql"] for query in queries]


def test_a_call_without_the_header_asks_nothing_more(office, api):
    api.post(V2, wish())
    keyed(api, V2, wish())
    plain = statements(lambda: api.post(V2, wish()))
    first = statements(lambda: keyed(api, V2, wish(), "cost"))
    again = statements(lambda: keyed(api, V2, wish(), "cost"))
    assert not [sql for sql in plain if "idempot" in sql.lower()]
    savepoints = 2
    locks = int(connection.vendor == "postgresql")
    # The server's secret, the lock, the record, and the record's INSERT.
    assert len(first) == len(plain) + savepoints + locks + 3
    assert len(again) < len(plain)

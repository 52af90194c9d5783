"""Batches on the wire: `POST /api/v2/certificates/batch`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.native.batch_inputs import LARGEST_BATCH, BatchParser
from audit.models import AuditEvent
from cas.core.keys import KeyAlgorithm
from certificates.models import Certificate
from certificates.services import batches
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import pki
from tests.api.wire import wire_of, wrong_fields
from tests.office import open_office

URL = "/api/v2/certificates/batch"


def batch(*rows: object, **more: object) -> dict:
    return {"template_code": "web-tls", "rows": list(rows)} | more


def a_csr(number: int, name: str = "www.acme.test") -> dict:
    return {"csr": pki.make_csr(pki.a_key(number=number), f"CN={name}")}


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_CHUNK", 2)


# --- who --------------------------------------------------------------------------------------------------------------


def test_a_stranger_finds_no_template(office, stranger):
    assert code_of(stranger.post(URL, batch(a_csr(0)))) == (404, "template-not-found")
    body = batch(a_csr(0), organization_id=str(office.organization.public_id))
    assert stranger.post(URL, body).status_code == 403
    assert not Certificate.objects.exists()


def test_reading_is_not_issuing(office):
    robot = wire_of(office.person, Permission.CERTIFICATES_READ)
    assert robot.post(URL, batch(a_csr(0))).status_code == 403


def test_what_waits_for_an_approval_is_refused_whole(db):
    office = open_office("Initech", requires_approval=True)
    assert code_of(wire_of(office.person).post(URL, batch(a_csr(0)))) == (403, "approval-required")
    assert not Certificate.objects.exists()


# --- rows -------------------------------------------------------------------------------------------------------------


def test_every_row_is_issued_and_reported_in_its_place(api, office, small_chunks):
    answer = api.post(URL, batch(*[a_csr(number, f"h{number}.acme.test") for number in range(5)]))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["issued"], body["failed"]) == (5, 0)
    issuing, root = (x509.load_pem_x509_certificate(each.encode()) for each in body["chain"])
    issuing.verify_directly_issued_by(root)
    for number, row in enumerate(body["rows"]):
        assert (row["row"], row["status"], row["private_key"], row["errors"]) == (number, "issued", None, [])
        leaf = x509.load_pem_x509_certificate(row["certificate"].encode())
        leaf.verify_directly_issued_by(issuing)
        assert leaf.public_key() == pki.a_key(number=number).public_key()
        kept = Certificate.objects.get(public_id=row["id"])
        assert (kept.common_name, kept.serial) == (f"h{number}.acme.test", f"{leaf.serial_number:x}")
        assert AuditEvent.objects.get(event_id=kept.event).serial == kept.serial
        shown = api.get(f"/api/v2/certificates/{row['id']}").json()
        assert {name: shown[name] for name in ("serial", "not_after", "certificate")} == {
            name: row[name] for name in ("serial", "not_after", "certificate")
        }


def test_keys_are_made_and_handed_out_as_each_row_wants(api):
    rows = (
        {"common_name": "a.acme.test", "tags": ["prod"], "description": "first"},
        {"common_name": "b.acme.test", "key_format": "pkcs8", "password": "a b c d e f", "validity": "7d"},
        {"subject": {"common_name": "c.acme.test"}, "key_delivery": "later"},
    )
    body = api.post(URL, batch(*rows)).json()
    for row, password in zip(body["rows"], (None, b"a b c d e f"), strict=False):
        leaf = x509.load_pem_x509_certificate(row["certificate"].encode())
        assert load_pem_private_key(row["private_key"].encode(), password).public_key() == leaf.public_key()
    assert body["rows"][2]["private_key"] is None
    assert api.post(f"/api/v2/certificates/{body['rows'][2]['id']}/private-key").status_code == 200
    first = api.get(f"/api/v2/certificates/{body['rows'][0]['id']}").json()
    assert (first["tags"], first["description"]) == (["prod"], "first")


BAD = {
    "no object": (7, [("", "invalid")]),
    "nobody": ({}, [("subject", "required")]),
    "a CSR that is none": ({"csr": "x"}, [("csr", "unreadable-csr")]),
    "a kind of key that the template has not": (
        {"csr": pki.make_csr(pki.a_key(KeyAlgorithm.ED25519), "CN=www.acme.test")},
        [("csr", "key-not-allowed")],
    ),
    "a name outside": (
        {"common_name": "www.umbrella.test", "sans": ["www.acme.test", "x.test"]},
        [("sans[1]", "name-not-allowed"), ("subject.common_name", "name-not-allowed")],
    ),
    "an unknown field": ({"common_name": "www.acme.test", "surprise": 1}, [("surprise", "unknown-field")]),
    "a template of its own": (
        {"common_name": "www.acme.test", "template_code": "x"},
        [("template_code", "unknown-field")],
    ),
    "several faults": (
        {"common_name": "www.acme.test", "tags": ["a b"], "validity_days": 0},
        [("validity_days", "min-value")],
    ),
    "a tag with a blank": ({"common_name": "www.acme.test", "tags": ["a b"]}, [("tags[0]", "invalid")]),
}


def test_a_bad_row_is_told_of_and_takes_no_other_with_it(api, small_chunks):
    good = {"common_name": "www.acme.test"}
    answer = api.post(URL, batch(good, *[row for row, _wrong in BAD.values()], good))
    assert answer.status_code == 207
    body = answer.json()
    assert (body["issued"], body["failed"]) == (2, len(BAD))
    told = dict(zip(BAD, body["rows"][1:-1], strict=True))
    found = {name: sorted((error["field"], error["code"]) for error in row["errors"]) for name, row in told.items()}
    assert found == {name: sorted(wrong) for name, (_row, wrong) in BAD.items()}
    for row in told.values():
        assert {name for name, value in row.items() if value is not None} == {"row", "status", "errors"}
        assert row["status"] == "error"
        assert all(error["detail"] for error in row["errors"])
    assert [body["rows"][place]["status"] for place in (0, -1)] == ["issued", "issued"]
    assert Certificate.objects.count() == 2


def test_what_is_told_of_a_row_is_in_the_language_of_the_request(api):
    answer = api.send("POST", URL, batch({}), **{"Accept-Language": "de"})
    assert (answer.status_code, answer.json()["chain"]) == (207, [])
    (error,) = answer.json()["rows"][0]["errors"]
    assert error["detail"] == "Dieses Feld ist nötig."


WRONG = {
    "no rows": ({"rows": []}, {"rows": "out-of-range"}),
    "rows that are none": ({"rows": {"csr": "x"}}, {"rows": "not-a-list"}),
    "an unknown field": ({"surprise": 1}, {"surprise": "unknown-field"}),
    "no template": ({"template_code": None}, {"template_code": "null"}),
}


def test_what_is_wrong_with_the_whole_is_refused(api, subtests):
    for name, (changes, wrong) in WRONG.items():
        with subtests.test(name):
            assert wrong_fields(api.post(URL, batch({"common_name": "www.acme.test"}) | changes)) == wrong
    assert wrong_fields(api.post(URL, {"template_code": "web-tls"})) == {"rows": "required"}


def test_a_batch_has_at_most_ten_thousand_rows(api):
    answer = api.post(URL, batch(*[{}] * 10_001))
    assert wrong_fields(answer) == {"rows": "out-of-range"}


def test_a_batch_may_be_longer_than_other_bodies_and_not_endless(api, monkeypatch):
    padded = json.dumps(batch({"common_name": "www.acme.test"})).encode() + b" " * 2 * 1024 * 1024
    assert api.post(URL, padded).status_code == 200
    assert api.post("/api/v2/certificates", padded).status_code == 413
    monkeypatch.setattr(BatchParser, "largest", 2 * 1024 * 1024)
    assert code_of(api.post(URL, padded)) == (413, "body-too-large")


def test_the_proxy_lets_the_largest_batch_through():
    text = (Path(__file__).parents[3] / "deploy" / "nginx.conf").read_text()
    place = text.partition(f"location = {URL} {{")[2].partition("}")[0]
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", place)
    assert int(megabytes) * 1024 * 1024 >= LARGEST_BATCH


def test_keys_that_take_hours_are_not_made(api, office, monkeypatch):
    monkeypatch.setattr(batches, "_MOST_SLOW_KEYS", 2)
    rows = [{"common_name": "www.acme.test", "key_algorithm": "RSA_2048"}] * 3
    assert wrong_fields(api.post(URL, batch(*rows))) == {"rows": "too-many-keys"}
    assert not Certificate.objects.exists()


def test_a_passphrase_is_given_once(db):
    office = open_office("Initech", passphrase=Secret("open, sesame seeds"))
    wire = wire_of(office.person)
    assert code_of(wire.post(URL, batch(a_csr(0)))) == (503, "ca-locked")
    answer = wire.post(URL, batch(a_csr(0), a_csr(1), passphrase="open, sesame seeds"))
    assert (answer.status_code, answer.json()["issued"]) == (200, 2)


def test_a_batch_of_ten_asks_the_database_as_often_as_one_of_one(api):
    def questions(rows: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.post(URL, batch(*[a_csr(number) for number in range(rows)])).status_code == 200
        return len(queries)

    questions(1)
    # PostgreSQL is handed many rows by COPY, which is not counted.
    assert questions(10) <= questions(1) <= 40

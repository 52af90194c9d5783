"""Batches: every row is reported, and a bad one takes no other with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg import RawCursor

from accounts.roles import OrganizationRole
from audit import services as audit
from audit.models import AuditEvent
from cas.core.csr import read_csr
from cas.core.keys import public_key_sha256
from cas.models import BlockedKey, IssuedSerial
from cas.services.authorities import update_ca
from certificates.models import Certificate, CertificateBody, CertificateName
from certificates.orders import BatchOrder, IssueOrder, Managed
from certificates.services import batches
from certificates.services.batches import RowOutcome, issue_batch
from certificates.services.issuance import issue_certificate
from kernel.actor import Actor
from kernel.errors import Denied, Invalid, NotFound, Unavailable
from kernel.secret import Secret
from tests import cast, pki
from tests.happened import happenings
from tests.office import Office, open_office, order_for
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db


def from_csr(office: Office, name: str = "www.acme.test", **changes: Any) -> IssueOrder:
    order = IssueOrder(template=office.template.code, key=read_csr(pki.make_csr(subject=f"CN={name}", sans=(name,))))
    return replace(order, **changes)


def issue(office: Office, *rows: IssueOrder | Invalid, actor: Actor | None = None, **order: Any) -> list[RowOutcome]:
    batch = BatchOrder(template=office.template.code, rows=rows, **order)
    return issue_batch(actor=actor or office.owner, order=batch, report=lambda outcome: outcome)


def codes(outcome: RowOutcome) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in outcome.errors]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_CHUNK", 2)


# --- who --------------------------------------------------------------------------------------------------------------


def test_a_stranger_finds_no_template(office):
    with refused(NotFound, "template-not-found"):
        issue(office, from_csr(office), actor=cast.stranger().actor)


def test_reading_is_not_issuing(office):
    auditor = cast.member(office.organization, OrganizationRole.AUDITOR)
    with refused(Denied):
        issue(office, from_csr(office), actor=auditor.actor)


def test_a_credential_without_a_grant_finds_no_template(office):
    with refused(NotFound, "template-not-found"):
        issue(office, from_csr(office), actor=replace(office.owner, grants=()))


# --- rows -------------------------------------------------------------------------------------------------------------


def test_every_row_is_in_the_register_and_in_the_log(office, small_chunks):
    rows = [from_csr(office, f"h{number}.acme.test", tags=("batch",)) for number in range(5)]
    with happenings() as names:
        outcomes = issue(office, *rows)
    assert names == ["certificate.issued"] * 5
    assert [outcome.row for outcome in outcomes] == list(range(5))
    kept = Certificate.objects.order_by("pk")
    assert [row.common_name for row in kept] == [f"h{number}.acme.test" for number in range(5)]
    for row, outcome in zip(kept, outcomes, strict=True):
        assert outcome.issued.certificate == row
        assert bytes(CertificateBody.objects.get(certificate=row).der) == pki.to_der(outcome.issued.x509)
        assert set(row.names.values_list("type", "value")) == {("cn", row.common_name), ("dns", row.common_name)}
        assert IssuedSerial.objects.filter(ca=office.issuing, serial=row.serial).count() == 1
        event = AuditEvent.objects.get(event_id=row.event)
        assert (event.serial, event.document["metadata"]["fingerprint"]) == (row.serial, row.fingerprint)
        outcome.issued.x509.verify_directly_issued_by(outcome.issued.chain[0])


def test_managed_keys_are_each_their_own(office):
    first, second = issue(office, order_for(office.template, "a.acme.test"), order_for(office.template, "b.acme.test"))
    assert first.issued.private_key.reveal() != second.issued.private_key.reveal()
    assert first.issued.certificate.key_hash != second.issued.certificate.key_hash


def test_a_bad_row_takes_no_other_with_it(office, small_chunks):
    lost = pki.a_key(number=7)
    blocked = read_csr(pki.make_csr(lost, subject="CN=www.acme.test"))
    BlockedKey.objects.create(
        organization=office.organization, key_hash=public_key_sha256(lost.public_key()), reason="lost"
    )
    outcomes = issue(
        office,
        from_csr(office),
        Invalid.of("csr", "unreadable-csr", "unreadable"),
        from_csr(office, "www.umbrella.test"),
        from_csr(office, tags=("a,b",)),
        from_csr(office, key=blocked),
        from_csr(office, template="another"),
        from_csr(office),
    )
    assert [codes(outcome) for outcome in outcomes] == [
        [],
        [("csr", "unreadable-csr")],
        [("sans[0]", "name-not-allowed"), ("subject.common_name", "name-not-allowed")],
        [("tags[0]", "invalid")],
        [("public_key", "forbidden-key")],
        [("template", "mixed-batch")],
        [],
    ]
    assert [outcome.issued is not None for outcome in outcomes] == [True, *[False] * 5, True]
    assert Certificate.objects.count() == IssuedSerial.objects.filter(kind="leaf").count() == 2


def test_a_taken_identifier_is_its_rows_own_affair(office):
    office.issue(identifier="a")
    outcomes = issue(office, *(from_csr(office, identifier=name) for name in ("a", "b", "b", "c")))
    assert [codes(outcome) for outcome in outcomes] == [
        [("", "identifier-used")],
        [],
        [("", "identifier-used")],
        [],
    ]
    assert sorted(Certificate.objects.values_list("identifier", flat=True)) == ["a", "b", "c"]
    assert AuditEvent.objects.filter(name="certificate.issued").count() == 3


def test_a_batch_of_bad_rows_only(office):
    (outcome,) = issue(office, from_csr(office, "www.umbrella.test"))
    assert outcome.issued is None
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("count", [0, 3])
def test_a_batch_has_its_size(office, count, monkeypatch):
    monkeypatch.setattr(batches, "MOST_ROWS", 2)
    with invalid(("rows", "out-of-range")):
        issue(office, *[from_csr(office)] * count)


# --- what stops all ---------------------------------------------------------------------------------------------------


def test_what_is_against_all_is_raised_at_once(office):
    update_ca(actor=office.owner, ca=office.issuing, allow_leaf_certificates=False)
    with refused(Unavailable, "ca-issues-no-leaves"):
        issue(office, from_csr(office))


def test_a_locked_ca_wants_its_passphrase_once():
    passphrase = Secret("open, sesame seeds")
    office = open_office(passphrase=passphrase)
    with refused(Unavailable, "ca-locked"):
        issue(office, from_csr(office))
    assert all(outcome.issued for outcome in issue(office, *[from_csr(office)] * 3, passphrase=passphrase))


def test_what_stops_a_later_chunk_is_reported_of_its_rows(office, small_chunks, monkeypatch):
    real, calls = batches.mint_many, []

    def disable_after_two(*arguments: Any, **named: Any) -> Any:
        calls.append(None)
        if len(calls) == 2:
            update_ca(actor=office.owner, ca=office.issuing, allow_leaf_certificates=False)
        if len(calls) == 3:
            raise OSError("the machine is on fire")
        return real(*arguments, **named)

    monkeypatch.setattr(batches, "mint_many", disable_after_two)
    outcomes = issue(office, *[from_csr(office)] * 6)
    assert [codes(outcome) for outcome in outcomes] == [
        *[[]] * 2,
        *[[("", "ca-issues-no-leaves")]] * 2,
        *[[("", "chunk-failed")]] * 2,
    ]
    assert Certificate.objects.count() == 2


def test_where_the_log_cannot_be_written_a_chunk_is_not_there(office, small_chunks, monkeypatch):
    real, calls = audit.record_many, []

    def fail_the_second_time(*arguments: Any, **named: Any) -> Any:
        calls.append(None)
        if len(calls) == 2:
            raise OSError("the log is full")
        return real(*arguments, **named)

    monkeypatch.setattr(audit, "record_many", fail_the_second_time)
    outcomes = issue(office, *[from_csr(office)] * 6)
    assert [outcome.issued is not None for outcome in outcomes] == [True, True, False, False, True, True]
    assert Certificate.objects.count() == CertificateBody.objects.count() == 4
    assert IssuedSerial.objects.filter(kind="leaf").count() == 4
    assert CertificateName.objects.count() == 8
    assert AuditEvent.objects.filter(name="certificate.issued").count() == 4


# --- how many questions the database is asked -------------------------------------------------------------------------


def queries_for(office: Office, *rows: IssueOrder) -> int:
    # On PostgreSQL statements with very many values go past Django's cursors, which count.
    counted = mock.patch.object(RawCursor, "execute", autospec=True, side_effect=RawCursor.execute)
    with CaptureQueriesContext(connection) as queries, counted as uncounted:
        assert all(outcome.issued for outcome in issue(office, *rows))
    others = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return len([query for query in queries if not query["sql"].startswith(others)]) + uncounted.call_count


def test_a_chunk_asks_the_database_as_often_as_one_certificate(office):
    office.issue()
    one = queries_for(office, from_csr(office))
    assert queries_for(office, *[from_csr(office)] * 10) == one


def test_how_many_queries_a_certificate_takes(office):
    office.issue()
    order = from_csr(office)
    with CaptureQueriesContext(connection) as queries:
        issue_certificate(actor=office.owner, order=order)
    asked = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    # On PostgreSQL one more: the turn at the CA.
    assert len(asked) <= (10 if connection.vendor == "postgresql" else 9), asked


def test_managed_rows_are_not_made_twice(office, monkeypatch):
    made: list[object] = []
    real = batches.obtain_key
    monkeypatch.setattr(batches, "obtain_key", lambda order, template: made.append(order) or real(order, template))
    issue(office, replace(order_for(office.template), key=Managed()))
    assert len(made) == 1

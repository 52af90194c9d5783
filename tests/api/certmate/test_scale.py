"""Thirty thousand client certificates, which is what CertMate's users have: the whole list in one answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from certificates import identified
from certificates.models import Certificate
from tests.api.certmate.conftest import CERTS
from tests.api.wire import Wire, wire_of
from tests.office import Office

pytestmark = pytest.mark.django_db
MANY = 30_000


def fill(office: Office, count: int) -> None:
    """So many rows of the register; nobody reads their bytes here."""
    ends = timezone.now() + timedelta(days=365)
    rows = (
        Certificate(
            organization=office.organization,
            ca=office.issuing,
            serial=f"{number:040x}",
            identifier=f"user{number}-{number:08x}",
            common_name=f"user{number}@example.com",
            subject_attributes={"common_name": f"user{number}@example.com", "organization": "ACME Corp"},
            issuer_name="CN=ACME Issuing CA",
            key_algorithm="rsa-2048",
            key_hash="0" * 64,
            not_before=ends - timedelta(days=365),
            not_after=ends,
            state="revoked" if number % 10 == 0 else "issued",
            fingerprint=f"{number:064x}",
            usage="vpn" if number % 3 == 0 else "api-mtls",
            key_custody="stored",
            requester_kind="api_key",
            requester_id=1,
            requester_label="robot",
            auto_renew=True,
        )
        for number in range(1, count + 1)
    )
    Certificate.objects.bulk_create(rows, batch_size=1000)


def read(wire: Wire, query: str = "") -> dict[str, Any]:
    answer = wire.get(CERTS + query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    whole: dict[str, Any] = json.loads(b"".join(answer.streaming_content) if answer.streaming else answer.content)
    return whole


@pytest.mark.row("M27")
def test_thirty_thousand_are_listed_without_delay(api: Wire, office: Office):
    """In processor time, whatever else the machine does: 0.08 s until it begins, 1 s in all, on a slow one."""
    fill(office, MANY)
    read(api, "/stats")
    started = time.process_time()
    answer = api.get(CERTS)
    assert answer.streaming
    pieces: Iterator[bytes] = iter(answer.streaming_content)
    begun = next(pieces) + next(pieces)
    assert time.process_time() - started < 1
    listed = json.loads(begun + b"".join(pieces))
    assert time.process_time() - started < 8
    assert (listed["total"], len(listed["certificates"])) == (MANY, MANY)
    assert listed["certificates"][0]["common_name"] == f"user{MANY}@example.com"
    assert len({item["identifier"] for item in listed["certificates"]}) == MANY
    for query, total in {"?search=user2999": 11, "?usage=vpn&revoked=true&search=9": 271, "/stats": MANY}.items():
        started = time.process_time()
        assert read(api, query)["total"] == total
        assert time.process_time() - started < 1


@pytest.mark.row("M27")
def test_no_query_is_unbounded_and_each_goes_on_where_the_last_one_ended(
    api: Wire, office: Office, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(identified, "CHUNK", 10)
    monkeypatch.setattr("api.certmate.client_certificates.CHUNK", 10)
    for count in (9, 10, 11, 35):
        Certificate.objects.all().delete()
        fill(office, count)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = read(api)
        names = [item["common_name"] for item in found["certificates"]]
        assert names == [f"user{number}@example.com" for number in range(count, 0, -1)]
        assert found["total"] == count
        reading = [query["sql"] for query in queries if '"common_name"' in query["sql"]]
        assert len(reading) == count // 10 + 1
        assert all(" LIMIT 10" in sql and " OFFSET " not in sql for sql in reading)
        assert not any('"subject"' in sql or "certificatebody" in sql for sql in reading)


@pytest.mark.row("M22", "M23", "M24", "M27")
def test_filters_reach_beyond_the_first_chunk(api: Wire, office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(identified, "CHUNK", 10)
    monkeypatch.setattr("api.certmate.client_certificates.CHUNK", 10)
    fill(office, 90)
    assert read(api, "?usage=vpn")["total"] == 30
    assert read(api, "?revoked=true")["total"] == 9
    assert read(api, "?revoked=false")["total"] == 81
    assert read(api, "?search=user8")["total"] == 11
    assert read(api, "?usage=vpn&revoked=true")["total"] == 3


def test_what_breaks_before_the_list_begins_is_an_error(api: Wire, office: Office, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> Iterator[Any]:
        raise RuntimeError
        yield

    monkeypatch.setattr("api.certmate.client_certificates.read_lines", broken)
    assert api.get(CERTS).status_code == 500


def test_a_list_shows_what_has_expired(office: Office):
    fill(office, 1)
    Certificate.objects.update(not_after=datetime(2020, 1, 1, tzinfo=UTC))
    (item,) = read(wire_of(office.person))["certificates"]
    assert (item["status"], item["revoked"]) == ("expired", False)

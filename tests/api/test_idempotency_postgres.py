"""One key in many processes at once, and in processes that are killed (design, section 11, number 4)."""

from __future__ import annotations

import json
import signal
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import connection

from api.common import remembered
from api.models import IdempotencyRecord
from audit.events import EventName
from audit.models import AuditEvent
from cas.models import IssuedSerial
from certificates.models import Certificate
from tests import cast
from tests.api.posting import POINTS
from tests.api.wire import Wire
from tests.office import Office, open_office
from tests.postgres import Session, start_child, stop_before_commit, wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

URL = "/api/v2/certificates"
BODY = {"template_code": "web-tls", "subject": {"common_name": "www.acme.test"}, "sans": ["www.acme.test"]}
PROCESSES = 50


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def wire(office: Office) -> Wire:
    _row, token = cast.api_key(office.person)
    return Wire(token)


def post(wire: Wire, key: str, body: object = BODY):
    return wire.post(URL, body, **{"Idempotency-Key": key})


def test_fifty_at_once_get_one_certificate_and_the_same_answer(tmp_path: Path, office: Office, wire: Wire):
    body = json.dumps(BODY)
    child = start_child(tmp_path, "together", wire.token, URL, body, PROCESSES, module="tests.api.posting")
    answers = [line.split() for line in child.finish().splitlines()]

    assert len(answers) == PROCESSES
    (status, location, digest), times = Counter(tuple(answer[:3]) for answer in answers).most_common(1)[0]
    assert (status, times) == ("201", PROCESSES)
    certificate = Certificate.objects.get()
    assert location == f"{URL}/{certificate.public_id}"
    assert IssuedSerial.objects.filter(kind=IssuedSerial.Kind.LEAF).count() == 1
    assert AuditEvent.objects.filter(name=EventName.CERTIFICATE_ISSUED).count() == 1
    assert sha256(post(wire, "one-for-all", body.encode()).content).hexdigest() == digest


def test_fifty_at_once_revoke_once_and_none_is_told_that_it_is_revoked(tmp_path: Path, office: Office, wire: Wire):
    revoke = f"{URL}/{office.issue().certificate.public_id}/revoke"
    body = json.dumps({"reason": "superseded"})
    child = start_child(tmp_path, "together", wire.token, revoke, body, PROCESSES, module="tests.api.posting")
    answers = Counter(tuple(line.split()[:3]) for line in child.finish().splitlines())
    ((status, _location, _digest),) = answers
    assert (status, answers.total()) == ("200", PROCESSES)
    assert AuditEvent.objects.filter(name=EventName.CERTIFICATE_REVOKED).count() == 1


def test_whoever_is_killed_left_all_of_it_or_nothing(tmp_path: Path, office: Office, wire: Wire):
    child = start_child(tmp_path, "die", wire.token, URL, json.dumps(BODY), *POINTS, module="tests.api.posting")
    assert child.finish().splitlines() == [f"{point} {-signal.SIGKILL}" for point in POINTS]
    wait_for(nobody_is_at_it)
    survived = set(Certificate.objects.values_list("description", flat=True))
    assert survived == {"after-commit"}

    for point in POINTS:
        first = post(wire, point, BODY | {"description": point})
        assert first.status_code == 201, (point, first.content)
        again = post(wire, point, BODY | {"description": point})
        assert (again.status_code, again.content, again["Location"]) == (201, first.content, first["Location"])
    made = Counter(Certificate.objects.values_list("description", flat=True))
    assert made == dict.fromkeys(POINTS, 1)
    assert IssuedSerial.objects.filter(kind=IssuedSerial.Kind.LEAF).count() == len(POINTS)
    assert IdempotencyRecord.objects.count() == len(POINTS)


def nobody_is_at_it() -> bool:
    """Whether the database has noticed that those who were killed are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return cursor.fetchone()[0] == 0


def test_while_the_first_is_running_the_others_are_told_at_once(office: Office, wire: Wire, monkeypatch):
    gate = stop_before_commit(monkeypatch, EventName.CERTIFICATE_ISSUED)
    first = Session(lambda: post(wire, "a-key"))
    gate.wait_until_reached()
    others = [post(Wire(wire.token), "a-key", body) for body in (BODY, BODY | {"description": "other"})]
    elsewhere = post(Wire(wire.token), "another-key", BODY)
    gate.open()
    for other in others:
        assert (other.status_code, other["Retry-After"]) == (409, "1")
        assert other.json()["type"].endswith("/idempotency-in-progress")
    assert elsewhere.status_code == 201
    assert first.finish().status_code == 201
    assert post(wire, "a-key").content == first.result.content
    assert Certificate.objects.count() == 2


def test_while_it_is_repeated_to_one_it_is_repeated_to_others(office: Office, wire: Wire, monkeypatch):
    """Whoever does not get the lock finds the answer that is there."""
    first = post(wire, "a-key")
    gate = stop_before_commit(monkeypatch, EventName.ANSWER_REPEATED)
    second = Session(lambda: post(wire, "a-key"))
    gate.wait_until_reached()
    third = post(Wire(wire.token), "a-key")
    gate.open()
    assert first.content == second.finish().content == third.content


@pytest.mark.needs("softhsm2-util")
def test_what_a_token_signs_is_announced_beside_the_transaction_that_remembers(hsm_token: None, monkeypatch):
    wire = Wire(cast.api_key(open_office(key_backend="pkcs11").person)[1])

    def fail(*_arguments: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(remembered, "_keep", fail)
        assert post(wire, "a-key").status_code == 500
    (lost,) = IssuedSerial.objects.filter(is_intent=True)
    first = post(wire, "a-key")
    assert first.status_code == 201, first.content
    assert post(wire, "a-key").content == first.content
    assert Certificate.objects.get().serial != lost.serial
    assert list(IssuedSerial.objects.filter(is_intent=True)) == [lost]

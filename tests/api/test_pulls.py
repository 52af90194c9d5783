"""Machines that fetch what they are set up with: by entity tag, by one address for a lineage, and waiting for it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from audit.models import AuditEvent
from certificates.models import Certificate
from certificates.orders import RenewOrder, RevokeOrder
from certificates.services.renewal import renew_certificate
from certificates.services.revocation import Reason, revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from tests.api.wire import Wire, wire_of
from tests.office import Office

URL = "/api/v2/certificates"


def renew(office: Office, row: Certificate) -> Certificate:
    return renew_certificate(actor=office.owner, order=RenewOrder(certificate=Ref("pk", row.pk))).certificate


def current(api: Wire, row: Certificate, **headers: str):
    return api.get(f"{URL}/{row.public_id}/current/download?fmt=fullchain", **headers)


def downloads() -> int:
    return AuditEvent.objects.filter(name="certificate.downloaded").count()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_is_known_is_not_sent_again_and_not_told(api, office, version):
    row = office.issue().certificate
    place = f"/api/{version}/certificates/{row.pk if version == 'v1' else row.public_id}/download"
    first = api.get(place)
    tag = first["ETag"]
    assert (first.status_code, tag[0], downloads()) == (200, '"', 1)
    again = api.get(place, If_None_Match=f'"other", {tag}')
    assert (again.status_code, again.content, again["ETag"], downloads()) == (304, b"", tag, 1)
    assert api.get(f"{place}?fmt=der", If_None_Match=tag).status_code == 200
    assert api.get(place, If_None_Match='"other"').status_code == 200


def test_one_address_leads_to_the_newest_that_is_good(api, office, stranger):
    first = office.issue(renew_ahead=timedelta(days=30)).certificate
    second = renew(office, first)
    third = renew(office, second)
    answer = current(api, first)
    assert answer["Content-Location"] == f"{URL}/{third.public_id}/download"
    assert current(api, third).content == answer.content
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", third.pk), reason=Reason.superseded))
    assert current(api, first)["Content-Location"] == f"{URL}/{second.public_id}/download"
    assert current(stranger, first).status_code == 404
    assert current(wire_of(office.person, Permission.CERTIFICATES_READ), first).status_code == 403


def test_nobody_waits_for_what_they_have_not(api, office):
    answer = current(api, office.issue().certificate, Prefer="wait=30")
    assert (answer.status_code, answer.has_header("Preference-Applied")) == (200, False)


def test_whoever_waits_is_answered_when_there_is_something_new(api, office, monkeypatch):
    row = office.issue().certificate
    tag = current(api, row)["ETag"]
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            renew(office, row)

    monkeypatch.setattr("api.native.pulls.time.sleep", sleep)
    answer = current(api, row, If_None_Match=tag, Prefer="respond-async, wait=20")
    assert (answer.status_code, len(looks), answer["Preference-Applied"]) == (200, 3, "wait=20")
    assert answer["ETag"] != tag


def test_a_wait_ends(api, office, monkeypatch):
    row = office.issue().certificate
    tag = current(api, row)["ETag"]
    now = [0.0]
    monkeypatch.setattr("api.native.pulls.time.monotonic", lambda: now[0])
    monkeypatch.setattr("api.native.pulls.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    answer = current(api, row, If_None_Match=tag, Prefer="wait=99999")
    assert (answer.status_code, answer["Preference-Applied"], now[0]) == (304, "wait=30", 30)


def test_where_too_many_wait_the_next_is_answered_at_once(api, office, monkeypatch):
    row = office.issue().certificate
    tag = current(api, row)["ETag"]
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr("api.native.pulls._PLACES", full)
    answer = current(api, row, If_None_Match=tag, Prefer="wait=30")
    assert (answer.status_code, answer.has_header("Preference-Applied")) == (304, False)

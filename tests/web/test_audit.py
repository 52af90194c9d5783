"""The audit log in the browser: found, read, proven, verified and taken away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import OrganizationRole
from audit import services, verifier
from audit.models import AuditCheck, AuditEvent
from kernel.actor import SYSTEM
from tests import cast
from tests.append_only import unguarded
from tests.office import open_office
from tests.web.people import browser_of

LOG = "/audit/"
EVENT = re.compile(r'href="/audit/([0-9A-Z]{26})/"')


@pytest.fixture
def sealed(office, certificate):
    services.seal(actor=SYSTEM)
    return AuditEvent.objects.get(log=office.organization.pk, name="certificate.issued")


def events(client: Client, query: str = "") -> list[str]:
    answer = client.get(LOG + query)
    assert answer.status_code == 200, answer.content
    return EVENT.findall(answer.content.decode())


def run_verifier(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(verifier.__file__), *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)


# --- strangers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "{event}/", "{event}/proof.json", "verifier.py", "checkpoint"])
def test_who_may_not_read_the_log(office, sealed, address):
    address = LOG + address.format(event=sealed.event_id)
    assert Client().get(address).status_code == 302
    assert browser_of(cast.member(office.organization, OrganizationRole.MEMBER).user).get(address).status_code == 403


def test_another_organization_sees_its_own_log_alone(sealed):
    stranger = browser_of(open_office("Other").person.user)
    assert sealed.event_id not in events(stranger)
    for address in ("", "proof.json"):
        assert stranger.get(f"{LOG}{sealed.event_id}/{address}").status_code == 404


@pytest.mark.parametrize("name", ["x", "abc/proof.json", "0" * 26, "%00"])
def test_events_that_are_none(owner, name):
    assert owner.get(f"{LOG}{name}/".replace("json/", "json")).status_code == 404


@pytest.mark.parametrize("action", ["verify", "export"])
def test_nothing_is_done_by_looking(owner, action):
    assert owner.get(f"{LOG}{action}/").status_code == 405
    assert not AuditCheck.objects.exists()


# --- the list ---------------------------------------------------------------------------------------------------------


def test_filters_find_what_they_say(owner, office, sealed, certificate):
    about = f"?object=certificate:{certificate.pk}"
    today = sealed.at.date()
    for query in (
        "?event=certificate.issued",
        about,
        f"?serial=0x{certificate.serial}",
        f"?actor={sealed.actor_kind}:{sealed.actor_id}&event=certificate.issued",
        f"?since={today}&until={today}&event=certificate.issued",
        "?until=9999-12-31&event=certificate.issued",
    ):
        assert events(owner, query) == [sealed.event_id], query
    for query in (
        "?event=ca.revoked",
        "?ip=203.0.113.9",
        "?trace_id=none",
        "?until=2001-01-01",
        "?object=role:1&serial=0xabc123",
    ):
        assert events(owner, query) == [], query


@pytest.mark.parametrize(
    "query",
    [
        "event=nothing",
        "actor=nobody",
        "actor=user:x",
        "object=ca:x",
        "serial=zz",
        "ip=here",
        "since=soon",
        "actor=user:9" + "9" * 30,
    ],
)
def test_a_filter_that_makes_no_sense_is_said_and_shows_nothing(owner, sealed, query):
    answer = owner.get(f"{LOG}?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not EVENT.findall(answer.content.decode())


def test_pages_follow_each_other(owner, office, sealed, monkeypatch):
    monkeypatch.setattr("web.audit.desk._LENGTH", 4)
    expected = list(AuditEvent.objects.filter(log=office.organization.pk).values_list("event_id", flat=True))
    address, seen = "?until=2999-01-01", []
    while address:
        seen += events(owner, address)
        following = re.search(r'href="(\?[^"]+)" rel="next"', owner.get(LOG + address).content.decode())
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == expected


def test_a_long_page_asks_no_more_than_a_short_one(owner, office, sealed):
    def questions(query: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            events(owner, query)
        return len(asked)

    questions("")
    assert questions("") == questions("?event=certificate.issued")


# --- one event --------------------------------------------------------------------------------------------------------


def test_an_event_is_shown_as_it_was_signed_and_leads_on(owner, office, sealed, certificate):
    page = owner.get(f"{LOG}{sealed.event_id}/").content.decode()
    for part in (
        f"/certificates/{certificate.public_id}/",
        f"?object=certificate:{certificate.pk}",
        sealed.signature_text,
        certificate.serial.upper(),
        "Proof as JSON",
    ):
        assert part in page


def test_the_proof_convinces_the_verifier(owner, sealed, tmp_path):
    answer = owner.get(f"{LOG}{sealed.event_id}/proof.json")
    (tmp_path / "proof.json").write_bytes(answer.content)
    key = json.loads(answer.content)["public_keys"][0]
    found = run_verifier(tmp_path, "--proof", "proof.json", "--public-key", key)
    assert found.returncode == 0, found.stdout + found.stderr


def test_an_event_that_waits_for_its_seal_says_so(owner, office, certificate):
    event = AuditEvent.objects.get(log=office.organization.pk, name="certificate.issued")
    assert "not sealed yet" in owner.get(f"{LOG}{event.event_id}/").content.decode()
    assert owner.get(f"{LOG}{event.event_id}/proof.json").status_code == 302


# --- the log as a whole -----------------------------------------------------------------------------------------------


def test_verifying_shows_a_sound_log(owner, office, sealed):
    assert "Not yet. It happens once a day." in owner.get(LOG).content.decode()
    page = owner.post(f"{LOG}verify/", follow=True).content.decode()
    assert "Everything in the log is as it was signed." in page
    check = AuditCheck.objects.get(log=office.organization.pk)
    assert check.is_sound
    assert f"{check.size} sealed events" in page


@pytest.mark.django_db(transaction=True)
def test_verifying_shows_a_log_that_was_tampered_with(owner, office, sealed):
    with unguarded():
        AuditEvent.objects.filter(pk=sealed.pk).update(actor_label="nobody")
    page = owner.post(f"{LOG}verify/", follow=True).content.decode()
    assert "Not everything in the log is as it was signed." in page
    assert "shown as something else than its signed bytes say" in page
    assert sealed.event_id in page


def test_a_long_log_is_verified_by_the_worker(owner, office, sealed, monkeypatch):
    monkeypatch.setattr("web.audit.desk._AT_ONCE", 1)
    asked = []
    monkeypatch.setattr("audit.tasks.check_log.apply_async", lambda args, **options: asked.extend(args))
    for _again in range(3):
        assert "is being verified" in owner.post(f"{LOG}verify/", follow=True).content.decode()
    assert asked == [office.organization.pk]
    assert not AuditCheck.objects.exists()


def test_the_timetable_verifies_each_log_once_a_day(office, sealed):
    assert services.check_due_logs(actor=SYSTEM) > 0
    assert services.check_due_logs(actor=SYSTEM) == 0
    assert AuditCheck.objects.get(log=office.organization.pk).is_sound


def test_an_export_with_its_checkpoint_convinces_the_verifier(owner, office, sealed, tmp_path):
    (tmp_path / "checkpoint").write_bytes(owner.get(f"{LOG}checkpoint").content)
    (tmp_path / "verifier.py").write_bytes(owner.get(f"{LOG}verifier.py").content)
    (tmp_path / "export.jsonl").write_bytes(owner.post(f"{LOG}export/").getvalue())
    key = re.search(r"--public-key ([0-9a-f]{64})", owner.get(LOG).content.decode())[1]
    found = subprocess.run(
        [sys.executable, "verifier.py", "export.jsonl", "--public-key", key, "--checkpoint", "checkpoint"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert AuditEvent.objects.filter(log=office.organization.pk, name="audit.exported").exists()


def test_a_date_that_is_none_exports_nothing(owner, office):
    answer = owner.post(f"{LOG}export/", {"export-since": "soon"}, follow=True)
    assert "nothing was exported" in answer.content.decode()
    assert not AuditEvent.objects.filter(name="audit.exported").exists()

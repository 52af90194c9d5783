"""The request log: one line of JSON for each request to the API, and nothing in it that is a secret."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory

from api.request_log import LOGGER, RequestLog
from audit.models import AuditEvent
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire, wire_of
from tests.processes import manage

CERTIFICATES = "/api/v2/certificates"


@pytest.fixture
def lines(settings, caplog):
    """What a server with the setting writes; the client of a test is made with it."""
    settings.REQUEST_LOG = "-"
    caplog.set_level(logging.INFO, LOGGER)

    def read() -> list[dict]:
        return [json.loads(record.getMessage()) for record in caplog.records if record.name == LOGGER]

    return read


def test_a_request_is_a_line(lines, office):
    row, token = cast.api_key(office.person)
    response = Wire(token).get(CERTIFICATES)
    (line,) = lines()
    assert line.pop("response_time_ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "method": "GET",
        "path": CERTIFICATES,
        "status": 200,
        "actor": f"api_key:{row.pk}",
        "user": row.name,
        "organization": office.organization.pk,
        "ip_address": "127.0.0.1",
        "trace_id": response["X-Trace-Id"],
    }


def test_the_trace_id_is_that_of_the_audit_log(lines, office):
    wire_of(office.person, Permission.CERTIFICATES_READ).get("/api/v2/audit")
    (line,) = lines()
    assert line["status"] == 403
    assert AuditEvent.objects.latest("pk").trace_id == line["trace_id"]


REFUSED = {
    "nobody": (None, CERTIFICATES, 401),
    "a wrong key": ("pkf_" + "A" * 32, CERTIFICATES, 401),
    "an unknown path": (None, "/api/v2/nowhere", 404),
}


@pytest.mark.parametrize(("token", "path", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_is_a_line_without_an_actor(lines, db, token, path, status):
    Wire(token).get(path)
    (line,) = lines()
    assert (line["status"], line["actor"], line["user"], line["organization"]) == (status, None, None, None)


def test_no_secret_gets_into_it(lines, api, caplog):
    api.get(f"{CERTIFICATES}?token=canary-query", Cookie="chancery_session=canary-cookie")
    api.post(CERTIFICATES, {"passphrase": "canary-body"})
    assert len(lines()) == 2
    written = json.dumps(lines())
    assert "canary" not in written
    assert api.token not in written
    assert api.token[:12] not in written


def test_pages_and_public_paths_are_not_in_it(lines, db, client):
    for path in ("/sign-in/", "/healthz", "/crl/none", "/api-is-no-prefix"):
        client.get(path)
    assert lines() == []


def test_a_path_cannot_break_the_line(lines, db):
    Wire().get("/api/v2/x%0A%22%7D%00")
    (line,) = lines()
    assert line["path"] == '/api/v2/x\n"}\0'


def test_it_costs_no_query(lines, office, django_assert_num_queries):
    request = RequestFactory().get(CERTIFICATES)
    middleware = RequestLog(lambda _: HttpResponse())
    with django_assert_num_queries(0):
        middleware(request)
    (line,) = lines()
    assert line["actor"] is None


def test_without_the_setting_there_is_none(settings):
    settings.REQUEST_LOG = ""
    with pytest.raises(MiddlewareNotUsed):
        RequestLog(lambda _: HttpResponse())


def test_a_file_that_was_rotated_away_is_opened_anew(tmp_path):
    path, state = tmp_path / "requests.jsonl", str(tmp_path / "var")
    program = f"""
import logging, os
log = logging.getLogger({LOGGER!r})
log.info("before")
os.rename({str(path)!r}, {str(path) + ".1"!r})
log.info("after")
"""
    done = manage("shell", "--command", program, CHANCERY_STATE_DIR=state, CHANCERY_REQUEST_LOG=str(path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "requests.jsonl.1").read_text() == "before\n"
    assert path.read_text() == "after\n"


def test_it_may_go_to_standard_output(tmp_path):
    program = f"import logging; logging.getLogger({LOGGER!r}).info('a line')"
    state = str(tmp_path / "var")
    done = manage("shell", "--command", program, CHANCERY_STATE_DIR=state, CHANCERY_REQUEST_LOG="-")
    assert "a line" in done.stdout.splitlines()

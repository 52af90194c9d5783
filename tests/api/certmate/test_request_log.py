"""The request log in the keys of CertMate's audit log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from api.request_log import LOGGER
from tests import cast
from tests.api.certmate import documented
from tests.api.certmate.conftest import CERTS, Client
from tests.api.wire import Wire
from tests.office import Office
from tests.processes import manage

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(settings: Any, caplog: Any) -> Any:
    """What a server with these settings writes; the client of a test is made with them."""
    settings.REQUEST_LOG, settings.REQUEST_LOG_FORMAT = "-", "certmate"
    caplog.set_level(logging.INFO, LOGGER)

    def read() -> list[dict[str, Any]]:
        return [json.loads(record.getMessage()) for record in caplog.records if record.name == LOGGER]

    return read


@pytest.mark.row("M86", "M87", "M88", "M89")
def test_a_creation_is_the_line_of_the_document(lines: Any, office: Office):
    row, token = cast.api_key(office.person)
    made = Client(Wire(token)).create("user@example.com")
    (line,) = lines()
    assert documented.LOG_LINE.keys() <= line.keys()
    assert line["timestamp"].endswith("Z")
    assert line["response_time_ms"] > 0
    assert {name: line[name] for name in documented.LOG_LINE if name != "timestamp"} == {
        "operation": "create",
        "resource_type": "certificate",
        "resource_id": made["identifier"],
        "status": "success",
        "user": row.name,
        "ip_address": "127.0.0.1",
        "details": {"common_name": "user@example.com", "usage": "api-mtls"},
        "error": None,
    }


@pytest.mark.row("M86", "M87")
def test_every_request_is_a_line_with_its_operation(lines: Any, client: Client, api: Wire):
    identifier = client.create()["identifier"]
    for path in ("", "/stats", f"/{identifier}", f"/{identifier}/download/crt", f"/{identifier}/download/key"):
        api.get(CERTS + path)
    api.post(f"{CERTS}/batch", {"headers": ["common_name"], "rows": [["x"]]})
    api.post(f"{CERTS}/{identifier}/renew")
    api.post(f"{CERTS}/{identifier}/revoke")
    api.get("/api/ocsp/status/12345678")
    api.get("/api/crl/download/pem")
    found = [(line["operation"], line["resource_type"], line["status"]) for line in lines()]
    assert found == [
        ("create", "certificate", "success"),
        ("list", "certificate", "success"),
        ("stats", "certificate", "success"),
        ("read", "certificate", "success"),
        ("download", "certificate", "success"),
        ("download_key", "certificate", "success"),
        ("batch_create", "certificate", "success"),
        ("renew", "certificate", "success"),
        ("revoke", "certificate", "success"),
        ("ocsp_status", "ocsp", "success"),
        ("crl_download", "crl", "success"),
    ]


FAILURES = {
    "an unknown identifier": ("GET", f"{CERTS}/cert-001", None, "read", "Certificate not found: cert-001", 404),
    "no name": ("POST", f"{CERTS}/create", {}, "create", "This field is required.", 400),
    "an unknown host": (
        "GET",
        "/api/certificates/x.test/download",
        None,
        "download",
        "There is no valid certificate with a key for x.test.",
        404,
    ),
    "an unknown address": ("GET", "/api/x", None, "get", "There is nothing at this address.", 404),
}


@pytest.mark.row("M87", "M90")
@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES)
def test_a_failure_says_why(lines: Any, api: Wire, office: Office, case: Any):
    method, path, body, operation, error, status = case
    api.send(method, path, body)
    (line,) = lines()
    assert {name: line[name] for name in ("operation", "status", "error", "http_status")} == {
        "operation": operation,
        "status": "failure",
        "error": error,
        "http_status": status,
    }


@pytest.mark.row("M90")
def test_who_is_refused_is_in_it_too(lines: Any, office: Office):
    Wire("cm_" + "a" * 40).get(f"{CERTS}/cert-001")
    (line,) = lines()
    assert (line["status"], line["user"], line["resource_id"], line["operation"]) == (
        "failure",
        None,
        "cert-001",
        "read",
    )
    assert line["error"]


def test_requests_of_other_dialects_have_the_same_keys(lines: Any, api: Wire, office: Office):
    api.get("/api/v2/certificates")
    (line,) = lines()
    assert documented.LOG_LINE.keys() <= line.keys()
    assert (line["operation"], line["status"], line["resource_type"]) == ("list", "success", None)


def test_no_secret_gets_into_it(lines: Any, client: Client, api: Wire, caplog: Any):
    made = client.create()
    key = api.get(f"{CERTS}/{made['identifier']}/download/key").content.decode().splitlines()[1]
    api.get(f"{CERTS}?search=canary-query", Cookie="chancery_session=canary-cookie")
    api.post(f"{CERTS}/create", {"passphrase": "canary-body"})
    written = json.dumps(lines())
    assert len(lines()) == 4
    for secret in ("canary", key, api.token):
        assert secret not in written


@pytest.mark.row("M88")
def test_it_goes_to_a_file_of_json_lines(tmp_path: Any):
    path = tmp_path / "certificate_audit.log"
    program = """
from django.test import Client
Client(raise_request_exception=False).get("/api/client-certs", headers={"host": "localhost"})
"""
    done = manage(
        "shell",
        "--command",
        program,
        CHANCERY_STATE_DIR=str(tmp_path / "var"),
        CHANCERY_REQUEST_LOG=str(path),
        CHANCERY_REQUEST_LOG_FORMAT="certmate",
    )
    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, path.read_text().splitlines())
    assert documented.LOG_LINE.keys() <= line.keys()
    assert (line["operation"], line["status"]) == ("list", "failure")

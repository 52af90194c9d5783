"""How often CertMate's clients may ask: the table of its document, by credential."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from certificates.models import Certificate
from pkiproject import settings as untouched
from tests.api.certmate import documented
from tests.api.certmate.conftest import CERTS
from tests.api.wire import Wire, wire_of
from tests.office import Office
from tests.processes import ROOT, environment

DOCUMENTED = {
    "certmate-general": 100,
    "certmate-create": 30,
    "certmate-batch": 10,
    "certmate-ocsp": 200,
    "certmate-crl": 60,
}
FEW = {name: most // 10 for name, most in DOCUMENTED.items()} | {"general": 1000, "anonymous": 4}
# What each limit of the table is about; a body that is refused counts like one that is not, and is quick.
WHAT: dict[str, tuple[str, str, Any]] = {
    "certmate-general": ("GET", f"{CERTS}/stats", None),
    "certmate-create": ("POST", f"{CERTS}/create", {}),
    "certmate-batch": ("POST", f"{CERTS}/batch", {}),
    "certmate-ocsp": ("GET", "/api/ocsp/status/12345678", None),
    "certmate-crl": ("GET", "/api/crl/download/info", None),
}


@pytest.fixture(autouse=True)
def limited(settings: Any) -> Any:
    """A tenth of what the document says."""
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | FEW
    return settings


def statuses(wire: Wire, name: str, times: int) -> list[int]:
    method, path, body = WHAT[name]
    return [wire.send(method, path, body).status_code for _ in range(times)]


@pytest.mark.row("M5", "M6", "M7", "M8", "M9")
def test_the_numbers_are_those_of_the_document():
    assert {name: untouched.RATE_LIMITS[name] for name in DOCUMENTED} == DOCUMENTED


@pytest.mark.row("M5", "M6", "M7", "M8", "M9")
@pytest.mark.parametrize("name", WHAT)
def test_each_line_of_the_table(api: Wire, name: str):
    """The server never applies those of creating and of batches: it looks for another word in the path."""
    most = FEW[name]
    found = statuses(api, name, most + 1)
    assert 429 not in found[:-1]
    assert found[-1] == 429
    others = {other for other in WHAT if other != name}
    for other in others:
        assert statuses(api, other, 1) != [429], "each is counted by itself"


@pytest.mark.row("M10", "M95")
def test_what_a_limited_client_is_told(api: Wire):
    statuses(api, "certmate-batch", FEW["certmate-batch"])
    answer = api.post(f"{CERTS}/batch", {})
    assert answer.status_code == 429
    body = answer.json()
    documented.require_documented(body, documented.RATE_LIMITED)
    assert {name: body[name] for name in ("error", "message", "code", "status")} == {
        "error": "Rate limit exceeded",
        "message": "Too many requests. Please try again later.",
        "code": "RATE_LIMITED",
        "status": 429,
    }
    assert 1 <= body["retry_after"] <= 60
    assert answer["Retry-After"] == str(body["retry_after"])
    assert answer["RateLimit-Policy"] == '"certmate-batch";q=1;w=60'


def test_nothing_is_made_beyond_the_limit(api: Wire, office: Office):
    statuses(api, "certmate-create", FEW["certmate-create"])
    assert api.post(f"{CERTS}/create", {"common_name": "x"}).status_code == 429
    assert not Certificate.objects.exists()


def test_a_credential_takes_nothing_from_another(api: Wire, office: Office):
    other = wire_of(office.person)
    assert statuses(api, "certmate-create", 4)[-1] == 429
    assert statuses(other, "certmate-create", 1) == [400]


def test_the_native_api_is_counted_by_itself(api: Wire):
    assert statuses(api, "certmate-general", 11)[-1] == 429
    assert api.get("/api/v2/stats").status_code == 200


HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-HTTP-Method-Override", "User-Agent", "X-Forwarded-Host")


@pytest.mark.row("M95")
@pytest.mark.parametrize("header", HEADERS)
def test_issue_420_no_header_makes_another_bucket(api: Wire, header: str):
    method, path, body = WHAT["certmate-create"]
    found = [api.send(method, path, body, **{header: f"198.51.100.{number}"}).status_code for number in range(4)]
    assert found == [400, 400, 400, 429]


SPELLINGS = [
    f"{CERTS}/create?x=certificates",
    f"{CERTS}/create?",
    "/api/client%2Dcerts/create",
    "//api/client-certs/create",
    f"{CERTS}/create/../create",
]


def test_issue_420_no_spelling_of_the_address_makes_another_bucket(api: Wire):
    """What is another address is none at all."""
    assert statuses(api, "certmate-create", 3) == [400] * 3
    assert {api.post(path, {}).status_code for path in SPELLINGS} <= {429, 404}


@pytest.mark.row("M8", "M9")
@pytest.mark.parametrize("name", ["certmate-ocsp", "certmate-crl"])
def test_whoever_has_no_credential_is_counted_by_the_address(office: Office, name: str):
    """And may ask as often as one who has: the general limit for strangers is lower."""
    method, path, _body = WHAT[name]
    found = [Browser().get(path, REMOTE_ADDR="192.0.2.1").status_code for _ in range(FEW[name] + 1)]
    assert found == [200] * FEW[name] + [429]
    assert Browser().get(path, REMOTE_ADDR="192.0.2.2").status_code == 200
    assert method == "GET"


def test_bad_tokens_are_guesses_wherever_they_are_sent(office: Office):
    found = [Wire(f"cm_{number:040}").get("/api/ocsp/status/1").status_code for number in range(5)]
    assert found == [401] * 4 + [429]


def test_several_processes_count_together(tmp_path: Path, redis_url: str):
    """Four of them, with one Redis. There is no database, so that what is not limited is not answered either."""
    names = environment(
        DJANGO_SETTINGS_MODULE="pkiproject.settings",
        CHANCERY_STATE_DIR=str(tmp_path),
        CHANCERY_LIMIT_CERTMATE_CRL="20",
        REDIS_URL=redis_url,
    )
    command = [sys.executable, "-m", "tests.api.counting", "4", "15", "/api/crl/download/pem"]
    run = subprocess.run(command, cwd=ROOT, env=names, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr
    statuses = run.stdout.split()
    assert statuses.count("503") == 20
    assert statuses.count("429") == 41

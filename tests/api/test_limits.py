"""How often somebody may ask the API."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from tests.api.wire import Wire, wire_of
from tests.office import Office
from tests.processes import ROOT, environment
from tests.security.doors import API, OPEN

STATS = "/api/v2/stats"
ISSUE = {"template_code": "web-tls", "common_name": "www.acme.test"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def limited(settings: Any) -> Any:
    """A few requests a minute."""
    settings.RATELIMIT_ENABLE = True
    few = {"general": 5, "issue": 2, "batch": 1, "anonymous": 4, "token": 3, "sign-in": 9}
    settings.RATE_LIMITS = settings.RATE_LIMITS | few
    return settings


@pytest.fixture
def no_cache(limited: Any) -> None:
    gone = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    limited.CACHES = dict.fromkeys(limited.CACHES, gone)


@pytest.mark.row("P80", "C29", "C30")
def test_a_credential_has_so_many_requests_in_a_minute(api: Wire, limited: Any):
    answers = [api.get(STATS) for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    last = answers[-1]
    assert last.json()["type"].endswith("/rate-limited")
    assert last["Content-Type"] == "application/problem+json"
    assert 1 <= int(last["Retry-After"]) <= 60
    assert last["RateLimit-Policy"] == '"general";q=5;w=60'
    assert last["RateLimit"] == f'"general";r=0;t={last["Retry-After"]}'


@pytest.mark.parametrize(
    "address",
    [
        "/api/v2/channels/{}/test",
        "/api/v2/dns-providers/{}/test",
        "/api/v2/public-names/{}/prove",
        "/api/v2/placements/{}/check",
        "/api/v2/acme/orders/{}/refresh",
        "/api/v2/acme/challenges/{}/complete",
        "/v1/pki/acme/orders/{}/refresh",
        "/v1/pki/acme/challenges/{}/complete",
    ],
)
def test_what_asks_others_is_limited_like_what_issues(api: Wire, limited: Any, address: str):
    answers = [api.post(address.format(uuid.uuid4()), {}) for _ in range(3)]
    assert [each.status_code for each in answers] == [404, 404, 429]
    assert answers[0]["RateLimit-Policy"] == '"issue";q=2;w=60'


def test_every_answer_says_what_is_left(api: Wire, limited: Any):
    assert [api.get(STATS)["RateLimit"].split(";")[1] for _ in range(3)] == ["r=4", "r=3", "r=2"]


def test_one_credential_takes_nothing_from_another(api: Wire, stranger: Wire, office: Office, limited: Any):
    other = wire_of(office.person)
    assert [api.get(STATS).status_code for _ in range(6)][-1] == 429
    assert other.get(STATS).status_code == 200
    assert stranger.get(STATS).status_code == 200


def test_what_issues_has_a_lower_limit_of_its_own(api: Wire, limited: Any):
    answers = [api.post("/api/v2/certificates", ISSUE) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 429]
    assert answers[-1]["RateLimit-Policy"] == '"issue";q=2;w=60'
    assert api.get(STATS).status_code == 200


def test_renewing_counts_with_issuing(api: Wire, limited: Any):
    first = api.post("/api/v2/certificates", ISSUE).json()["id"]
    renewals = [api.post(f"/api/v2/certificates/{first}/renew").status_code for _ in range(2)]
    assert renewals == [201, 429]


def test_batches_have_the_lowest(api: Wire, limited: Any):
    body = {"template_code": "web-tls", "rows": [{"common_name": "www.acme.test"}]}
    assert [api.post("/api/v2/certificates/batch", body).status_code for _ in range(2)] == [200, 429]


def test_the_two_versions_are_counted_together(api: Wire, limited: Any):
    assert api.post("/api/v1/certificates", ISSUE).status_code == 201
    assert api.post("/api/v2/certificates", ISSUE).status_code == 201
    assert api.post("/api/v1/certificates", ISSUE).status_code == 429


@pytest.mark.django_db
@pytest.mark.parametrize("token", [None, "pkf_" + "x" * 32, "cm_" + "x" * 32, "nonsense"])
def test_without_a_good_credential_an_address_is_counted(token: str | None, limited: Any):
    wire = Wire(token)
    assert [wire.get(STATS).status_code for _ in range(5)] == [401] * 4 + [429]


@pytest.mark.django_db
def test_ever_new_credentials_are_one_stranger(limited: Any):
    statuses = [Wire(f"pkf_{number:032}").get(STATS).status_code for number in range(6)]
    assert statuses == [401] * 4 + [429] * 2


def test_who_has_a_credential_is_not_kept_out_by_neighbours(api: Wire, limited: Any):
    assert [Wire().get(STATS).status_code for _ in range(6)][-1] == 429
    assert api.get(STATS).status_code == 200


HEADERS = {
    "X-Forwarded-For": "198.51.100.{}",
    "X-Real-IP": "198.51.100.{}",
    "Forwarded": "for=198.51.100.{}",
    "Client-IP": "198.51.100.{}",
    "X-HTTP-Method-Override": "{}",
    "User-Agent": "bot {}",
}


@pytest.mark.django_db
@pytest.mark.parametrize("header", HEADERS)
def test_no_header_makes_somebody_another(header: str, limited: Any):
    """CertMate issue 420: a bucket that a client chooses is no limit."""
    statuses = [Wire().get(STATS, **{header: HEADERS[header].format(number)}).status_code for number in range(6)]
    assert statuses[-1] == 429


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        (["2001:db8:1:2::{:x}"] * 6, 429),
        (["2001:db8:1:{:x}::1"] * 6, 401),
        (["::ffff:192.0.2.1", "192.0.2.1"] * 3, 429),
        (["192.0.2.{}"] * 6, 401),
        ([""] * 6, 429),
    ],
    ids=["one network", "several networks", "one in two notations", "several addresses", "nobody knows"],
)
def test_an_address_of_ipv6_is_its_network(addresses: list[str], status: int, limited: Any):
    found = [Client().get(STATS, REMOTE_ADDR=text.format(n)).status_code for n, text in enumerate(addresses, 1)]
    assert found[-1] == status


@pytest.mark.django_db
def test_every_operation_counts_somebody(limited: Any):
    """Whatever the method, whatever the address."""
    for entry in (entry for entry, whom in API.items() if whom != OPEN):
        for cache in caches.all():
            cache.clear()
        method, _space, address = entry.partition(" ")
        path = re.sub(r"\{checkpoint\}|\{\w+_number\}", "1", address).replace("{fingerprint}", "0" * 64)
        path = path.replace("{event}", "7" + "Z" * 25).replace("{serial}", "01")
        while "{" in path:
            path = path[: path.index("{")] + "00000000-0000-4000-8000-000000000000" + path[path.index("}") + 1 :]
        assert Wire().send(method, path)["RateLimit"].startswith('"anonymous";r=3;'), entry


@pytest.mark.django_db
def test_tokens_are_limited_by_address_in_the_words_of_oauth(limited: Any):
    answers = [Client().post("/oauth/token", "grant_type=refresh_token", content_type=FORM) for _ in range(4)]
    assert [each.status_code for each in answers][-1] == 429
    assert 429 not in [each.status_code for each in answers[:-1]]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_limits_can_be_switched_off(api: Wire, limited: Any):
    limited.RATELIMIT_ENABLE = False
    answers = [api.get(STATS) for _ in range(8)]
    assert {each.status_code for each in answers} == {200}
    assert "RateLimit" not in answers[0]


def test_with_the_cache_gone_credentials_pass_and_requests_for_tokens_do_not(api: Wire, no_cache: None):
    assert api.get(STATS).status_code == 200
    assert api.post("/api/v2/certificates", ISSUE).status_code == 201
    assert Wire().get(STATS).status_code == 401
    refused = Client().post("/oauth/token", "grant_type=refresh_token", content_type=FORM)
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    signing_in = Client().post("/sign-in/", {"username": "owner@acme.example", "password": "correct"})
    assert signing_in.status_code == 503


def test_refusals_of_a_limit_fill_no_log(api: Wire, office: Office, limited: Any):
    from audit.models import AuditEvent

    for _ in range(6):
        api.get(STATS)
    before = AuditEvent.objects.count()
    for _ in range(6):
        assert api.get(STATS).status_code == 429
    assert AuditEvent.objects.count() == before


class _CountingCommands:
    """The commands that a Redis client sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from redis import Redis

        self.sent: list[str] = []
        real = Redis.execute_command

        def execute(client: Any, *arguments: Any, **options: Any) -> Any:
            self.sent.append(str(arguments[0]))
            return real(client, *arguments, **options)

        monkeypatch.setattr(Redis, "execute_command", execute)


def test_a_request_costs_three_commands_of_the_cache(
    api: Wire, limited: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    backend = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url}
    limited.CACHES = limited.CACHES | {"limits": backend | {"KEY_PREFIX": "test"}}
    commands = _CountingCommands(monkeypatch)
    api.get("/api/v2/roles")
    assert commands.sent == ["SET"]
    commands.sent.clear()
    api.get("/api/v2/roles")
    assert commands.sent == ["SET", "EXISTS", "INCRBY"]


@pytest.mark.django_db
def test_public_answers_are_not_counted(office: Office, limited: Any, monkeypatch: pytest.MonkeyPatch):
    from accounts import rates

    def counted(*_: object, **__: object) -> None:
        raise AssertionError("a public answer was counted")

    monkeypatch.setattr(rates, "get_usage", counted)
    for _ in range(10):
        assert Client().get(f"/crl/{office.issuing.slug}.crl").status_code in (200, 404)


def test_several_processes_count_together(tmp_path: Path, redis_url: str):
    """Four of them, with the settings of production and one Redis."""
    names = environment(
        DJANGO_SETTINGS_MODULE="pkiproject.settings",
        CHANCERY_STATE_DIR=str(tmp_path),
        CHANCERY_LIMIT_ANONYMOUS="20",
        REDIS_URL=redis_url,
    )
    command = [sys.executable, "-m", "tests.api.counting", "4", "15"]
    run = subprocess.run(command, cwd=ROOT, env=names, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr
    statuses = run.stdout.split()
    assert len(statuses) == 61
    assert statuses.count("401") == 20
    assert statuses.count("429") == 41

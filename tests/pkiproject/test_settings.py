"""What stops the start, and what the settings are where it goes on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, environment, manage
from tests.production import SETTINGS as PRODUCTION

NAMES = {
    "no keys beside PostgreSQL": (
        {"DATABASE_URL": "postgresql://a:b@localhost/c", "CHANCERY_BASE_URL": "http://pki.example"},
        ["CHANCERY_MASTER_KEY", "CHANCERY_SECRET_KEY"],
    ),
    "no address beside PostgreSQL": (PRODUCTION | {"CHANCERY_BASE_URL": ""}, ["CHANCERY_BASE_URL"]),
    "keys made up beside PostgreSQL": (PRODUCTION | {"CHANCERY_EMBEDDED": "yes"}, ["CHANCERY_EMBEDDED"]),
    "no keys on a SQLite that is not embedded": (
        {"CHANCERY_EMBEDDED": "no", "CHANCERY_BASE_URL": "http://pki.example"},
        ["CHANCERY_MASTER_KEY", "CHANCERY_SECRET_KEY"],
    ),
    "error pages of Django in production": (PRODUCTION | {"CHANCERY_DEBUG": "yes"}, ["CHANCERY_DEBUG"]),
    "several web processes without Redis": ({"CHANCERY_WEB_PROCESSES": "2"}, ["REDIS_URL"]),
    "https with nobody who ends it": (PRODUCTION | {"CHANCERY_TRUSTED_PROXIES": ""}, ["CHANCERY_TRUSTED_PROXIES"]),
    "another kind of queue": ({"REDIS_URL": "amqp://localhost"}, ["REDIS_URL"]),
    "another kind of database": ({"DATABASE_URL": "mysql://localhost/x"}, ["DATABASE_URL"]),
    "a request log in no folder": ({"CHANCERY_REQUEST_LOG": "/nowhere/requests.jsonl"}, ["CHANCERY_REQUEST_LOG"]),
    "a token beside SQLite": (
        {
            "CHANCERY_PKCS11_MODULE": "/bin/sh",
            "CHANCERY_PKCS11_TOKEN": "ca",
            "CHANCERY_PKCS11_PIN": "1234",
        },
        ["CHANCERY_PKCS11_MODULE"],
    ),
    "half a token": (
        PRODUCTION | {"CHANCERY_PKCS11_MODULE": "/nowhere/module.so", "CHANCERY_PKCS11_TOKEN": "ca"},
        ["CHANCERY_PKCS11_MODULE", "CHANCERY_PKCS11_PIN"],
    ),
    "a PIN for no token": ({"CHANCERY_PKCS11_PIN": "1234"}, ["CHANCERY_PKCS11_PIN"]),
    "a misspelt name": ({"CHANCERY_ALLOWED_HOST": "pki.example"}, ["CHANCERY_ALLOWED_HOST"]),
    "several things at once": (
        {"CHANCERY_PORT": "0", "CHANCERY_DEBUG": "maybe", "CHANCERY_HOST": "here"},
        ["CHANCERY_DEBUG", "CHANCERY_HOST", "CHANCERY_PORT"],
    ),
}


@pytest.mark.parametrize(("given", "complaints"), NAMES.values(), ids=NAMES)
def test_nonsense_stops_the_start_with_a_sentence_for_each_variable(
    tmp_path: Path, given: dict[str, str], complaints: list[str]
) -> None:
    refused = manage("check", **given | {"CHANCERY_STATE_DIR": str(tmp_path / "var")})
    first, *lines = refused.stderr.strip().splitlines()
    assert refused.returncode == 1
    assert first == "Chancery does not start:"
    assert [line.split()[1] for line in lines] == complaints
    assert not (tmp_path / "var").exists()


def test_a_lost_master_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "chancery.sqlite3").touch()
    refused = manage("check", CHANCERY_STATE_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert "master.key is missing" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_production_settings_pass_the_checks_for_deployment(tmp_path: Path) -> None:
    state = {"CHANCERY_STATE_DIR": str(tmp_path)}
    checked = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | state)
    assert checked.returncode == 0, checked.stderr


def read(tmp_path: Path, *names: str, **settings: str) -> dict[str, Any]:
    """These settings, as a process with this environment has them."""
    program = (
        "import json, sys; from django.conf import settings;"
        "print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))"
    )
    full = {"DJANGO_SETTINGS_MODULE": "pkiproject.settings", "CHANCERY_STATE_DIR": str(tmp_path)} | settings
    done = subprocess.run(
        [sys.executable, "-c", program, *names],
        cwd=ROOT,
        env=environment(**full),
        capture_output=True,
        text=True,
        check=True,
    )
    values: dict[str, Any] = json.loads(done.stdout)
    return values


COOKIES = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT")


def test_localhost_works_without_tls(tmp_path: Path) -> None:
    values = read(tmp_path, *COOKIES, "ALLOWED_HOSTS", "SECURE_HSTS_SECONDS", "BASE_URL", CHANCERY_PORT="9001")
    assert not any(values[name] for name in COOKIES)
    assert values["SECURE_HSTS_SECONDS"] == 0
    assert values["BASE_URL"] == "http://localhost:9001"
    assert "localhost" in values["ALLOWED_HOSTS"]


def test_with_https_the_cookies_are_secure_and_certificates_name_http(tmp_path: Path) -> None:
    values = read(tmp_path, *COOKIES, "ALLOWED_HOSTS", "PUBLIC_URL", "CSRF_TRUSTED_ORIGINS", **PRODUCTION)
    assert all(values[name] for name in COOKIES)
    assert values["ALLOWED_HOSTS"] == ["pki.example.com"]
    assert values["PUBLIC_URL"] == "http://pki.example.com"
    assert values["CSRF_TRUSTED_ORIGINS"] == ["https://pki.example.com"]


def test_the_master_key_does_not_print(tmp_path: Path) -> None:
    assert read(tmp_path, "MASTER_KEY", **PRODUCTION)["MASTER_KEY"] == "Secret(…)"


def test_debugging_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert read(tmp_path, "DEBUG")["DEBUG"] is False


def test_the_manual_lists_every_setting_and_no_other() -> None:
    source = (ROOT / "pkiproject" / "settings.py").read_text()
    manual = (ROOT / "docs" / "operations.md").read_text().partition("## Processes")[0]
    first_column = "".join(re.findall(r"^\| (`.*?) \|", manual, re.MULTILINE))
    read_here = set(re.findall(r"_env\.\w+\(\s*\"([A-Z_]+)\"", source)) | set(
        re.findall(r"\"(CHANCERY_\w+_KEY)\"", source)
    )
    assert set(re.findall(r"`([A-Z_]+)`", first_column)) == read_here

"""The image, the compose file and the proxy's configuration say what is so: no engine is needed to check that."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shlex
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.nginx import nginx_before
from tests.processes import ROOT, manage

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OUR_SERVICES = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "chancery"}
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def test_compose_has_every_part() -> None:
    assert set(COMPOSE["services"]) == {"prepare", "web", "worker", "clock", "postgres", "redis", "nginx"}


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_what_compose_starts_is_a_command_that_exists(name: str) -> None:
    command = OUR_SERVICES[name]["command"]
    answer = manage(*command, "--help")
    assert answer.returncode == 0, answer.stderr
    parts = re.search(r"\{all,([a-z,-]+)\}", answer.stdout)
    if command[0] == "serve":
        assert parts is not None
        assert command[1] in parts[1].split(",")


def test_compose_settings_are_accepted_as_they_stand(secrets_folder: Path, tmp_path: Path) -> None:
    environments = [service["environment"] for service in OUR_SERVICES.values()]
    assert all(environment == environments[0] for environment in environments)
    given = {name: value.replace("/run/secrets", str(secrets_folder)) for name, value in environments[0].items()}
    given |= {"CHANCERY_BASE_URL": "https://pki.example.com", "CHANCERY_STATE_DIR": str(tmp_path)}
    checked = manage("check", "--deploy", "--fail-level", "WARNING", **given)
    assert checked.returncode == 0, checked.stderr


def test_a_secret_that_is_read_is_a_secret_that_is_given(secrets_folder: Path) -> None:
    for name, service in COMPOSE["services"].items():
        read = {Path(v).name for v in service.get("environment", {}).values() if str(v).startswith("/run/secrets/")}
        assert read <= set(service.get("secrets", [])), name
    for secret in COMPOSE["secrets"].values():
        assert (secrets_folder / Path(secret["file"]).name).exists()


def test_no_secret_stands_in_compose_itself() -> None:
    for service in COMPOSE["services"].values():
        for variable in service.get("environment", {}):
            assert not re.search(r"(KEY|PASSWORD|SECRET)$", variable), variable


def test_database_and_queue_are_out_of_reach_from_outside() -> None:
    assert COMPOSE["networks"]["back"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert COMPOSE["services"][name]["networks"] == ["back"]
        assert "ports" not in COMPOSE["services"][name]


def test_who_asks_others_can_reach_them() -> None:
    """Web servers and workers ask ACME servers, name servers, identity providers, webhooks; the clock asks nobody."""
    outside = {name for name, network in COMPOSE["networks"].items() if not (network or {}).get("internal")}
    reached = {name: outside & set(service["networks"]) for name, service in OUR_SERVICES.items()}
    assert {name for name, networks in reached.items() if networks} == {"web", "worker"}


def test_secrets_are_made_once(secrets_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets_folder.iterdir()}
    subprocess.run([secrets_folder.parent / "make-secrets"], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in secrets_folder.iterdir()} == before
    assert secrets_folder.stat().st_mode & 0o077 == 0


def test_the_image_runs_as_nobody_special_from_hashed_requirements() -> None:
    words = [line.split() for line in DOCKERFILE if line and not line.startswith("#")]
    assert ["USER", "chancery"] in words
    assert words.index(["USER", "chancery"]) > max(i for i, line in enumerate(words) if line[0] == "RUN")
    (install,) = [line for line in DOCKERFILE if "pip install" in line]
    assert "--require-hashes" in install
    assert {"/requirements.txt", "/requirements-pkcs11.txt"} <= set(install.split())


def test_what_the_image_runs_is_a_command_that_exists(tmp_path: Path) -> None:
    instructions = dict(line.split(" ", 1) for line in DOCKERFILE if line.startswith(("ENTRYPOINT", "CMD")))
    assert json.loads(instructions["ENTRYPOINT"]) == ["python", "manage.py"]
    assert manage(*json.loads(instructions["CMD"]), "--help").returncode == 0
    (collect,) = [line for line in DOCKERFILE if "manage.py prepare" in line]
    arguments = shlex.split(collect.split("&&")[0].partition("manage.py")[2])
    done = manage(*arguments, CHANCERY_STATE_DIR=str(tmp_path / "build"), CHANCERY_STATIC_DIR=str(tmp_path / "static"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "static" / "staticfiles.json").exists()


FORGED = {
    "Client-Cert": ":MIIB:",
    "Client_Cert": ":MIIB:",
    "X-SSL-Client-Cert": "MIIB",
    "SSL-Client-Cert": "MIIB",
    "X-Forwarded-Client-Cert": "Hash=1",
    "Forwarded": "for=10.0.0.1;proto=https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Proxy-Secret": "guess",
}


@pytest.mark.needs("nginx")
def test_the_proxy_takes_no_word_of_a_client_for_its_own(proxy: tuple[int, int]) -> None:
    http_port, https_port = proxy
    for connection, scheme in (
        (http.client.HTTPConnection("127.0.0.1", http_port, timeout=240), "http"),
        (http.client.HTTPSConnection("127.0.0.1", https_port, timeout=240, context=_trusting_all()), "https"),
    ):
        with contextlib.closing(connection):
            connection.request("GET", "/ca/root.crl", headers={"Host": "pki.example.com"} | FORGED)
            seen = json.loads(connection.getresponse().read())
        assert seen.pop("x-forwarded-proto") == scheme
        assert seen.pop("x-forwarded-for") == "127.0.0.1"
        assert seen.pop("host") == "pki.example.com"
        assert not seen.keys() & {name.lower() for name in FORGED}


@pytest.fixture(scope="module")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `deploy/make-secrets` makes, in a copy of its folder."""
    deploy = tmp_path_factory.mktemp("deploy")
    script = deploy / "make-secrets"
    script.write_bytes((ROOT / "deploy" / "make-secrets").read_bytes())
    script.chmod(0o755)
    subprocess.run([script], check=True, capture_output=True)
    return deploy / "secrets"


class _Mirror(BaseHTTPRequestHandler):
    """Answers with the headers it was sent."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """nginx with our configuration, in front of a server that mirrors headers: its ports for http and https."""
    mirror = ThreadingHTTPServer(("127.0.0.1", 0), _Mirror)
    threading.Thread(target=mirror.serve_forever, daemon=True).start()
    try:
        with nginx_before(mirror.server_port, tmp_path) as ports:
            yield ports.http, ports.https
    finally:
        mirror.shutdown()
        mirror.server_close()


def _trusting_all() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

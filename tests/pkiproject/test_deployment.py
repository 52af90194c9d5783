"""The image, the compose file and the proxy's configuration say what is so: no engine is needed to check that."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.processes import ROOT, manage
from tests.servers import free_port

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
    parts = re.search(r"\{all,([a-z,]+)\}", answer.stdout)
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
}


@pytest.mark.needs("nginx")
def test_the_proxy_takes_no_word_of_a_client_for_its_own(proxy: tuple[int, int]) -> None:
    http_port, https_port = proxy
    for connection, scheme in (
        (http.client.HTTPConnection("127.0.0.1", http_port, timeout=10), "http"),
        (http.client.HTTPSConnection("127.0.0.1", https_port, timeout=10, context=_trusting_all()), "https"),
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
    http_port, https_port = free_port(), free_port()
    (tmp_path / "tls").mkdir()
    _write_certificate(tmp_path / "tls")
    (tmp_path / "mime.types").write_text("types { text/plain txt; }")
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {
        "web:8000": f"127.0.0.1:{mirror.server_port}",
        "listen 80 ": f"listen 127.0.0.1:{http_port} ",
        "listen 443 ": f"listen 127.0.0.1:{https_port} ",
        "listen [::]:80 default_server;": "",
        "listen [::]:443 ssl default_server;": "",
    }.items():
        assert old in text
        text = text.replace(old, new)
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(text.replace("http {\n", f"http {{\naccess_log off;\n{folders}", 1))
    directives = f"daemon off; pid {tmp_path}/pid; user {'root' if os.geteuid() == 0 else 'nobody'};"
    command = ["nginx", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log", "-g", directives]
    subprocess.run([*command, "-t"], check=True, capture_output=True, timeout=20)
    process = subprocess.Popen(command)
    try:
        for port in (http_port, https_port):
            _wait_for(port)
        yield http_port, https_port
    finally:
        process.terminate()
        process.wait(20)
        mirror.shutdown()
        mirror.server_close()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"nothing listens on port {port}")


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pki.example.com")])
    now = datetime.now(UTC)
    certificate = (x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))).sign(
        key, SHA256()
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _trusting_all() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
